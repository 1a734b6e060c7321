//! Settings for AWS and for what stands in for it.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::config::Credentials;

/// What the hosts of AWS end with.
const AWS_DOMAINS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

/// Settings for an endpoint, or for AWS itself where none is given.
///
/// Credentials and region are the environment's or the profile's. Another endpoint than AWS's gets made-up ones where there are
/// none: emulators check no signature, and the SDK would look for a machine of AWS around this one, which takes seconds and fails.
pub async fn sdk_config(endpoint: Option<&str>) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    let loader = match endpoint {
        None => loader,
        Some(url) if is_aws(url) => loader.endpoint_url(url),
        Some(url) => loader.endpoint_url(url).region(any_region()).credentials_provider(any_credentials()),
    };
    loader.load().await
}

/// Settings for the streams of the tables behind an endpoint.
pub async fn streams_sdk_config(endpoint: &str) -> SdkConfig {
    sdk_config(streams_endpoint(endpoint)).await
}

/// AWS serves streams on another host than tables, which the SDK knows.
fn streams_endpoint(endpoint: &str) -> Option<&str> {
    (!is_aws(endpoint)).then_some(endpoint)
}

fn any_region() -> RegionProviderChain {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else("us-east-1")
}

fn any_credentials() -> CredentialsProviderChain {
    let profile = ProfileFileCredentialsProvider::builder().build();
    let made_up = Credentials::new("test", "test", None, None, "made up");
    CredentialsProviderChain::first_try("environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("profile", profile)
        .or_else("made up", made_up)
}

fn is_aws(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    AWS_DOMAINS.iter().any(|domain| host.to_ascii_lowercase().ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_aws_are_aws() {
        for url in [
            "https://lambda.eu-west-1.amazonaws.com",
            "https://lambda.eu-west-1.amazonaws.com:443/",
            "https://lambda.cn-north-1.amazonaws.com.cn",
            "https://Lambda.eu-west-1.API.aws/x",
        ] {
            assert!(is_aws(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:9001",
            "http://localhost:4566/.amazonaws.com",
            "http://amazonaws.com.example.org",
            "http://lambda.amazonaws.com@127.0.0.1:9001",
            "http://[::1]:9001",
        ] {
            assert!(!is_aws(url), "{url}");
        }
    }

    #[test]
    fn streams_are_on_the_host_of_the_tables_but_at_aws() {
        assert_eq!(streams_endpoint("http://127.0.0.1:8000"), Some("http://127.0.0.1:8000"));
        assert_eq!(streams_endpoint("https://dynamodb.eu-west-1.amazonaws.com"), None);
    }
}

//! SDK configuration for AWS and for emulators of it.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::config::Credentials;

/// The suffixes of AWS host names.
const AWS_DOMAINS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

/// Returns the SDK configuration for an endpoint, or for AWS itself without one.
///
/// Credentials and region are those of the environment or the profile. For an endpoint that is not AWS, placeholders stand in for missing
/// ones: emulators do not check signatures, and the SDK would otherwise query EC2's metadata service, which fails after some seconds.
pub async fn sdk_config(endpoint: Option<&str>) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    let loader = match endpoint {
        None => loader,
        Some(url) if is_aws(url) => loader.endpoint_url(url),
        Some(url) => loader.endpoint_url(url).region(any_region()).credentials_provider(any_credentials()),
    };
    loader.load().await
}

/// Returns the SDK configuration for the streams of the tables behind an endpoint.
pub async fn streams_sdk_config(endpoint: &str) -> SdkConfig {
    sdk_config(streams_endpoint(endpoint)).await
}

/// Returns the endpoint of streams. AWS serves streams on another host than tables; the SDK resolves it without an endpoint.
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
    let placeholder = Credentials::new("test", "test", None, None, "placeholder");
    CredentialsProviderChain::first_try("environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("profile", profile)
        .or_else("placeholder", placeholder)
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
    fn only_host_names_of_aws_are_aws() {
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
    fn streams_share_the_endpoint_of_tables_except_on_aws() {
        assert_eq!(streams_endpoint("http://127.0.0.1:8000"), Some("http://127.0.0.1:8000"));
        assert_eq!(streams_endpoint("https://dynamodb.eu-west-1.amazonaws.com"), None);
    }
}

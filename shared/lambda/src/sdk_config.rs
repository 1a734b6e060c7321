//! The SDK's configuration inside a function.

use std::env;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Region, credentials and endpoints of the environment, where the Lambda service puts them:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>.
///
/// The SDK's own loader would also look for profiles, roles to assume, containers and machines of EC2. A function has none of them, and
/// would carry the clients to ask them into every cold start.
pub(crate) async fn sdk_config() -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .service_config(ServiceEndpoints);
    config.set_endpoint_url(endpoint(ENDPOINT));
    config.build()
}

/// Endpoints of single services, such as `AWS_ENDPOINT_URL_DYNAMODB`.
#[derive(Debug)]
struct ServiceEndpoints;

impl LoadServiceConfig for ServiceEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        endpoint(&variable(&key))
    }
}

/// Empty means AWS, as unset does.
fn endpoint(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|url| !url.is_empty())
}

/// A service's variable: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
fn variable(key: &ServiceConfigKey<'_>) -> String {
    format!("{}_{}", key.env(), key.service_id().to_ascii_uppercase().replace(' ', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_variable_of_its_own() {
        for (service, expected) in [
            ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
            ("DynamoDB Streams", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"),
        ] {
            let key = ServiceConfigKey::builder().service_id(service).env(ENDPOINT).profile("endpoint_url");
            assert_eq!(variable(&key.build().unwrap()), expected);
        }
    }
}

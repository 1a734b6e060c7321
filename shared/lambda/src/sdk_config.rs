//! The SDK's configuration inside a function.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use orderflow_settings::declared::AWS_ENDPOINT_URL;
use orderflow_settings::{Reader, Snapshot};

/// Region, credentials and endpoints of the environment, where the Lambda service puts them:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>.
///
/// The SDK's own loader would also look for profiles, roles to assume, containers and machines of EC2. A function has none of them, and
/// would carry the clients to ask them into every cold start.
pub(crate) async fn sdk_config(endpoints: Endpoints) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .service_config(endpoints.clone());
    config.set_endpoint_url(endpoints.all);
    config.build()
}

/// The endpoint of all services from `AWS_ENDPOINT_URL`, and those of single services from variables such as `AWS_ENDPOINT_URL_DYNAMODB`.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    all: Option<String>,
    snapshot: Snapshot,
}

impl Endpoints {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        Self { all: reader.http_url(&AWS_ENDPOINT_URL), snapshot: reader.snapshot().clone() }
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        Some(self.snapshot.variable(&variable(&key))?.to_str()?.to_owned())
    }
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
            let key = ServiceConfigKey::builder()
                .service_id(service)
                .env(AWS_ENDPOINT_URL.variable)
                .profile("endpoint_url");
            assert_eq!(variable(&key.build().unwrap()), expected);
        }
    }
}

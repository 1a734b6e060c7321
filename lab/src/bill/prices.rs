//! The price file.

use std::path::Path;

use serde::Deserialize;

use crate::BenchError;

/// The prices that are used without `--prices`.
const BUILT_IN: &str = include_str!("prices.json");

/// Prices of AWS in one region, and what the bill assumes about it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    /// The day on which the prices were read.
    pub as_of: String,
    pub region: String,
    /// Remarks for the reader of the file.
    #[serde(default, rename = "note")]
    _note: String,
    pub usd_per_million: PerMillion,
    pub usd_per_gb: PerGb,
    pub assumed: Assumed,
}

/// Prices in USD for a million.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerMillion {
    pub dynamodb_write_units: f64,
    pub dynamodb_read_units: f64,
    pub dynamodb_stream_reads_by_lambda: f64,
    /// Requests, in units of 64 KiB.
    pub sns_requests: f64,
    pub sns_deliveries_to_sqs: f64,
    /// Requests, in units of 64 KiB.
    pub sqs_requests: f64,
    pub lambda_requests: f64,
    pub lambda_gb_seconds: f64,
    pub http_api_calls: f64,
    pub step_functions_transitions: f64,
    pub durable_operations: f64,
}

/// Prices in USD for a GB.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerGb {
    pub logs_ingested: f64,
    pub durable_data_written: f64,
}

/// What cannot be counted on this machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assumed {
    /// The memory of the functions, as in template.yaml.
    pub memory_mb: f64,
    /// How long a function waits for the answer to a request to DynamoDB or SNS, in milliseconds.
    pub request_ms: f64,
    /// The CPU time that a function needs for such a request: encoding, signature, TLS. In milliseconds of one whole CPU.
    pub request_cpu_ms: f64,
    /// The memory with which a function has one CPU.
    pub vcpu_mb: f64,
    /// What Lambda itself logs about each call: nothing with the default of `SystemLogLevel` in the template, about 600 with `INFO`.
    pub lambda_log_bytes_per_call: f64,
    /// The line of a request in the access log of API Gateway.
    pub access_log_bytes_per_http_call: f64,
}

impl Prices {
    /// Reads a price file, or returns the prices of this program.
    ///
    /// # Errors
    /// [`BenchError::File`] if the file cannot be read; [`BenchError::Flag`] if it has another shape, or a price below 0.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, BenchError> {
        let Some(file) = file else {
            return Ok(serde_json::from_str(BUILT_IN).expect("a test reads the file"));
        };
        let text = std::fs::read_to_string(file)
            .map_err(|source| BenchError::File { path: file.to_owned(), source })?;
        serde_json::from_str(&text).map_err(|error| {
            BenchError::flag("--prices", format!("{} has no prices: {error}", file.display()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_prices_are_read_and_another_file_must_have_the_same_shape() {
        assert_eq!(Prices::read(None).unwrap().region, "us-east-1");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), BUILT_IN.replace("0.625", "1.25")).unwrap();
        assert_eq!(Prices::read(Some(file.path())).unwrap().usd_per_million.dynamodb_write_units, 1.25);
        std::fs::write(file.path(), BUILT_IN.replace("sns_requests", "sns")).unwrap();
        let error = Prices::read(Some(file.path())).unwrap_err().to_string();
        assert!(error.starts_with("--prices: ") && error.contains("sns"), "{error}");
        assert!(matches!(Prices::read(Some(Path::new("/nowhere"))), Err(BenchError::File { .. })));
    }
}

//! The payment provider, and the alarm for failed refunds.

use orderflow_payments::REFUND_FAILED;
use orderflow_settings::Secrecy;
use orderflow_settings::declared::ALL;
use serde_json::json;

use crate::reading::{functions, resource, template};

#[test]
fn all_functions_that_charge_or_refund_use_the_same_provider() {
    let functions = functions();
    for bundle in ["payment", "shop-api"] {
        let environment = functions[bundle].environment();
        for (variable, parameter) in [
            ("PAYMENT_PROVIDER", "PaymentProvider"),
            (
                "STRIPE_API_KEY",
                r#"["HasStripeApiKey","{{resolve:secretsmanager:${StripeApiKeySecret}}}",""]"#,
            ),
            ("STRIPE_API_URL", "StripeApiUrl"),
        ] {
            assert_eq!(environment[variable], parameter, "{bundle}");
        }
    }
    assert_eq!(
        functions["shop-api"].environment()["STRIPE_WEBHOOK_SECRET"],
        r#"["HasStripeWebhook","{{resolve:secretsmanager:${StripeWebhookSecret}}}",""]"#
    );
    // It refuses orders that the provider would not charge.
    assert_eq!(functions["order-intake"].environment()["PAYMENT_PROVIDER"], "PaymentProvider");
}

#[test]
fn the_default_provider_is_simulated() {
    let template = template();
    let parameters = &template["Parameters"];
    assert_eq!(parameters["PaymentProvider"]["Default"], "simulated");
    assert_eq!(template["Rules"]["Payment"]["RuleCondition"], json!(["PaymentProvider", "stripe"]));
}

/// A secret in a parameter would stand in the history of deployments, and in each file that has the parameters.
#[test]
fn secrets_come_from_secrets_manager_and_the_key_is_sent_by_https_only() {
    let template = template();
    let parameters = template["Parameters"].as_object().unwrap();
    for setting in ALL.iter().filter(|setting| setting.secrecy != Secrecy::Public) {
        for (bundle, function) in functions() {
            let value = function.environment().remove(setting.variable).unwrap_or_default();
            let is_secret = setting.secrecy == Secrecy::Secret || setting.variable == "SMTP_URL";
            if is_secret && !value.is_empty() {
                assert!(value.contains("{{resolve:secretsmanager:"), "{bundle}: {}", setting.variable);
            }
        }
    }
    assert!(!parameters.contains_key("SmtpUrl") && !parameters.contains_key("StripeApiKey"));
    assert_eq!(parameters["StripeApiUrl"]["AllowedPattern"], r"https://[^@\s]+");
}

#[test]
fn failed_refunds_have_an_alarm() {
    let pattern = format!("\"{REFUND_FAILED}\"");
    let (_, filter) = resource("AWS::Logs::MetricFilter", "FilterPattern", &pattern);
    assert_eq!(filter["LogGroupName"], "PaymentLogs");
    let metric = &filter["MetricTransformations"][0];
    let (_, alarm) = resource("AWS::CloudWatch::Alarm", "MetricName", metric["MetricName"].as_str().unwrap());
    assert_eq!(alarm["Namespace"], metric["MetricNamespace"]);
    assert!(alarm["AlarmActions"].to_string().contains("AlarmTopicArn"));
}

//! Functions, one for each bundle.

use std::collections::BTreeSet;

use orderflow_store::DEFAULT_PREFIX;
use serde_json::json;

use crate::reading::{binaries, functions, resources, root, template};

#[test]
fn every_bundle_is_deployed() {
    let deployed: BTreeSet<_> = functions().into_keys().collect();
    assert_eq!(deployed, binaries().into_keys().collect());
}

#[test]
fn a_function_has_the_name_of_its_bundle() {
    assert_eq!(template()["Parameters"]["Prefix"]["Default"], DEFAULT_PREFIX);
    for (bundle, function) in functions() {
        assert_eq!(function.properties["FunctionName"], format!("${{Prefix}}-{bundle}"));
        assert_eq!(function.metadata["BuildMethod"], "rust-cargolambda", "{bundle}");
        let folder = function.properties["CodeUri"].as_str().unwrap();
        assert!(binaries()[&bundle].starts_with(root().join(folder)), "{folder} does not build {bundle}");
    }
}

#[test]
fn a_changed_setting_publishes_a_new_version() {
    assert_eq!(template()["Globals"]["Function"]["AutoPublishAlias"], "live");
    for (bundle, function) in functions() {
        assert_eq!(function.properties["AutoPublishAliasAllProperties"], true, "{bundle}");
    }
}

#[test]
fn gradual_deployment_is_optional_and_rolls_back_on_errors() {
    let template = template();
    assert_eq!(template["Parameters"]["GradualDeployment"]["AllowedValues"], json!(["true", "false"]));
    let rollout = &template["Globals"]["Function"]["DeploymentPreference"];
    assert_eq!(rollout, &json!({"Enabled": "GradualDeployment", "Type": "Canary10Percent5Minutes"}));
    for (bundle, function) in functions() {
        let own = function.properties["DeploymentPreference"].as_object().unwrap().clone();
        let alarm = function.resource.replace("Function", "ErrorsAlarm");
        assert_eq!(own["Alarms"], json!([alarm]), "an error takes {bundle} back");
        assert_eq!(own.len(), 1, "{bundle} has a rollout of its own");
    }
}

#[test]
fn a_function_has_a_log_a_role_and_an_alarm() {
    let (logs, alarms) = (resources("AWS::Logs::LogGroup"), resources("AWS::CloudWatch::Alarm"));
    for (bundle, function) in functions() {
        let own = |suffix: &str| function.resource.replace("Function", suffix);
        assert_eq!(function.properties["Role"], own("Role.Arn"), "{bundle}");
        let logging = &function.properties["LoggingConfig"];
        assert_eq!(logging["LogGroup"], own("Logs"), "{bundle}");
        // Lambda filters its own lines, and only in this format; the lines of the functions are filtered by `RUST_LOG`.
        let levels = [&logging["LogFormat"], &logging["SystemLogLevel"], &logging["ApplicationLogLevel"]];
        assert_eq!(levels, ["JSON", "SystemLogLevel", "TRACE"], "{bundle}");
        let log = &logs[&own("Logs")]["Properties"];
        assert_eq!(log["LogGroupName"], format!("/aws/lambda/${{Prefix}}-{bundle}"));
        assert_eq!(log["RetentionInDays"], "LogRetentionDays");
        let alarm = &alarms[&own("ErrorsAlarm")]["Properties"];
        assert_eq!(alarm["Dimensions"][0]["Value"], format!("${{Prefix}}-{bundle}"));
    }
}

#[test]
fn the_schedule_triggers_order_expiry_alone() {
    let functions = functions();
    let scheduled = functions.values().filter(|function| !function.triggers("Schedule").is_empty());
    assert_eq!(scheduled.map(|function| function.bundle.as_str()).collect::<Vec<_>>(), ["order-expiry"]);
}

//! Alarms and the dashboard.

use orderflow_messaging::SUBSCRIPTIONS;
use serde_json::Value;

use crate::queues::{dead_letters, queue};
use crate::reading::{functions, resources};

#[test]
fn dead_letters_have_alarms() {
    for bundle in SUBSCRIPTIONS.iter().map(|row| row.consumer).chain(["outbox-relay"]) {
        let name = format!("{}.QueueName", dead_letters(bundle));
        let alarm = alarm("ApproximateNumberOfMessagesVisible", Some(&name));
        assert_eq!(alarm["Threshold"], 0, "{bundle}");
    }
}

#[test]
fn old_messages_have_alarms() {
    for row in SUBSCRIPTIONS {
        let name = format!("{}.QueueName", queue(row.consumer).0);
        alarm("ApproximateAgeOfOldestMessage", Some(&name));
    }
}

#[test]
fn failing_throttled_and_late_functions_have_alarms() {
    for bundle in functions().into_keys() {
        alarm("Errors", Some(&format!("${{Prefix}}-{bundle}")));
    }
    alarm("IteratorAge", Some("${Prefix}-outbox-relay"));
    alarm("Throttles", None);
}

#[test]
fn every_alarm_is_sent_to_the_alarm_topic() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["Properties"]["AlarmActions"][1][0], "AlarmTopicArn", "{name}");
        assert_eq!(alarm["Properties"]["TreatMissingData"], "notBreaching", "{name}");
    }
}

#[test]
fn the_dashboard_shows_every_function_and_queue() {
    let body = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["Properties"]["DashboardBody"].clone();
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap().iter();
    let metrics: Vec<&Value> = widgets.flat_map(|w| w["properties"]["metrics"].as_array().unwrap()).collect();
    let shows = |metric: &str, of: &str| metrics.iter().any(|m| m[1] == metric && m[3] == of);
    for bundle in functions().into_keys() {
        for metric in ["Invocations", "Errors", "Duration"] {
            assert!(shows(metric, &format!("${{Prefix}}-{bundle}")), "{metric} of {bundle}");
        }
    }
    for row in SUBSCRIPTIONS {
        let name = format!("${{Prefix}}-{}", row.consumer);
        for metric in ["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"] {
            assert!(shows(metric, &name), "{metric} of {name}");
        }
        assert!(shows("ApproximateNumberOfMessagesVisible", &format!("{name}-dlq")), "{name}");
    }
}

/// Returns the only alarm of a metric, of this function or queue if one is given.
fn alarm(metric: &str, of: Option<&str>) -> Value {
    let mut alarms =
        resources("AWS::CloudWatch::Alarm").into_iter().map(|(_, alarm)| alarm["Properties"].clone());
    let watches =
        |alarm: &Value| alarm["MetricName"] == metric && alarm["Dimensions"][0]["Value"].as_str() == of;
    alarms.find(watches).unwrap_or_else(|| panic!("no alarm for {metric} of {of:?}"))
}

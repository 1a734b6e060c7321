//! The topic, and each consumer's queue.

use std::collections::BTreeSet;

use orderflow_messaging::SUBSCRIPTIONS;
use serde_json::{Value, json};

use crate::reading::{functions, resource, resources, template, texts};

/// The limits of SQS.
const MOST_RECEIVES: u64 = 1_000;

#[test]
fn the_filter_policy_of_a_queue_matches_the_subscription() {
    let subscriptions = resources("AWS::SNS::Subscription");
    assert_eq!(subscriptions.len(), SUBSCRIPTIONS.len());
    for row in SUBSCRIPTIONS {
        let (queue, _) = queue(row.consumer);
        let (_, subscription) = resource("AWS::SNS::Subscription", "Endpoint", &format!("{queue}.Arn"));
        let types: BTreeSet<String> = row.types.iter().map(|t| t.as_str().to_owned()).collect();
        assert_eq!(texts(&subscription["FilterPolicy"]["type"]), types, "{}", row.consumer);
        assert_eq!(subscription["FilterPolicy"].as_object().unwrap().len(), 1);
        assert_eq!(subscription["RawMessageDelivery"], true, "{}", row.consumer);
        assert_eq!(subscription["Protocol"], "sqs");
        assert_eq!(subscription["TopicArn"], "EventsTopic");
    }
}

#[test]
fn a_consumer_is_triggered_by_its_queue_and_reports_each_message() {
    let functions = functions();
    let mut triggered: Vec<&str> = Vec::new();
    for (bundle, function) in &functions {
        let triggers = function.triggers("SQS");
        let [trigger] = &triggers[..] else {
            assert!(triggers.is_empty(), "{bundle}");
            continue;
        };
        triggered.push(bundle);
        assert_eq!(trigger["Queue"], format!("{}.Arn", queue(bundle).0));
        assert_eq!(trigger["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{bundle}");
        assert!(trigger["ScalingConfig"]["MaximumConcurrency"].as_u64().unwrap() >= 2, "{bundle}");
        let window = trigger["MaximumBatchingWindowInSeconds"].as_u64().unwrap();
        let batch = trigger["BatchSize"].as_u64().unwrap();
        assert!(batch <= 10 || window >= 1, "{bundle}: SQS gives no more than 10 without a window");
    }
    let mut consumers: Vec<&str> = SUBSCRIPTIONS.iter().map(|row| row.consumer).collect();
    consumers.sort_unstable();
    assert_eq!(triggered, consumers);
}

#[test]
fn the_visibility_timeout_is_longer_than_the_function_timeout() {
    let globals = template()["Globals"]["Function"]["Timeout"].clone();
    for row in SUBSCRIPTIONS {
        let function = &functions()[row.consumer];
        let own = function.properties["Timeout"].as_u64();
        let timeout = own.or(globals.as_u64()).unwrap();
        let visibility = queue(row.consumer).1["VisibilityTimeout"].as_u64().unwrap();
        assert!(visibility >= 6 * timeout, "{}: {visibility} s for {timeout} s", row.consumer);
    }
}

#[test]
fn the_function_dead_letters_before_the_queue_does() {
    let most_attempts = template()["Parameters"]["MaxAttempts"]["MaxValue"].as_u64().unwrap();
    for row in SUBSCRIPTIONS {
        let redrive_policy = &queue(row.consumer).1["RedrivePolicy"];
        let receives = redrive_policy["maxReceiveCount"].as_u64().unwrap();
        assert!(receives > most_attempts && receives <= MOST_RECEIVES, "{}", row.consumer);
        assert_eq!(redrive_policy["deadLetterTargetArn"], format!("{}.Arn", dead_letters(row.consumer)));
        let environment = functions()[row.consumer].environment();
        assert_eq!(environment["ORDERFLOW_MAX_ATTEMPTS"], "MaxAttempts", "{}", row.consumer);
    }
}

#[test]
fn messages_are_encrypted_at_rest() {
    for (name, queue) in resources("AWS::SQS::Queue") {
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{name}");
    }
    assert_eq!(resources("AWS::SNS::Topic")["EventsTopic"]["Properties"]["KmsMasterKeyId"], "alias/aws/sns");
}

#[test]
fn a_function_knows_its_own_queues() {
    for row in SUBSCRIPTIONS {
        let environment = functions()[row.consumer].environment();
        assert_eq!(environment["QUEUE_URL"], queue(row.consumer).0);
        assert_eq!(environment["DEAD_LETTER_QUEUE_URL"], dead_letters(row.consumer));
    }
    let relay = functions()["outbox-relay"].environment();
    assert_eq!(relay["DEAD_LETTER_QUEUE_URL"], dead_letters("outbox-relay"));
    assert_eq!(relay["TOPIC_ARN"], "EventsTopic");
    assert_eq!(resources("AWS::SNS::Topic")["EventsTopic"]["Properties"]["TopicName"], "${Prefix}-events");
}

#[test]
fn only_the_topic_may_send_and_to_every_queue() {
    let policy = &resources("AWS::SQS::QueuePolicy")["QueuesPolicy"];
    let queues: BTreeSet<String> = SUBSCRIPTIONS.iter().map(|row| queue(row.consumer).0).collect();
    assert_eq!(texts(&policy["Properties"]["Queues"]), queues);
    let statements = &policy["Properties"]["PolicyDocument"]["Statement"];
    let allowed = statements.as_array().unwrap().iter().filter(|statement| statement["Effect"] == "Allow");
    assert_eq!(allowed.count(), 1);
    assert_eq!(statements[0]["Condition"]["ArnEquals"]["aws:SourceArn"], "EventsTopic");
}

#[test]
fn queues_and_topic_refuse_requests_without_tls() {
    let mut refusing = BTreeSet::new();
    let policies = [("AWS::SQS::QueuePolicy", "Queues"), ("AWS::SNS::TopicPolicy", "Topics")];
    for (kind, of) in policies {
        for (name, policy) in resources(kind) {
            let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap();
            let denied: Vec<&Value> =
                statements.iter().filter(|statement| statement["Effect"] == "Deny").collect();
            let [denied] = denied[..] else { panic!("{name} accepts requests without TLS") };
            assert_eq!(denied["Principal"], "*", "{name}");
            // Emulators serve plain HTTP, and this is their account.
            let condition = json!({
                "Bool": {"aws:SecureTransport": "false"},
                "StringNotEquals": {"aws:ResourceAccount": "000000000000"},
            });
            assert_eq!(denied["Condition"], condition, "{name}");
            refusing.extend(texts(&policy["Properties"][of]));
        }
    }
    let all = resources("AWS::SQS::Queue").into_iter().chain(resources("AWS::SNS::Topic"));
    assert_eq!(refusing, all.map(|(name, _)| name).collect());
}

pub(crate) fn queue(consumer: &str) -> (String, Value) {
    resource("AWS::SQS::Queue", "QueueName", &format!("${{Prefix}}-{consumer}"))
}

pub(crate) fn dead_letters(bundle: &str) -> String {
    resource("AWS::SQS::Queue", "QueueName", &format!("${{Prefix}}-{bundle}-dlq")).0
}

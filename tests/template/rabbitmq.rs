//! The optional template: queues of RabbitMQ trigger the consumers.

use std::collections::BTreeSet;

use orderflow_bridge::rabbitmq::queue;
use orderflow_messaging::SUBSCRIPTIONS;
use serde_json::Value;

use crate::reading::{functions, read, template};

fn of_type(of_type: &str) -> Vec<Value> {
    let template: Value = serde_saphyr::from_str(&read("template-rabbitmq.yaml")).unwrap();
    let resources = template["Resources"].as_object().unwrap().values();
    resources.filter(|found| found["Type"] == of_type).map(|found| found["Properties"].clone()).collect()
}

#[test]
fn every_consumer_is_triggered_by_its_queue() {
    let mappings = of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), SUBSCRIPTIONS.len());
    for row in SUBSCRIPTIONS {
        let function = format!("${{Prefix}}-{}:live", row.consumer);
        let mapping = mappings.iter().find(|mapping| mapping["FunctionName"] == function);
        let mapping = mapping.unwrap_or_else(|| panic!("no trigger of {function}"));
        assert_eq!(mapping["Queues"], serde_json::json!([queue(row.consumer)]));
        assert_eq!(mapping["BatchSize"], functions()[row.consumer].triggers("SQS")[0]["BatchSize"]);
    }
}

#[test]
fn every_consumer_may_read_the_broker() {
    let outputs = template()["Outputs"].clone();
    let exported = |consumer: &str| {
        let name = format!("${{Prefix}}-{consumer}-role");
        let outputs = outputs.as_object().unwrap().values();
        let found: Vec<_> = outputs.filter(|output| output["Export"]["Name"] == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0]["Value"], functions()[consumer].resource.replace("Function", "Role"));
        name
    };
    let policies = of_type("AWS::IAM::ManagedPolicy");
    let roles = policies[0]["Roles"].as_array().unwrap().iter();
    let roles: BTreeSet<_> = roles.map(|role| role["Fn::ImportValue"].as_str().unwrap().to_owned()).collect();
    assert_eq!(roles, SUBSCRIPTIONS.iter().map(|row| exported(row.consumer)).collect());
}

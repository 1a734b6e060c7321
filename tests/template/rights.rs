//! What each function may do. That it uses each of these rights, and needs no other, is shown by what the bundles are seen to ask for.

use serde_json::Value;

use crate::reading::{functions, resources};

/// What knows no resource: streams are listed, and dynamodb has no narrower right for it.
const OF_NO_RESOURCE: [&str; 1] = ["dynamodb:ListStreams"];

#[test]
fn a_function_may_only_do_what_is_named_to_what_is_named() {
    for function in functions().values() {
        for statement in statements(&function.resource) {
            let actions: Vec<&str> = statement["Action"]
                .as_array()
                .unwrap()
                .iter()
                .map(|action| action.as_str().unwrap())
                .collect();
            assert_eq!(statement["Effect"], "Allow");
            let everything = statement["Resource"] == "*";
            assert_eq!(everything, actions == OF_NO_RESOURCE, "{}: {statement}", function.bundle);
            assert!(actions.iter().all(|action| !action.ends_with(":*")), "{}: {actions:?}", function.bundle);
        }
    }
}

#[test]
fn nobody_may_delete_from_a_table_or_scan_it() {
    let text = serde_json::to_string(&resources("AWS::IAM::Role")).unwrap();
    assert!(text.contains("dynamodb:PutItem"), "the roles are read wrongly");
    assert!(!text.contains("dynamodb:DeleteItem") && !text.contains("dynamodb:Scan"));
}

#[test]
fn only_notification_may_send_and_only_by_the_provider_that_is_chosen() {
    for (bundle, function) in functions() {
        let granted = serde_json::to_string(&statements(&function.resource)).unwrap();
        let sends = granted.contains("ses:Send") || granted.contains("\"sns:Publish\"");
        assert_eq!(sends, bundle == "notification", "{bundle}");
    }
    let roles = resources("AWS::IAM::Role");
    let own = &roles["NotificationRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    let conditional: Vec<&Value> = own.as_array().unwrap().iter().filter(|found| found.is_array()).collect();
    let [ses, sns] = conditional[..] else { panic!("{own}") };
    assert_eq!((&ses[0], &ses[1]["Action"][0]), (&"SendsBySes".into(), &"ses:SendEmail".into()));
    assert_eq!((&sns[0], &sns[1]["Action"]), (&"SendsBySns".into(), &serde_json::json!(["sns:Publish"])));
    assert_eq!(sns[1]["NotResource"], "arn:${AWS::Partition}:sns:*:*:*", "no topic of anybody");
}

fn statements(function: &str) -> Vec<Value> {
    let roles = resources("AWS::IAM::Role");
    let policies = roles[&function.replace("Function", "Role")]["Properties"]["Policies"].clone();
    let policies = policies.as_array().unwrap().iter();
    let statements =
        policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone());
    statements.map(if_granted).collect()
}

/// A statement as it is where its condition, if it has one, holds.
fn if_granted(statement: Value) -> Value {
    match statement.as_array() {
        Some(conditional) => conditional[1].clone(),
        None => statement,
    }
}

//! The rights of each function. The suite `bundles` checks that each function uses these rights and needs no others.

use serde_json::Value;

use crate::reading::{functions, resources};

/// Actions without a resource: IAM has no narrower right to list streams.
const OF_NO_RESOURCE: [&str; 1] = ["dynamodb:ListStreams"];

#[test]
fn every_right_names_its_actions_and_resources() {
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

/// `notification` returns its claim on a notification that it did not send.
#[test]
fn no_function_may_delete_from_a_table_except_notification() {
    let roles = resources("AWS::IAM::Role");
    let may = |action: &str| -> Vec<&str> {
        let roles = roles.iter().filter(|(_, role)| serde_json::to_string(role).unwrap().contains(action));
        roles.map(|(name, _)| name.as_str()).collect()
    };
    assert!(may("dynamodb:PutItem").len() > 1, "the roles were not read");
    assert_eq!(may("dynamodb:DeleteItem"), ["NotificationRole"]);
}

/// No index leads to the notifications of a customer.
#[test]
fn no_function_may_scan_a_table_except_notifications_to_export_and_forget_customers() {
    let mut scanning = Vec::new();
    for (bundle, function) in functions() {
        let statements = statements(&function.resource).into_iter();
        let scans = statements.filter(|statement| statement["Action"].to_string().contains("dynamodb:Scan"));
        scanning.extend(scans.map(|statement| (bundle.clone(), statement["Resource"].clone())));
    }
    assert_eq!(scanning, [("shop-api".to_owned(), Value::from("NotificationsTable.Arn"))]);
}

#[test]
fn only_notification_may_send_and_only_with_the_chosen_provider() {
    for (bundle, function) in functions() {
        let granted = serde_json::to_string(&statements(&function.resource)).unwrap();
        let sends = granted.contains("ses:Send") || granted.contains("\"sns:Publish\"");
        assert_eq!(sends, bundle == "notification", "{bundle}");
    }
    let roles = resources("AWS::IAM::Role");
    let own = &roles["NotificationRole"]["Properties"]["Policies"][1]["PolicyDocument"]["Statement"];
    let conditional: Vec<&Value> = own.as_array().unwrap().iter().filter(|found| found.is_array()).collect();
    let [ses, sns] = conditional[..] else { panic!("{own}") };
    assert_eq!((&ses[0], &ses[1]["Action"][0]), (&"SendsBySes".into(), &"ses:SendEmail".into()));
    let given = |condition: &str, arn: &str| serde_json::json!([condition, arn, "AWS::NoValue"]);
    assert_eq!(ses[1]["Resource"][0], given("HasSesIdentity", "SesIdentityArn"));
    assert_eq!(ses[1]["Resource"][1], given("HasSesConfigurationSet", "SesConfigurationSetArn"));
    assert_eq!((&sns[0], &sns[1]["Action"]), (&"SendsBySns".into(), &serde_json::json!(["sns:Publish"])));
    assert_eq!(sns[1]["NotResource"], "arn:${AWS::Partition}:sns:*:*:*", "every topic is excluded");
}

#[test]
fn a_function_may_write_its_own_log_only() {
    let groups = resources("AWS::Logs::LogGroup");
    for (bundle, function) in functions() {
        let logs: Vec<Value> = statements(&function.resource)
            .into_iter()
            .filter(|statement| statement["Action"].to_string().contains("logs:"))
            .collect();
        let [statement] = &logs[..] else { panic!("{bundle}: {logs:?}") };
        let group = function.properties["LoggingConfig"]["LogGroup"].as_str().unwrap();
        let name = groups[group]["Properties"]["LogGroupName"].as_str().unwrap();
        let resource = statement["Resource"].as_str().unwrap();
        assert!(resource.ends_with(&format!(":log-group:{name}:*")), "{bundle}: {resource}");
    }
}

fn statements(function: &str) -> Vec<Value> {
    let roles = resources("AWS::IAM::Role");
    let policies = roles[&function.replace("Function", "Role")]["Properties"]["Policies"].clone();
    let policies = policies.as_array().unwrap().iter();
    let statements =
        policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone());
    statements.map(if_granted).collect()
}

/// Returns a statement as it is if its condition holds.
fn if_granted(statement: Value) -> Value {
    match statement.as_array() {
        Some(conditional) => conditional[1].clone(),
        None => statement,
    }
}

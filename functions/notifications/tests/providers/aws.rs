//! E-mail through SES and short messages through SNS, emulated by MiniStack.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sesv2::config::{Credentials, SharedCredentialsProvider};
use orderflow_domain::ChannelKind;
use orderflow_messaging::Outcome;
use orderflow_testing::ministack::MiniStack;
use serde_json::Value;

use crate::outcomes::{EMAIL, PHONE, golden, outcomes};
use crate::service::{Service, tool};

fn sdk_config(stack: &MiniStack) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(stack.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Returns every object in the emulator's answer that has this member, at any depth.
async fn captured(stack: &MiniStack, path: &str, member: &str) -> Vec<Value> {
    fn collect(value: Value, member: &str, found: &mut Vec<Value>) {
        match value {
            Value::Object(object) if object.contains_key(member) => found.push(Value::Object(object)),
            Value::Object(object) => object.into_iter().for_each(|(_, inner)| collect(inner, member, found)),
            Value::Array(list) => list.into_iter().for_each(|inner| collect(inner, member, found)),
            _ => {}
        }
    }
    let answer = reqwest::get(format!("{}/_ministack/{path}", stack.endpoint())).await.unwrap();
    let mut found = Vec::new();
    collect(answer.json().await.unwrap(), member, &mut found);
    found
}

#[tokio::test]
async fn three_deliveries_send_each_outcome_once_by_e_mail_and_sms() {
    let stack = MiniStack::start(&tool("ORDERFLOW_MINISTACK")).await.unwrap();
    let variables = [
        ("MAIL_PROVIDER", "ses".to_owned()),
        ("MAIL_FROM", "Shop <orders@shop.example>".to_owned()),
        ("SMS_PROVIDER", "sns".to_owned()),
    ];
    let ses = aws_sdk_sesv2::Client::new(&sdk_config(&stack));
    ses.create_email_identity().email_identity("shop.example").send().await.unwrap();
    for (number, (outcome, event)) in outcomes().into_iter().enumerate() {
        let service = Service::start(&variables, sdk_config(&stack)).await;
        for _ in 0..3 {
            assert_eq!(service.deliver(std::slice::from_ref(&event)).await, [Outcome::Done], "{outcome}");
        }
        let mails = captured(&stack, "ses/messages", "BodyText").await;
        assert_eq!(mails.len(), number + 1, "{outcome}: {mails:?}");
        let mail = &mails[number];
        assert_eq!(mail["To"], serde_json::json!([EMAIL]));
        let (subject, body) = (mail["Subject"].as_str().unwrap(), mail["BodyText"].as_str().unwrap());
        let text = format!("Subject: {subject}\n\n{}", body.replace("\r\n", "\n").trim_end());
        assert_eq!(text, golden(outcome, ChannelKind::Email), "{outcome}");

        let messages = captured(&stack, "sns/sms-messages", "Message").await;
        assert_eq!(messages.len(), number + 1, "{outcome}: {messages:?}");
        assert_eq!(messages[number]["PhoneNumber"], PHONE);
        assert_eq!(messages[number]["Message"], golden(outcome, ChannelKind::Sms), "{outcome}");
    }
}

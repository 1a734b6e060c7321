use super::*;

fn answered(code: &str, words: &str) -> ChannelError {
    refusal_or_not(code, words, &Recipient::Email(Email::parse("jane@example.com").unwrap()))
}

#[test]
fn what_is_wrong_with_the_message_is_refused_for_good() {
    for code in REFUSALS {
        let error = answered(code, "jane@example.com is on the list");
        assert_eq!(error, ChannelError::Refused(format!("{code}: *** is on the list")));
    }
}

#[test]
fn what_is_not_about_the_message_is_tried_again() {
    for (code, words) in [
        ("TooManyRequestsException", "Maximum sending rate exceeded."),
        ("SendingPausedException", "Sending is paused."),
        ("AccessDeniedException", "no identity-based policy allows it"),
        ("MessageRejected", "Email address is not verified: jane@example.com"),
    ] {
        let error = answered(code, words);
        assert!(matches!(error, ChannelError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("jane"), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_tried_again() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let aws = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(format!("http://{nobody}"))
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_sns::config::SharedCredentialsProvider::new(
            aws_sdk_sns::config::Credentials::new("test", "test", None, None, "made up"),
        ))
        .build();
    let phone = Phone::parse("+4930123456").unwrap();
    let message = Message {
        id: uuid::Uuid::nil(),
        order_id: None,
        template: "order_refunded".to_owned(),
        recipient: Recipient::Sms(phone.clone()),
        subject: None,
        body: "We have given back 39.98 USD.".to_owned(),
    };
    let error = SnsSmsProvider::new(&aws).send(&phone, &message).await.unwrap_err();
    assert!(matches!(error, ChannelError::Unavailable(_)), "{error}");
}

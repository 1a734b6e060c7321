use super::*;

fn error_for(code: &str, message: &str) -> ChannelError {
    error_of(code, message, &Recipient::Email(Email::parse("jane@example.com").unwrap()))
}

#[test]
fn errors_about_the_message_are_refusals() {
    for code in REFUSALS {
        let error = error_for(code, "jane@example.com is on the list");
        assert_eq!(error, ChannelError::Refused(format!("{code}: *** is on the list")));
    }
}

#[test]
fn errors_about_the_account_are_retried() {
    for (code, message) in [
        ("TooManyRequestsException", "Maximum sending rate exceeded."),
        ("SendingPausedException", "Sending is paused."),
        ("AccessDeniedException", "no identity-based policy allows it"),
        ("LimitExceededException", "Daily message quota exceeded."),
        ("MessageRejected", "Sending suspended for this account."),
        ("MessageRejected", "Email address is not verified: shop@shop.example"),
        ("MessageRejected", "Email address is not verified: shop@shop.example, jane@example.com"),
        ("Throttling", "Rate exceeded"),
        ("AuthorizationError", "not authorized to perform SNS:Publish"),
    ] {
        let error = error_for(code, message);
        assert!(matches!(error, ChannelError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("jane"), "{error}");
    }
}

#[test]
fn an_unverified_recipient_of_an_account_in_the_sandbox_does_not_count_against_the_account() {
    let message =
        "Email address is not verified. The following identities failed the check: Jane@example.com";
    let error = error_for("MessageRejected", message);
    assert!(matches!(error, ChannelError::RecipientUnavailable(_)), "{error}");
    assert!(!error.to_string().contains("Jane"), "{error}");
}

#[tokio::test]
async fn an_unreachable_service_is_retried() {
    let closed_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let aws = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(format!("http://{closed_port}"))
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_sns::config::SharedCredentialsProvider::new(
            aws_sdk_sns::config::Credentials::new("test", "test", None, None, "test"),
        ))
        .build();
    let phone = Phone::parse("+4930123456").unwrap();
    let message = Message {
        id: uuid::Uuid::nil(),
        order_id: None,
        template: "order_refunded".to_owned(),
        recipient: Recipient::Sms(phone.clone()),
        subject: None,
        body: "We have refunded 39.98 USD.".to_owned(),
    };
    let mut turn = Turn::free(tokio::time::Instant::now() + TIMEOUT);
    let error = SnsSmsProvider::new(&aws).send(&phone, &message, &mut turn).await.unwrap_err();
    assert!(matches!(error, ChannelError::Unavailable(_)), "{error}");
}

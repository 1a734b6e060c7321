use super::*;
use crate::declared::{
    AWS_ENDPOINT, BROKER, CATALOG_CACHE_TTL, DRAIN_SECONDS, EPHEMERAL, HOST, INSECURE, MAIL_PROVIDER,
    MAX_ATTEMPTS, ONLY, PAYMENT_PROVIDER, PORT, STRIPE_API_KEY, TEMPLATES_DIR, TOPIC_ARN,
};

fn with(variables: &[(&'static Setting, &str)]) -> Snapshot {
    Snapshot::from_variables(variables.iter().map(|(setting, value)| (setting.variable, *value)))
}

fn one<T>(
    setting: &'static Setting,
    value: &str,
    get: impl FnOnce(&mut Reader<'_>) -> T,
) -> Result<T, String> {
    read(&with(&[(setting, value)]), |reader| Ok(get(reader))).map_err(|error| error.to_string())
}

#[test]
fn switches_take_eight_words_in_any_case_and_no_other() {
    for (text, value) in [
        ("true", true),
        ("Yes", true),
        ("ON", true),
        ("1", true),
        ("false", false),
        ("no", false),
        ("Off", false),
        ("0", false),
        ("", false),
    ] {
        assert_eq!(one(&EPHEMERAL, text, |reader| reader.switch(&EPHEMERAL)), Ok(value), "{text:?}");
    }
    for text in ["disabled", "enabled", "2", "y", "tru"] {
        let error =
            format!("ORDERFLOW_EPHEMERAL: {text:?} is not one of true, false, yes, no, on, off, 1, 0");
        assert_eq!(one(&EPHEMERAL, text, |reader| reader.switch(&EPHEMERAL)), Err(error));
    }
}

#[test]
fn values_are_read_by_their_kind() {
    assert_eq!(one(&PORT, " 80 ", |reader| reader.port(&PORT)), Ok(80));
    assert_eq!(one(&PORT, "", |reader| reader.port(&PORT)), Ok(8080));
    assert_eq!(one(&HOST, "::1", |reader| reader.ip_address(&HOST).to_string()), Ok("::1".to_owned()));
    assert_eq!(one(&MAX_ATTEMPTS, "3", |reader| reader.whole_number::<u32>(&MAX_ATTEMPTS)), Ok(3));
    assert_eq!(one(&DRAIN_SECONDS, "0", |reader| reader.seconds(&DRAIN_SECONDS)), Ok(Duration::ZERO));
    for (text, seconds) in [("30s", 30), ("2m", 120), (" 1h 30m ", 5_400), ("0s", 0), ("", 5)] {
        let read = one(&CATALOG_CACHE_TTL, text, |reader| reader.duration(&CATALOG_CACHE_TTL));
        assert_eq!(read, Ok(Duration::from_secs(seconds)), "{text:?}");
    }
    assert_eq!(one(&MAIL_PROVIDER, "ses", |reader| reader.one_of(&MAIL_PROVIDER)), Ok(Some("ses")));
    assert_eq!(one(&MAIL_PROVIDER, "", |reader| reader.one_of(&MAIL_PROVIDER)), Ok(None));
    assert_eq!(one(&PAYMENT_PROVIDER, "", |reader| reader.one_of(&PAYMENT_PROVIDER)), Ok(Some("simulated")));
    let parts = one(&ONLY, "payment, shop-api", |reader| reader.some_of(&ONLY));
    assert_eq!(parts, Ok(vec!["payment", "shop-api"]));
    let url = one(&AWS_ENDPOINT, " http://h ", |reader| reader.http_url(&AWS_ENDPOINT));
    assert_eq!(url, Ok(Some("http://h".to_owned())));
}

#[test]
fn an_error_names_the_variable_the_value_and_what_is_allowed() {
    for (error, expected) in [
        (
            one(&PORT, "80a", |reader| reader.port(&PORT)).map(drop),
            r#"ORDERFLOW_PORT: "80a" is not a port number (0 to 65535)"#,
        ),
        (
            one(&MAX_ATTEMPTS, "0", |reader| reader.whole_number::<u32>(&MAX_ATTEMPTS)).map(drop),
            r#"ORDERFLOW_MAX_ATTEMPTS: "0" is not a whole number of at least 1"#,
        ),
        (
            one(&MAX_ATTEMPTS, "5000000000", |reader| reader.whole_number::<u32>(&MAX_ATTEMPTS)).map(drop),
            r#"ORDERFLOW_MAX_ATTEMPTS: "5000000000" cannot be used: it is too large"#,
        ),
        (
            one(&CATALOG_CACHE_TTL, "30", |reader| reader.duration(&CATALOG_CACHE_TTL)).map(drop),
            r#"CATALOG_CACHE_TTL: "30" is not a time with its unit, such as 500ms, 30s or 5m"#,
        ),
        (
            one(&DRAIN_SECONDS, "18446744073709551616", |reader| reader.seconds(&DRAIN_SECONDS)).map(drop),
            r#"ORDERFLOW_DRAIN_SECONDS: "18446744073709551616" cannot be used: it is too large"#,
        ),
        (
            one(&CATALOG_CACHE_TTL, "61s", |reader| {
                reader.duration_up_to(&CATALOG_CACHE_TTL, Duration::from_secs(60))
            })
            .map(drop),
            r#"CATALOG_CACHE_TTL: "61s" cannot be used: it is longer than 1m"#,
        ),
        (
            one(&MAIL_PROVIDER, "post", |reader| reader.one_of(&MAIL_PROVIDER)).map(drop),
            r#"MAIL_PROVIDER: "post" is not one of smtp, ses, log"#,
        ),
        (
            one(&AWS_ENDPOINT, "127.0.0.1", |reader| reader.http_url(&AWS_ENDPOINT)).map(drop),
            r#"ORDERFLOW_AWS_ENDPOINT: "127.0.0.1" is not a URL that begins with http:// or https://"#,
        ),
        (
            one(&TEMPLATES_DIR, "/nowhere", |reader| {
                reader.content(&TEMPLATES_DIR, |_| Err::<(), _>("gone"))
            })
            .map(drop),
            r#"TEMPLATES_DIR: "/nowhere" cannot be read: gone"#,
        ),
    ] {
        assert_eq!(error, Err(expected.to_owned()));
    }
    let parts = one(&ONLY, "payment,paymnt", |reader| reader.some_of(&ONLY)).unwrap_err();
    assert!(parts.ends_with(r#": "paymnt" is none of them"#), "{parts}");
}

#[test]
fn all_problems_are_reported_at_once_and_secrets_are_hidden() {
    let snapshot = with(&[
        (&PORT, "80a"),
        (&STRIPE_API_KEY, "hunter 2"),
        (&BROKER, "http://shop:hunter2@host"),
        (&EPHEMERAL, "disabled"),
    ])
    .with_flag(&PORT, "x");
    let error = read(&snapshot, |reader| {
        let _ = reader.port(&PORT);
        let _ = reader.optional(&STRIPE_API_KEY, |_| Err::<(), _>(NotAllowed));
        let _ = reader.optional(&BROKER, |_| Err::<(), _>("no such scheme"));
        let _ = reader.switch(&EPHEMERAL);
        reader.required(&TOPIC_ARN, "", |text| Ok::<_, NotAllowed>(text.to_owned()))
    })
    .unwrap_err();
    assert_eq!(error.problems().len(), 5);
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "5 settings cannot be used:");
    assert_eq!(lines[1], r#"  --port: "x" is not a port number (0 to 65535)"#);
    assert!(lines[2].starts_with("  STRIPE_API_KEY: the value (hidden) is not "), "{text}");
    assert!(lines[3].starts_with(r#"  ORDERFLOW_BROKER: "http://***@host" is not "#), "{text}");
    assert!(lines[3].ends_with(": no such scheme"), "{text}");
    assert!(lines[5].starts_with("  TOPIC_ARN is required: give "), "{text}");
    assert!(!text.contains("hunter"), "{text}");
}

#[test]
fn settings_that_exclude_each_other_are_named_as_they_were_given() {
    let snapshot = with(&[(&BROKER, "amqp://h"), (&INSECURE, "1")]).with_flag(&AWS_ENDPOINT, "http://h");
    let error = read(&snapshot, |reader| {
        reader.exclude(&AWS_ENDPOINT, &BROKER);
        reader.exclude(&AWS_ENDPOINT, &EPHEMERAL);
        Ok(())
    });
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "--aws-endpoint and ORDERFLOW_BROKER exclude each other: give only one of them");
}

#[test]
fn every_default_is_allowed() {
    read(&Snapshot::default(), |reader| {
        for setting in crate::declared::ALL.iter().filter(|setting| setting.default.is_some()) {
            match setting.kind {
                Kind::Switch => drop(reader.switch(setting)),
                Kind::Port => drop(reader.port(setting)),
                Kind::IpAddress => drop(reader.ip_address(setting)),
                Kind::WholeNumber { .. } => drop(reader.whole_number::<u32>(setting)),
                Kind::Duration => drop(reader.duration(setting)),
                Kind::OneOf(words) => assert!(words.contains(&reader.one_of(setting).unwrap_or_default())),
                // Read by other crates, whose tests cover their defaults.
                Kind::Share
                | Kind::SomeOf(_)
                | Kind::HttpUrl
                | Kind::File
                | Kind::Folder
                | Kind::Text { .. } => {}
            }
        }
        Ok(())
    })
    .unwrap();
}

use super::*;

const SMTP: &str = "smtp://127.0.0.1:2525";

fn settings(variables: &[(&str, &str)]) -> Result<ProviderSettings, ProviderSettingsError> {
    ProviderSettings::from_variables(|name| {
        let found = variables.iter().find(|(set, _)| *set == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn refusal(variables: &[(&str, &str)]) -> String {
    settings(variables).unwrap_err().to_string()
}

#[test]
fn without_a_provider_messages_are_logged() {
    let empty = [(SMTP_URL, ""), (MAIL_PROVIDER, ""), (SMS_PROVIDER, ""), (MAIL_FROM, "")];
    let logged = [(SMTP_URL, SMTP), (MAIL_PROVIDER, "log"), (SMS_PROVIDER, "log")];
    for variables in [&[][..], &empty, &logged] {
        let found = settings(variables).unwrap();
        assert!(matches!(found, ProviderSettings { mail: Mail::Log, sms: Sms::Log }), "{found:?}");
    }
}

#[test]
fn providers_are_named_or_follow_from_the_url() {
    for named in [&[(SMTP_URL, SMTP)][..], &[(SMTP_URL, SMTP), (MAIL_PROVIDER, "smtp")]] {
        assert!(matches!(settings(named).unwrap().mail, Mail::Smtp(_)), "{named:?}");
    }
    let found = settings(&[(MAIL_PROVIDER, "ses"), (MAIL_FROM, "orders@example.com"), (SMS_PROVIDER, "sns")])
        .unwrap();
    assert!(matches!(found, ProviderSettings { mail: Mail::Ses(_), sms: Sms::Sns }), "{found:?}");
}

#[test]
fn what_a_provider_cannot_do_without_is_named() {
    assert_eq!(refusal(&[(MAIL_PROVIDER, "smtp")]), "MAIL_PROVIDER=smtp needs SMTP_URL");
    assert_eq!(refusal(&[(MAIL_PROVIDER, "ses")]), "MAIL_PROVIDER=ses needs MAIL_FROM");
    assert_eq!(refusal(&[(MAIL_PROVIDER, "post")]), "MAIL_PROVIDER=\"post\" must be smtp, ses or log");
    assert_eq!(refusal(&[(SMS_PROVIDER, "SNS")]), "SMS_PROVIDER=\"SNS\" must be sns or log");
}

#[tokio::test]
async fn aws_is_not_looked_for_where_nothing_of_it_is_used() {
    let nobody_waits = async { panic!("somebody waits for AWS") };
    let _ = settings(&[(SMTP_URL, SMTP)]).unwrap().open(nobody_waits).await;
}

#[test]
fn every_kind_of_url_is_taken() {
    for url in [
        SMTP,
        "smtp://user:p%40ss@mail.example.com?tls=required",
        "smtps://user:pass@mail.example.com:465/shop.example.com",
    ] {
        for from in ["", "orders@example.com", "Büro <orders@example.com>"] {
            let found = settings(&[(SMTP_URL, url), (MAIL_FROM, from)]).unwrap();
            assert!(matches!(found.mail, Mail::Smtp(_)), "{url} {from}");
        }
    }
}

#[test]
fn an_unusable_variable_is_named_and_no_password_shown() {
    for url in [
        "mail.example.com",
        "user:secret@mail.example.com:25",
        "http://user:secret@mail.example.com",
        "smtp://user:secret@mail.example.com?tls=maybe",
        "smtp://user:secret@mail.example.com:port",
        "smtp://user:secret%ff@mail.example.com",
    ] {
        let error = settings(&[(SMTP_URL, url)]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.starts_with("SMTP_URL ") && !shown.contains("secret"), "{shown}");
    }
    for from in ["orders", "orders@", "Shop <orders@example.com"] {
        let error = refusal(&[(SMTP_URL, SMTP), (MAIL_FROM, from)]);
        assert!(error.starts_with("MAIL_FROM=") && error.contains(from), "{error}");
    }
}

#[test]
fn the_settings_show_no_credentials() {
    let shown = format!("{:?}", settings(&[(SMTP_URL, "smtps://anna:secret@mail.example.com")]).unwrap());
    assert!(!shown.contains("anna") && !shown.contains("secret"), "{shown}");
}

use orderflow_settings::{Setting, SettingsError, Snapshot, read};

use super::*;

const SMTP: &str = "smtp://127.0.0.1:2525";

fn settings(variables: &[(&'static Setting, &str)]) -> Result<ProviderSettings, SettingsError> {
    let variables = variables.iter().map(|(setting, value)| (setting.variable, *value));
    read(&Snapshot::from_variables(variables), ProviderSettings::read)
}

fn refusal(variables: &[(&'static Setting, &str)]) -> String {
    settings(variables).unwrap_err().to_string()
}

#[test]
fn without_a_provider_messages_are_logged() {
    let empty = [(&SMTP_URL, ""), (&MAIL_PROVIDER, ""), (&SMS_PROVIDER, ""), (&MAIL_FROM, "")];
    let logged = [(&SMTP_URL, SMTP), (&MAIL_PROVIDER, "log"), (&SMS_PROVIDER, "log")];
    for variables in [&[][..], &empty, &logged] {
        let found = settings(variables).unwrap();
        assert!(matches!(found, ProviderSettings { mail: Mail::Log, sms: Sms::Log }), "{found:?}");
    }
}

#[test]
fn the_mail_provider_is_smtp_if_a_url_is_set() {
    for named in [&[(&SMTP_URL, SMTP)][..], &[(&SMTP_URL, SMTP), (&MAIL_PROVIDER, "smtp")]] {
        assert!(matches!(settings(named).unwrap().mail, Mail::Smtp(_)), "{named:?}");
    }
    let found =
        settings(&[(&MAIL_PROVIDER, "ses"), (&MAIL_FROM, "orders@example.com"), (&SMS_PROVIDER, "sns")])
            .unwrap();
    assert!(matches!(found, ProviderSettings { mail: Mail::Ses(_), sms: Sms::Sns }), "{found:?}");
}

#[test]
fn a_setting_that_a_provider_needs_is_required() {
    let error = refusal(&[(&MAIL_PROVIDER, "smtp")]);
    assert!(error.starts_with("SMTP_URL is required by MAIL_PROVIDER=smtp: give "), "{error}");
    let error = refusal(&[(&MAIL_PROVIDER, "ses")]);
    assert!(error.starts_with("MAIL_FROM is required by MAIL_PROVIDER=ses: give "), "{error}");
    let error = refusal(&[(&MAIL_PROVIDER, "post"), (&SMS_PROVIDER, "SNS")]);
    for line in [
        r#"  MAIL_PROVIDER: "post" is not one of smtp, ses, log"#,
        r#"  SMS_PROVIDER: "SNS" is not one of sns, log"#,
    ] {
        assert!(error.lines().any(|found| found == line), "{error}");
    }
}

#[tokio::test]
async fn aws_is_not_loaded_if_no_provider_uses_it() {
    let unused = async { panic!("AWS is loaded") };
    let _ = settings(&[(&SMTP_URL, SMTP)]).unwrap().open(unused).await;
}

#[test]
fn every_kind_of_smtp_url_is_accepted() {
    for url in [
        SMTP,
        "smtp://user:p%40ss@mail.example.com?tls=required",
        "smtps://user:pass@mail.example.com:465/shop.example.com",
    ] {
        for from in ["", "orders@example.com", "Büro <orders@example.com>"] {
            let found = settings(&[(&SMTP_URL, url), (&MAIL_FROM, from)]).unwrap();
            assert!(matches!(found.mail, Mail::Smtp(_)), "{url} {from}");
        }
    }
}

#[test]
fn an_invalid_variable_is_named_without_showing_the_password() {
    for url in [
        "mail.example.com",
        "user:secret@mail.example.com:25",
        "http://user:secret@mail.example.com",
        "smtp://user:secret@mail.example.com?tls=maybe",
        "smtp://user:secret@mail.example.com:port",
        "smtp://user:secret%ff@mail.example.com",
    ] {
        let error = settings(&[(&SMTP_URL, url)]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.starts_with("SMTP_URL: ") && !shown.contains("secret"), "{shown}");
        assert!(!shown.contains("Connection error"), "{shown}");
    }
    for from in ["orders", "orders@", "Shop <orders@example.com"] {
        let error = refusal(&[(&SMTP_URL, SMTP), (&MAIL_FROM, from)]);
        assert!(error.starts_with("MAIL_FROM: ") && error.contains(from), "{error}");
    }
}

#[test]
fn a_sender_in_another_script_is_converted_or_named() {
    let from = |text| sender(text).map(|mailbox| mailbox.to_string());
    assert_eq!(from("Shop <shop@exämple.com>").unwrap(), "Shop <shop@xn--exmple-cua.com>");
    assert_eq!(from("Shop <Shop@Example.com>").unwrap(), "Shop <Shop@Example.com>");
    let error = refusal(&[(&SMTP_URL, SMTP), (&MAIL_FROM, "Büro <büro@example.com>")]);
    assert!(error.starts_with("MAIL_FROM: ") && error.contains("büro@example.com"), "{error}");
}

#[test]
fn the_settings_show_no_credentials() {
    let shown = format!("{:?}", settings(&[(&SMTP_URL, "smtps://anna:secret@mail.example.com")]).unwrap());
    assert!(!shown.contains("anna") && !shown.contains("secret"), "{shown}");
}

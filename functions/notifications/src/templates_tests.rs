use serde_json::json;
use tempfile::TempDir;

use super::*;

/// The program's templates with one in the stead of another, or beside them.
fn with(file: &str, source: &str) -> Result<Templates, TemplatesError> {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join(file), source).unwrap();
    std::fs::write(directory.path().join("README.md"), "no template").unwrap();
    Templates::with_directory(directory.path())
}

fn refusal(file: &str, source: &str) -> String {
    with(file, source).unwrap_err().to_string()
}

#[test]
fn every_template_of_the_program_can_do_without_what_is_not_required() {
    let templates = Templates::built_in();
    assert_eq!(templates.summaries().len(), Template::ALL.len() * ChannelKind::ALL.len());
    for summary in templates.summaries() {
        let variables: serde_json::Map<_, _> =
            summary.variables.iter().map(|name| (name.clone(), json!(format!("<{name}>")))).collect();
        let rendered = templates.render(&summary.name, summary.channel, &variables).unwrap();
        for variable in &summary.variables {
            assert!(rendered.body.contains(&format!("<{variable}>")), "{summary:?}: {rendered:?}");
        }
        assert!(!rendered.body.contains("\n\n\n"), "{summary:?}: {rendered:?}");
        assert_eq!(rendered.subject.is_some(), summary.channel == ChannelKind::Email, "{summary:?}");
    }
}

#[test]
fn a_file_takes_the_place_of_the_programs_template() {
    let templates = with("order_refunded.sms.txt", "{{ total }} is yours again.\n").unwrap();
    let variables = json!({"total": "39.98 USD"});
    let rendered = templates.render("order_refunded", ChannelKind::Sms, &variables).unwrap();
    assert_eq!(rendered.body, "39.98 USD is yours again.");
    assert_eq!(templates.find("order_refunded", ChannelKind::Sms).unwrap().variables, ["total"]);
    let untouched = templates.find("order_refunded", ChannelKind::Email).unwrap();
    assert_eq!(untouched.variables, ["orderId", "total"]);
}

#[test]
fn a_file_of_another_name_is_a_template_of_its_own() {
    let source = "Subject: Hello {{ name }}\n\n{% for gift in gifts %}{{ gift }} {% endfor %}";
    let templates = with("welcome.email.txt", source).unwrap();
    assert_eq!(templates.find("welcome", ChannelKind::Email).unwrap().variables, ["gifts", "name"]);
    assert!(templates.find("welcome", ChannelKind::Sms).is_none());
    let variables = json!({"name": "Jane", "gifts": ["a mug", "a hat"]});
    let rendered = templates.render("welcome", ChannelKind::Email, &variables).unwrap();
    assert_eq!(
        rendered,
        Rendered { subject: Some("Hello Jane".to_owned()), body: "a mug a hat ".to_owned() }
    );
}

#[test]
fn what_cannot_be_used_is_named_before_anything_is_sent() {
    for (file, source, expected) in [
        ("welcome.fax.txt", "Hello", "welcome.fax.txt must be called"),
        ("Welcome.sms.txt", "Hello", "Welcome.sms.txt must be called"),
        (".sms.txt", "Hello", ".sms.txt must be called"),
        ("welcome.sms.txt", "{{ name", "welcome.sms.txt cannot be read"),
        ("welcome.email.txt", "Hello {{ name }}\n", "welcome.email.txt does not begin"),
        ("welcome.email.txt", "Subject: Hello", "welcome.email.txt does not begin"),
        ("order_refunded.sms.txt", "{{ voucher }}", "order_refunded.sms.txt names voucher"),
    ] {
        let message = refusal(file, source);
        assert!(message.contains(expected), "{file}: {message}");
    }
    let nowhere = Templates::with_directory(Path::new("/nowhere")).unwrap_err().to_string();
    assert!(nowhere.starts_with("TEMPLATES_DIR=/nowhere: "), "{nowhere}");
}

#[test]
fn a_text_that_cannot_be_made_is_an_error_that_names_the_template() {
    let templates = Templates::built_in();
    let render = |variables| templates.render("order_confirmation", ChannelKind::Email, &variables);
    let missing = render(json!({"orderId": "1"})).unwrap_err().to_string();
    assert!(missing.contains("order_confirmation.email.txt") && missing.contains("undefined"), "{missing}");
    let unfit = render(json!({"orderId": "1", "total": "1", "items": 7})).unwrap_err().to_string();
    assert!(unfit.contains("not iterable"), "{unfit}");
    let unknown = templates.render("welcome", ChannelKind::Sms, &json!({})).unwrap_err().to_string();
    assert_eq!(unknown, "there is no template welcome.sms.txt");
}

#[test]
fn a_subject_without_an_end_is_no_e_mail() {
    let templates = with("welcome.email.txt", "Subject: {{ 'Hello'\n }}").unwrap();
    let error = templates.render("welcome", ChannelKind::Email, &json!({})).unwrap_err();
    assert!(matches!(error, RenderError::NoSubject(_)), "{error}");
}

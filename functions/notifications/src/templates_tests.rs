use serde_json::json;
use tempfile::TempDir;

use super::*;

/// Returns the built-in templates with one more file.
fn with(file: &str, source: &str) -> Result<Templates, TemplatesError> {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join(file), source).unwrap();
    std::fs::write(directory.path().join("README.md"), "not a template").unwrap();
    Templates::with_directory(directory.path())
}

fn error_of(file: &str, source: &str) -> String {
    with(file, source).unwrap_err().to_string()
}

#[test]
fn every_built_in_template_renders_with_only_its_required_variables() {
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
fn a_file_replaces_the_built_in_template_of_its_name() {
    let templates = with("order_refunded.sms.txt", "{{ total }} is yours again.\n").unwrap();
    let variables = json!({"total": "39.98 USD"});
    let rendered = templates.render("order_refunded", ChannelKind::Sms, &variables).unwrap();
    assert_eq!(rendered.body, "39.98 USD is yours again.");
    assert_eq!(templates.find("order_refunded", ChannelKind::Sms).unwrap().variables, ["total"]);
    let untouched = templates.find("order_refunded", ChannelKind::Email).unwrap();
    assert_eq!(untouched.variables, ["orderId", "total"]);
}

#[test]
fn a_file_with_another_name_is_an_additional_template() {
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
fn an_invalid_file_is_named_at_the_start() {
    for (file, source, expected) in [
        ("welcome.fax.txt", "Hello", "welcome.fax.txt must be named"),
        ("Welcome.sms.txt", "Hello", "Welcome.sms.txt must be named"),
        (".sms.txt", "Hello", ".sms.txt must be named"),
        ("welcome.sms.txt", "{{ name", "welcome.sms.txt has a syntax error"),
        ("welcome.email.txt", "Hello {{ name }}\n", "welcome.email.txt must begin"),
        ("welcome.email.txt", "Subject: Hello", "welcome.email.txt must begin"),
        ("order_refunded.sms.txt", "{{ voucher }}", "order_refunded.sms.txt uses the variable voucher"),
    ] {
        let message = error_of(file, source);
        assert!(message.contains(expected), "{file}: {message}");
    }
    let missing = Templates::with_directory(Path::new("/nowhere")).unwrap_err().to_string();
    assert!(missing.starts_with("the directory /nowhere: "), "{missing}");
}

#[test]
fn a_render_error_names_the_template() {
    let templates = Templates::built_in();
    let render = |variables| templates.render("order_confirmation", ChannelKind::Email, &variables);
    let missing = render(json!({"orderId": "1"})).unwrap_err().to_string();
    assert!(missing.contains("order_confirmation.email.txt") && missing.contains("undefined"), "{missing}");
    let unsuitable = render(json!({"orderId": "1", "total": "1", "items": 7})).unwrap_err().to_string();
    assert!(unsuitable.contains("not iterable"), "{unsuitable}");
    let unknown = templates.render("welcome", ChannelKind::Sms, &json!({})).unwrap_err().to_string();
    assert_eq!(unknown, "there is no template welcome.sms.txt");
}

#[test]
fn a_subject_line_without_a_line_break_is_an_error() {
    let templates = with("welcome.email.txt", "Subject: {{ 'Hello'\n }}").unwrap();
    let error = templates.render("welcome", ChannelKind::Email, &json!({})).unwrap_err();
    assert!(matches!(error, RenderError::NoSubject(_)), "{error}");
}

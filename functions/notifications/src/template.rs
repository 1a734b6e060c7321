//! The texts of messages.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use crate::message::ChannelKind;
use crate::notice::Variables;

/// What the first line of an e-mail's template begins with.
const SUBJECT: &str = "Subject: ";

/// Declares the templates once, with the files that hold their texts.
macro_rules! templates {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What a customer is told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Template {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Template {
            /// Every template.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            const fn source(self, channel: ChannelKind) -> &'static str {
                match (self, channel) {
                    $(
                        (Self::$variant, ChannelKind::Email) => {
                            include_str!(concat!("../templates/", $name, ".email.txt"))
                        }
                        (Self::$variant, ChannelKind::Sms) => {
                            include_str!(concat!("../templates/", $name, ".sms.txt"))
                        }
                    )*
                }
            }
        }
    };
}

templates! {
    /// The order is confirmed.
    OrderConfirmation = "order_confirmation";
    /// The order is rejected: its units cannot be had.
    OrderOutOfStock = "order_out_of_stock";
    /// The order is rejected: the payment was declined.
    OrderPaymentDeclined = "order_payment_declined";
    /// The order is cancelled.
    OrderCancelled = "order_cancelled";
    /// The charge of a refused order was given back.
    OrderRefunded = "order_refunded";
}

/// A template that gives no message.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It does not parse, or names a variable that is missing.
    #[error("the template {template} for {channel} cannot be rendered: {source:#}", template = template.as_str(), channel = channel.as_str())]
    Render {
        /// The template.
        template: Template,
        /// Its channel.
        channel: ChannelKind,
        /// What is wrong.
        source: minijinja::Error,
    },
    /// An e-mail's first line is no subject.
    #[error("the e-mail template {} does not begin with \"Subject: \"", .0.as_str())]
    NoSubject(Template),
}

/// A text, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject (e-mail only).
    pub subject: Option<String>,
    /// The text.
    pub body: String,
}

/// The texts of all templates. What a template names and nobody gave is an error, not a gap in the message.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// The texts that come with the program.
    pub fn built_in() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for template in Template::ALL {
            for channel in ChannelKind::ALL {
                environment
                    .add_template_owned(file_name(*template, channel), template.source(channel))
                    .expect("a test renders every template");
            }
        }
        Self(environment)
    }

    /// Renders a template for a channel.
    ///
    /// # Errors
    /// [`TemplateError`] where it cannot be rendered.
    pub fn render(
        &self,
        template: Template,
        channel: ChannelKind,
        variables: &Variables,
    ) -> Result<Rendered, TemplateError> {
        let found = self.0.get_template(&file_name(template, channel));
        let text = found.and_then(|found| found.render(Serde(variables)));
        let text = text.map_err(|source| TemplateError::Render { template, channel, source })?;
        match channel {
            ChannelKind::Email => email(template, &text),
            ChannelKind::Sms => Ok(Rendered { subject: None, body: text }),
        }
    }
}

/// No ending that would have characters escaped.
fn file_name(template: Template, channel: ChannelKind) -> String {
    format!("{}.{}.txt", template.as_str(), channel.as_str())
}

fn email(template: Template, text: &str) -> Result<Rendered, TemplateError> {
    let (subject, body) = text
        .strip_prefix(SUBJECT)
        .and_then(|text| text.split_once('\n'))
        .ok_or(TemplateError::NoSubject(template))?;
    Ok(Rendered { subject: Some(subject.to_owned()), body: body.trim_start_matches('\n').to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use orderflow_domain::OrderId;

    use super::*;

    fn render(channel: ChannelKind, source: &'static str) -> Result<Rendered, TemplateError> {
        let mut templates = Templates::built_in();
        let name = file_name(Template::OrderRefunded, channel);
        templates.0.add_template_owned(name, source).unwrap();
        let variables = Variables {
            order_id: OrderId::generate(),
            total: "39.98 USD".to_owned(),
            reason: String::new(),
            items: Vec::new(),
        };
        templates.render(Template::OrderRefunded, channel, &variables)
    }

    #[test]
    fn a_missing_variable_is_an_error_that_names_the_template() {
        let error = render(ChannelKind::Sms, "{{ total }} {{ voucher }}").unwrap_err();
        let message = error.to_string();
        assert!(message.contains("order_refunded"), "{message}");
        assert!(message.contains("undefined"), "{message}");
    }

    #[test]
    fn an_e_mail_begins_with_its_subject() {
        let rendered = render(ChannelKind::Email, "Subject: {{ total }}\n\nBody\n").unwrap();
        assert_eq!(rendered.subject.as_deref(), Some("39.98 USD"));
        assert_eq!(rendered.body, "Body");
        let error = render(ChannelKind::Email, "Body\n").unwrap_err();
        assert!(matches!(error, TemplateError::NoSubject(_)));
    }
}

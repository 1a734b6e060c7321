//! The providers of e-mail and of short messages, each behind a circuit breaker.

pub(crate) mod aws;
mod mime;
mod redaction;
pub(crate) mod smtp;
pub(crate) mod smtp_server;

use async_trait::async_trait;
use orderflow_circuit_breaker::{BreakerSettings, BreakerState, CircuitBreaker};
use orderflow_domain::{Email, Phone, Recipient};

use crate::channel::{Channel, ChannelError, Message, ProviderState};
use crate::turns::Turn;

/// The names of the circuit breakers.
const MAIL: &str = "mail-provider";
const SMS: &str = "sms-provider";

/// Sends e-mail.
#[async_trait]
pub trait MailProvider: Send + Sync {
    /// Sends a message to this address when it is its turn.
    ///
    /// # Errors
    /// [`ChannelError`] if the message was not accepted.
    async fn send(&self, to: &Email, message: &Message, turn: &mut Turn) -> Result<(), ChannelError>;
}

/// Sends short messages.
#[async_trait]
pub trait SmsProvider: Send + Sync {
    /// Sends a message to this telephone number when it is its turn.
    ///
    /// # Errors
    /// [`ChannelError`] if the message was not accepted.
    async fn send(&self, to: &Phone, message: &Message, turn: &mut Turn) -> Result<(), ChannelError>;
}

/// Passes each message to the provider of its channel. Without a provider a channel sends nothing: the message is only
/// logged.
///
/// Each provider is behind a circuit breaker of its own. While it is open, messages fail with
/// [`ChannelError::CircuitOpen`]. Only [`ChannelError::Unavailable`] counts as a failure; a refused message counts as a
/// success.
#[derive(Default)]
pub struct Providers {
    mail: Option<Guarded<dyn MailProvider>>,
    sms: Option<Guarded<dyn SmsProvider>>,
}

impl Providers {
    /// Sends e-mail through this provider.
    #[must_use]
    pub fn with_mail(self, provider: impl MailProvider + 'static) -> Self {
        Self { mail: Some(Guarded::new(MAIL, Box::new(provider))), ..self }
    }

    /// Sends short messages through this provider.
    #[must_use]
    pub fn with_sms(self, provider: impl SmsProvider + 'static) -> Self {
        Self { sms: Some(Guarded::new(SMS, Box::new(provider))), ..self }
    }

    /// Returns the circuit breaker of the provider that a message is passed to, if there is one.
    fn breaker(&self, message: &Message) -> Option<&CircuitBreaker> {
        match &message.recipient {
            Recipient::Email(_) => self.mail.as_ref().map(|mail| &mail.breaker),
            Recipient::Sms(_) => self.sms.as_ref().map(|sms| &sms.breaker),
        }
    }
}

#[async_trait]
impl Channel for Providers {
    fn ready(&self, message: &Message) -> Result<(), ChannelError> {
        match self.breaker(message).and_then(CircuitBreaker::retry_after) {
            Some(retry_after) => Err(ChannelError::CircuitOpen { retry_after }),
            None => Ok(()),
        }
    }

    fn reaches_customers(&self, message: &Message) -> bool {
        self.breaker(message).is_some()
    }

    async fn send(&self, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        match (&message.recipient, &self.mail, &self.sms) {
            (Recipient::Email(to), Some(mail), _) => mail.call(mail.provider.send(to, message, turn)).await?,
            (Recipient::Sms(to), _, Some(sms)) => sms.call(sms.provider.send(to, message, turn)).await?,
            (Recipient::Email(_), None, _) | (Recipient::Sms(_), _, None) => turn.wait().await?,
        }
        log_sent(message);
        Ok(())
    }

    fn providers(&self) -> Vec<ProviderState> {
        let mail = self.mail.iter().map(|mail| mail.state(MAIL));
        mail.chain(self.sms.iter().map(|sms| sms.state(SMS))).collect()
    }
}

/// A provider and its circuit breaker.
struct Guarded<P: ?Sized> {
    breaker: CircuitBreaker,
    provider: Box<P>,
}

impl<P: ?Sized> Guarded<P> {
    fn new(name: &str, provider: Box<P>) -> Self {
        Self { breaker: CircuitBreaker::new(name, BreakerSettings::default()), provider }
    }

    fn state(&self, name: &'static str) -> ProviderState {
        ProviderState { name, is_available: self.breaker.state() == BreakerState::Closed }
    }

    async fn call(
        &self,
        sending: impl Future<Output = Result<(), ChannelError>>,
    ) -> Result<(), ChannelError> {
        let permit = self
            .breaker
            .permit()
            .map_err(|open| ChannelError::CircuitOpen { retry_after: open.retry_after })?;
        let result = sending.await;
        match &result {
            Ok(()) | Err(ChannelError::Refused(_)) => permit.succeeded(),
            Err(ChannelError::Unavailable(_)) => permit.failed(),
            Err(
                ChannelError::RecipientUnavailable(_)
                | ChannelError::CircuitOpen { .. }
                | ChannelError::TooLate(_),
            ) => drop(permit),
        }
        result
    }
}

fn log_sent(message: &Message) {
    let masked: &dyn std::fmt::Debug = match &message.recipient {
        Recipient::Email(email) => email,
        Recipient::Sms(phone) => phone,
    };
    tracing::info!(
        order.id = message.order_id.map(tracing::field::display),
        notification.id = %message.id,
        template = message.template,
        channel = message.recipient.channel().as_str(),
        recipient = ?masked,
        "notification sent"
    );
}

//! The mail server and the provider of short messages.

use async_trait::async_trait;
use orderflow_domain::{Email, Phone};
use orderflow_notifications::{ChannelError, MailProvider, Message, SmsProvider, Turn};

use super::audit::evidence::Mail;
use super::crash::pause;
use super::fault::{FaultKind, Place};
use super::world::{Counted, World};

/// Takes e-mail and short messages. Clones share what it took.
#[derive(Clone)]
pub(super) struct SimulatedMail {
    world: World,
    place: Place,
}

/// The faults of messages, in the order in which one is chosen if several are planned.
const FAULTS: [FaultKind; 3] =
    [FaultKind::MailRefused, FaultKind::MailUnavailable, FaultKind::MailAnswerLost];

impl SimulatedMail {
    pub(super) fn new(world: World, place: Place) -> Self {
        Self { world, place }
    }

    async fn take(
        &self,
        channel: &str,
        to: &str,
        message: &Message,
        turn: &mut Turn,
    ) -> Result<(), ChannelError> {
        pause().await;
        turn.wait().await?;
        pause().await;
        let number = self.world.count(Counted::Mail, self.place);
        let fault = FAULTS.into_iter().find_map(|kind| {
            let amount = self.world.strikes(kind, self.place, number)?;
            Some((kind, amount))
        });
        if let Some((FaultKind::MailUnavailable, amount)) = fault {
            return Err(if amount.is_multiple_of(2) {
                ChannelError::Unavailable("simulated".to_owned())
            } else {
                ChannelError::RecipientUnavailable("simulated".to_owned())
            });
        }
        let refused = matches!(fault, Some((FaultKind::MailRefused, _)));
        self.record(channel, to, message, refused);
        pause().await;
        match fault {
            None => Ok(()),
            Some((FaultKind::MailRefused, _)) => Err(ChannelError::Refused("simulated".to_owned())),
            Some(_) => Err(ChannelError::Unavailable("simulated: no answer".to_owned())),
        }
    }

    fn record(&self, channel: &str, to: &str, message: &Message, refused: bool) {
        let at = self.world.moment();
        let message_id = message.id.to_string();
        let subject = message.subject.as_deref().unwrap_or_default();
        let text = format!("{subject}\n{}", message.body);
        self.world.note("mail", format_args!("{channel} {message_id} refused={refused}"));
        let (to, channel) = (to.to_owned(), channel.to_owned());
        let mail = Mail { at, to, channel, message_id, text, refused };
        self.world.record(|evidence| evidence.mails.push(mail));
    }
}

#[async_trait]
impl MailProvider for SimulatedMail {
    async fn send(&self, to: &Email, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        self.take("email", to.as_str(), message, turn).await
    }
}

#[async_trait]
impl SmsProvider for SimulatedMail {
    async fn send(&self, to: &Phone, message: &Message, turn: &mut Turn) -> Result<(), ChannelError> {
        self.take("sms", to.as_str(), message, turn).await
    }
}

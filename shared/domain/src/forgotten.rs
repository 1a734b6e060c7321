//! What takes the place of a customer's data when the customer is forgotten.

use serde_json::Map;

use crate::{ChannelKind, Email, Event, EventData, Phone, Recipient};

/// The address that takes the place of a blanked one. No mail can reach it: the domain `.invalid` never exists (RFC 2606).
const EMAIL: &str = "forgotten@customer.invalid";

/// The number that takes the place of a blanked one. No country has the code 999.
const PHONE: &str = "+9990000000";

impl Email {
    /// Returns the address that takes the place of a blanked one.
    #[must_use]
    pub fn forgotten() -> Self {
        Self::parse(EMAIL).expect("it is an address")
    }

    /// Returns whether the address is blanked.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.as_str() == EMAIL
    }
}

impl Phone {
    /// Returns the number that takes the place of a blanked one, where a number is required.
    #[must_use]
    pub fn forgotten() -> Self {
        Self::parse(PHONE).expect("it is a number")
    }
}

impl Recipient {
    /// Returns the recipient that takes the place of a blanked one of the same channel.
    #[must_use]
    pub fn forgotten(channel: ChannelKind) -> Self {
        match channel {
            ChannelKind::Email => Self::Email(Email::forgotten()),
            ChannelKind::Sms => Self::Sms(Phone::forgotten()),
        }
    }

    /// Returns whether the recipient is blanked. Nothing may be sent to it.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        [EMAIL, PHONE].contains(&self.address())
    }
}

impl Event {
    /// Blanks addresses, numbers, free text and payment token. The event stays valid, under the same id.
    pub fn forget_customer(&mut self) {
        match &mut self.data {
            EventData::OrderPlaced(data) => {
                (data.email, data.phone, data.payment_token) = (Email::forgotten(), None, None);
            }
            EventData::OrderConfirmed(data)
            | EventData::OrderRejected(data)
            | EventData::OrderCancelled(data) => (data.email, data.phone) = (Email::forgotten(), None),
            EventData::InventoryReserved(data) => data.payment_token = None,
            EventData::PaymentCompleted(data)
            | EventData::PaymentFailed(data)
            | EventData::PaymentVoided(data)
            | EventData::PaymentRefunded(data) => (data.email, data.phone) = (None, None),
            EventData::NotificationRequested(data) => {
                data.recipient = Recipient::forgotten(data.recipient.channel());
                data.variables = Map::new();
            }
            EventData::OrderUnknown(_)
            | EventData::InventoryRejected(_)
            | EventData::InventoryReleased(_)
            | EventData::ProductCreated(_)
            | EventData::ProductUpdated(_)
            | EventData::ProductRemoved(_)
            | EventData::StockAdjusted(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NotificationRequested, Timestamp};

    #[test]
    fn a_blanked_event_is_valid_and_reaches_nobody() {
        for recipient in [
            Recipient::Email(Email::parse("jane@example.com").unwrap()),
            Recipient::Sms(Phone::parse("+4930123456").unwrap()),
        ] {
            let data = NotificationRequested {
                notification_id: uuid::Uuid::from_u128(1),
                recipient,
                template: "order_refunded".to_owned(),
                variables: serde_json::from_str(r#"{"total": "for Jane"}"#).unwrap(),
            };
            let mut event =
                Event::new(EventData::NotificationRequested(data), "", Timestamp::from_millis(0), None);
            event.forget_customer();
            let json = event.to_json();
            assert!(
                !json.contains("jane") && !json.contains("Jane") && !json.contains("4930123456"),
                "{json}"
            );
            assert_eq!(Event::from_json(&json).unwrap(), event);
            let EventData::NotificationRequested(data) = event.data else { panic!("another type") };
            assert!(data.recipient.is_forgotten());
        }
    }
}

//! Blanks the messages of a customer: those that wait, those that are delayed, and the dead ones.

use std::collections::{BTreeSet, HashMap};

use orderflow_domain::{CustomerId, Event, EventData, OrderId};
use orderflow_http::Problem;
use orderflow_messaging::{DeadLetter, Selection};
use orderflow_store::StoreError;
use uuid::Uuid;

use super::Customers;

/// Which messages belong to a customer.
struct Ownership {
    customer: CustomerId,
    orders: BTreeSet<OrderId>,
    requests: BTreeSet<Uuid>,
}

impl Customers {
    /// Blanks the messages of a consumer. Returns how many changed.
    pub(super) async fn blank_messages(
        &self,
        customer: &CustomerId,
        consumer: &str,
    ) -> Result<usize, Problem> {
        let waiting = self.queues.waiting(consumer).await.map_err(Problem::unavailable)?;
        let own = self.ownership(customer, waiting.iter()).await.map_err(Problem::unavailable)?;
        let replacements: HashMap<String, String> = waiting
            .into_iter()
            .filter_map(|body| own.blanked(&body).map(|blank| (body, blank.to_json())))
            .collect();
        let mut changed = 0;
        if !replacements.is_empty() {
            changed += self.queues.rewrite(consumer, &replacements).await.map_err(Problem::unavailable)?;
        }
        Ok(changed + self.blank_dead_letters(customer, consumer).await?)
    }

    /// Blanks the dead letters of a consumer. Those that are no events cannot be blanked and can never be processed, so they are deleted.
    async fn blank_dead_letters(&self, customer: &CustomerId, consumer: &str) -> Result<usize, Problem> {
        let letters = self.queues.dead_letters(consumer).await.map_err(Problem::unavailable)?;
        let bodies = letters.iter().map(|letter| &letter.body);
        let own = self.ownership(customer, bodies).await.map_err(Problem::unavailable)?;
        let (mut changed, mut unreadable) = (0, Vec::new());
        for DeadLetter { id, body, .. } in letters {
            if let Some(event) = own.blanked(&body) {
                let replaced = self.queues.replace(consumer, &id, &event).await;
                changed += usize::from(replaced.map_err(Problem::unavailable)?);
            } else if own.is_unreadable(&body) {
                unreadable.push(id);
            }
        }
        if !unreadable.is_empty() {
            let purged = self.queues.purge(consumer, &Selection::Ids(unreadable)).await;
            changed += usize::try_from(purged.map_err(Problem::unavailable)?).unwrap_or(usize::MAX);
        }
        Ok(changed)
    }

    /// Finds out which of the orders and requested notifications in these messages belong to the customer.
    async fn ownership(
        &self,
        customer: &CustomerId,
        bodies: impl Iterator<Item = &String>,
    ) -> Result<Ownership, StoreError> {
        let (mut orders, mut requests) = (BTreeSet::new(), BTreeSet::new());
        for body in bodies {
            match Event::from_json(body) {
                Ok(event) => match &event.data {
                    EventData::NotificationRequested(data) => drop(requests.insert(data.notification_id)),
                    data => orders.extend(data.order_id()),
                },
                Err(_) => orders.extend(ids_in(body)),
            }
        }
        Ok(Ownership {
            customer: customer.clone(),
            orders: self.orders.placed_by(customer, &orders).await?,
            requests: self.notifications.forgotten_requests(&requests).await?,
        })
    }
}

impl Ownership {
    /// Returns the event of a message of the customer without personal data; `None` for the message of another customer, and for one that
    /// has no personal data.
    fn blanked(&self, body: &str) -> Option<Event> {
        let mut event = Event::from_json(body).ok()?;
        let own = match &event.data {
            EventData::NotificationRequested(data) => self.requests.contains(&data.notification_id),
            data => data.order_id().is_some_and(|id| self.orders.contains(&id)),
        };
        let before = event.clone();
        event.forget_customer();
        (own && event != before).then_some(event)
    }

    /// Returns whether a text that is no event names the customer or one of the customer's orders.
    fn is_unreadable(&self, body: &str) -> bool {
        let quoted = format!("\"{}\"", self.customer);
        Event::from_json(body).is_err()
            && (body.contains(&quoted) || ids_in(body).any(|id| self.orders.contains(&id)))
    }
}

/// Returns the order ids in a text.
fn ids_in(text: &str) -> impl Iterator<Item = OrderId> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words.filter(|word| word.len() == 36).filter_map(|word| OrderId::parse(word).ok())
}

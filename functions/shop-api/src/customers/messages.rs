//! Blanks the messages of a customer: those that wait, those that are delayed, and the dead ones.

use std::collections::{BTreeSet, HashMap};

use orderflow_domain::{CustomerId, Event, EventData, OrderId};
use orderflow_http::Problem;
use orderflow_messaging::{DeadLetter, Selection};
use orderflow_store::StoreError;
use uuid::Uuid;

use super::Customers;

/// The most dead letters that one call blanks or deletes.
const LETTERS_PER_CALL: usize = 50;

/// The orders and requested notifications that messages name.
#[derive(Default)]
struct Named {
    orders: BTreeSet<OrderId>,
    requests: BTreeSet<Uuid>,
}

/// Which messages belong to a customer.
struct Ownership {
    customer: CustomerId,
    orders: BTreeSet<OrderId>,
    requests: BTreeSet<Uuid>,
}

impl Customers {
    /// Blanks messages of a consumer. Returns how many changed, and whether none is left.
    pub(super) async fn blank_messages(
        &self,
        customer: &CustomerId,
        consumer: &str,
    ) -> Result<(usize, bool), Problem> {
        let waiting = self.queues.waiting(consumer).await.map_err(Problem::unavailable)?;
        let mut named = Named::default();
        waiting.iter().for_each(|body| named.add(body));
        let own = self.ownership(customer, named).await.map_err(Problem::unavailable)?;
        let replacements: HashMap<String, String> = waiting
            .into_iter()
            .filter_map(|body| own.blanked(&body).map(|blank| (body, blank.to_json())))
            .collect();
        let mut changed = 0;
        if !replacements.is_empty() {
            changed += self.queues.rewrite(consumer, &replacements).await.map_err(Problem::unavailable)?;
        }
        let (dead, is_complete) = self.blank_dead_letters(customer, consumer).await?;
        Ok((changed + dead, is_complete))
    }

    /// Blanks dead letters of a consumer, up to [`LETTERS_PER_CALL`]. Those that are no events cannot be blanked and can never be processed, so they are
    /// deleted. The letters are visited twice, so that only those of the customer are kept in memory.
    async fn blank_dead_letters(
        &self,
        customer: &CustomerId,
        consumer: &str,
    ) -> Result<(usize, bool), Problem> {
        let mut named = Named::default();
        let visited =
            self.queues.visit_dead_letters(consumer, &mut |letter: DeadLetter| named.add(&letter.body)).await;
        visited.map_err(Problem::unavailable)?;
        let own = self.ownership(customer, named).await.map_err(Problem::unavailable)?;
        let (mut blanked, mut unreadable, mut is_complete) = (Vec::new(), Vec::new(), true);
        let mut visit = |DeadLetter { id, body, .. }: DeadLetter| {
            let event = own.blanked(&body);
            if event.is_none() && !own.is_unreadable(&body) {
                return;
            }
            if blanked.len() + unreadable.len() == LETTERS_PER_CALL {
                is_complete = false;
                return;
            }
            match event {
                Some(event) => blanked.push((id, event)),
                None => unreadable.push(id),
            }
        };
        self.queues.visit_dead_letters(consumer, &mut visit).await.map_err(Problem::unavailable)?;
        let mut changed = 0;
        for (id, event) in blanked {
            let replaced = self.queues.replace(consumer, &id, &event).await;
            changed += usize::from(replaced.map_err(Problem::unavailable)?);
        }
        if !unreadable.is_empty() {
            let purged = self.queues.purge(consumer, &Selection::Ids(unreadable)).await;
            changed += usize::try_from(purged.map_err(Problem::unavailable)?).unwrap_or(usize::MAX);
        }
        // A letter that is not found any more was replayed or deleted meanwhile; there is no progress to be made with it.
        Ok((changed, is_complete || changed == 0))
    }

    /// Finds out which of the orders and requested notifications belong to the customer and are blanked. The messages of an order that was placed
    /// since the orders were blanked are left as they are: without its payment token it would be charged wrongly.
    async fn ownership(&self, customer: &CustomerId, named: Named) -> Result<Ownership, StoreError> {
        Ok(Ownership {
            customer: customer.clone(),
            orders: self.orders.blanked_of(customer, &named.orders).await?,
            requests: self.notifications.forgotten_requests(&named.requests).await?,
        })
    }
}

impl Named {
    fn add(&mut self, body: &str) {
        match Event::from_json(body) {
            Ok(event) => match &event.data {
                EventData::NotificationRequested(data) => drop(self.requests.insert(data.notification_id)),
                data => self.orders.extend(data.order_id()),
            },
            Err(_) => self.orders.extend(ids_in(body)),
        }
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

//! The personal data in notifications: finds the notifications of a customer, and blanks them.

use std::collections::BTreeSet;

use orderflow_domain::{OrderId, Recipient};
use orderflow_store::{Item, Store, StoreError, Table, Write, WriteError, optimistic_attempts, text};
use serde_json::Value;
use uuid::Uuid;

use crate::table::{NOTIFICATIONS, NotificationKey, NotificationRecord};

/// The most attempts at notifications that other writers change meanwhile.
const ATTEMPTS_MAX: u32 = 6;

/// The variables of a requested notification that is blanked, which is still recognised as requested.
const NO_VARIABLES: &str = "{}";

/// The notifications of customers, as far as their personal data is concerned.
#[derive(Debug, Clone)]
pub struct PersonalNotifications {
    store: Store,
    table: Table,
}

/// A notification of a customer.
#[derive(Debug, Clone)]
pub struct PersonalNotification {
    record: NotificationRecord,
}

/// A page of the scan for requested notifications.
#[derive(Debug, Clone)]
pub struct ScannedRequests {
    /// Requested notifications of any customer that are not blank.
    pub requests: Vec<PersonalNotification>,
    /// The position at which the next page begins: the two parts of a key. `None` on the last page.
    pub next: Option<(String, String)>,
}

impl PersonalNotification {
    /// Returns the order that the variables of a requested notification name.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        let variables = self.record.variables().ok()?;
        OrderId::parse(variables.get("orderId")?.as_str()?).ok()
    }

    /// Returns whether the notification goes to one of these addresses, or has one in its text.
    #[must_use]
    pub fn mentions(&self, addresses: &BTreeSet<String>) -> bool {
        let texts = [Some(self.record.recipient.address()), self.record.variables.as_deref()];
        let texts = texts.into_iter().chain([self.record.subject.as_deref()]).flatten();
        texts
            .map(str::to_lowercase)
            .any(|text| addresses.iter().any(|one| text.contains(&one.to_lowercase())))
    }

    /// Returns everything that is stored about the notification.
    ///
    /// # Errors
    /// [`StoreError::Shape`] if it cannot be written as JSON.
    pub fn to_json(&self) -> Result<Value, StoreError> {
        serde_json::to_value(&self.record).map_err(|error| StoreError::Shape {
            table: NOTIFICATIONS.name.to_owned(),
            message: error.to_string(),
        })
    }
}

impl PersonalNotifications {
    /// Returns the notifications of this store.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), table: store.table(&NOTIFICATIONS) }
    }

    /// Returns the notifications about an order.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn of_order(&self, order: OrderId) -> Result<Vec<PersonalNotification>, StoreError> {
        let records: Vec<NotificationRecord> = self.table.get_collection(&order.to_string()).await?;
        let records = records.into_iter().filter(|record| !record.key.is_mark());
        Ok(records.map(|record| PersonalNotification { record }).collect())
    }

    /// Marks an order as one of a forgotten customer, so that no notification about it is sent or recorded any more, and blanks those that
    /// are recorded. Returns how many changed.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn forget_order(&self, order: OrderId) -> Result<usize, StoreError> {
        // The mark first: what is delivered from now on is not recorded.
        let mark = Write::put(&self.table, &NotificationRecord::mark(order))?.if_absent();
        match self.store.write(mark).await {
            Ok(()) | Err(WriteError::ConditionFailed(_)) => {}
            Err(WriteError::Store(error)) => return Err(error),
        }
        self.blank(self.of_order(order).await?).await
    }

    /// Reads a page of the whole table for notifications that were requested through the API.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn scan_requests(&self, from: Option<(String, String)>) -> Result<ScannedRequests, StoreError> {
        let from = from.map(|(hash, range)| self.table.key_with_range(hash, range));
        let (items, next) = self.table.scan(from).await?;
        let requests = items.into_iter().filter(is_request).filter_map(|item| self.table.parse(item).ok());
        let requests = requests.map(|record| PersonalNotification { record });
        Ok(ScannedRequests {
            requests: requests.filter(|request| !request.record.is_blank()).collect(),
            next: next.and_then(|key| {
                let owned = |attribute| text(&key, attribute).map(str::to_owned);
                Some((owned(NOTIFICATIONS.hash)?, owned(NOTIFICATIONS.range?)?))
            }),
        })
    }

    /// Blanks recipient, variables and subject of notifications. Those that are not sent yet are not sent any more. Returns how many changed.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer. Notifications that are blanked by then stay so.
    pub async fn blank(&self, notifications: Vec<PersonalNotification>) -> Result<usize, StoreError> {
        let mut open: Vec<NotificationRecord> = notifications.into_iter().map(|found| found.record).collect();
        let mut blanked = 0;
        let mut attempts = optimistic_attempts(ATTEMPTS_MAX);
        while attempts.next().await {
            open.retain(|record| !record.is_blank());
            if open.is_empty() {
                return Ok(blanked);
            }
            let writes: Result<Vec<Write>, StoreError> =
                open.iter().map(|record| self.blanking(record)).collect();
            for result in self.store.write_each(writes?).await {
                match result {
                    Ok(()) => blanked += 1,
                    // Another writer was faster.
                    Err(WriteError::ConditionFailed(_)) => {}
                    Err(WriteError::Store(error)) => return Err(error),
                }
            }
            open =
                self.table.get_all(open.iter().map(|record| record.key.item(&self.table)).collect()).await?;
        }
        let message = "other writers keep changing a notification".to_owned();
        Err(StoreError::Shape { table: self.table.name().to_owned(), message })
    }

    fn blanking(&self, record: &NotificationRecord) -> Result<Write, StoreError> {
        Ok(Write::put(&self.table, &record.blanked())?.if_version(record.version))
    }

    /// Returns those of these requested notifications that are blank.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn forgotten_requests(&self, ids: &BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, StoreError> {
        let keys = ids.iter().map(|id| NotificationKey::of_request(*id).item(&self.table)).collect();
        let found: Vec<NotificationRecord> = self.table.get_all(keys).await?;
        let blank = found.into_iter().filter(|record| record.recipient.is_forgotten());
        Ok(blank.map(|record| record.message_id).collect())
    }
}

impl NotificationRecord {
    /// Creates the mark of an order whose customer is forgotten.
    pub(crate) fn mark(order: OrderId) -> Self {
        let now = orderflow_domain::Timestamp::now();
        Self {
            key: NotificationKey::mark_of(*order.as_uuid()),
            message_id: *order.as_uuid(),
            template: String::new(),
            recipient: Recipient::Email(orderflow_domain::Email::forgotten()),
            variables: None,
            subject: None,
            status: crate::table::NotificationStatus::Sent,
            created_at: now,
            updated_at: now,
            version: 1,
            traceparent: None,
            claim: None,
        }
    }

    fn is_blank(&self) -> bool {
        let has_variables = self.variables.as_ref().is_some_and(|variables| variables != NO_VARIABLES);
        self.recipient.is_forgotten() && !has_variables && self.subject.is_none()
    }

    fn blanked(&self) -> Self {
        Self {
            recipient: Recipient::forgotten(self.recipient.channel()),
            variables: self.variables.as_ref().map(|_| NO_VARIABLES.to_owned()),
            subject: None,
            version: self.version + 1,
            ..self.clone()
        }
    }
}

fn is_request(item: &Item) -> bool {
    NOTIFICATIONS.range.and_then(|range| text(item, range)).is_some_and(|id| id == crate::table::REQUEST)
}

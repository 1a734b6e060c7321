//! `DELETE /customers/{id}`.

use orderflow_bugs::is_planted;
use orderflow_domain::{CustomerId, Email, Phone};
use orderflow_http::{PageCursor, Problem, ProblemKind};
use orderflow_messaging::SUBSCRIPTIONS;
use orderflow_orders::PersonalOrder;
use orderflow_store::TimeKey;

use super::erasure::Progress;
use super::position::Step;
use super::{Customers, Forgotten};

/// The name of the call in its cursors.
const KIND: &str = "forget";

/// The most orders that one call checks.
const CHECKED_PER_CALL: usize = 100;

/// The most open orders that a refusal names.
const NAMED_MAX: usize = 10;

/// What a step blanked, and what comes next.
#[derive(Default)]
struct Done {
    orders: usize,
    payments: usize,
    notifications: usize,
    messages: usize,
    next: Option<Step>,
}

impl Done {
    fn nothing(next: Step) -> Self {
        Self { next: Some(next), ..Self::default() }
    }
}

impl Customers {
    /// Does one step. The orders are blanked after everything that is found through them, so that a run that was cut off can be started again
    /// from the beginning: what is left to do is then still found.
    pub(super) async fn forget(
        &self,
        customer: CustomerId,
        cursor: &PageCursor,
    ) -> Result<Forgotten, Problem> {
        let step = cursor.position(|text| Step::parse(text, KIND, &customer))?;
        let done = match step.unwrap_or(Step::Check { after: None }) {
            Step::Check { after } => self.check(&customer, after).await?,
            Step::Orders { after } => self.forget_orders(&customer, after).await?,
            Step::Requests { after, from } => self.forget_requests(&customer, after, from).await?,
            Step::Messages { consumer } => self.forget_messages(&customer, consumer).await?,
            Step::Recheck { after } => self.recheck(&customer, after).await?,
            Step::Erase { job } => match self.erasure.run(job).await.map_err(Problem::unavailable)? {
                Progress::Done => Done::default(),
                Progress::Running(job) => Done::nothing(Step::Erase { job }),
            },
        };
        tracing::info!(
            orders = done.orders,
            payments = done.payments,
            notifications = done.notifications,
            messages = done.messages,
            done = done.next.is_none(),
            "personal data of a customer blanked"
        );
        let next_cursor = done.next.map(|step| step.cursor(KIND, &customer));
        let Done { orders, payments, notifications, messages, .. } = done;
        Ok(Forgotten { customer_id: customer, orders, payments, notifications, messages, next_cursor })
    }

    /// Refuses while an order is open: services still need its addresses, to notify the customer of a refund for example, and would write
    /// them again.
    async fn check(&self, customer: &CustomerId, after: Option<TimeKey>) -> Result<Done, Problem> {
        let page = self.orders.page(customer, after, CHECKED_PER_CALL).await;
        let (orders, next) = page.map_err(Problem::unavailable)?;
        refuse_open(&orders)?;
        Ok(Done::nothing(match next {
            Some(next) => Step::Check { after: Some(next) },
            None => Step::Requests { after: None, from: None },
        }))
    }

    async fn forget_requests(
        &self,
        customer: &CustomerId,
        after: Option<TimeKey>,
        from: Option<(String, String)>,
    ) -> Result<Done, Problem> {
        let page = self.page(customer, after).await.map_err(Problem::unavailable)?;
        if page.last_seen.is_empty() {
            return Ok(Done::nothing(Step::Orders { after }));
        }
        let found = self.requests(customer, &page.last_seen, from).await;
        let (requests, next) = found.map_err(Problem::unavailable)?;
        let notifications = self.notifications.blank(requests).await.map_err(Problem::unavailable)?;
        let next = match next {
            Some(key) => Step::Requests { after, from: Some(key) },
            None => Step::Orders { after },
        };
        Ok(Done { notifications, ..Done::nothing(next) })
    }

    async fn forget_orders(&self, customer: &CustomerId, after: Option<TimeKey>) -> Result<Done, Problem> {
        let page = self.page(customer, after).await.map_err(Problem::unavailable)?;
        // An order that was placed during the run is not in it: the listing goes from new to old.
        refuse_open(&page.orders)?;
        let next = match page.next {
            Some(next) => Step::Requests { after: Some(next), from: None },
            None => Step::Messages { consumer: 0 },
        };
        let mut done = Done::nothing(next);
        let ids: Vec<_> = page.orders.iter().map(PersonalOrder::id).collect();
        for id in &ids {
            done.notifications += self.notifications.forget_order(*id).await.map_err(Problem::unavailable)?;
        }
        done.payments += self.payments.blank(&ids).await.map_err(Problem::unavailable)?;
        done.payments += self.reservations.blank(&ids).await.map_err(Problem::unavailable)?;
        let replacements: Vec<_> = page.addresses.into_iter().map(with_replacement).collect();
        self.backend.replace_in_streams(&replacements).await.map_err(Problem::unavailable)?;
        done.orders += self.orders.blank(page.orders).await.map_err(Problem::unavailable)?;
        Ok(done)
    }

    /// Blanks the notifications whose delivery had begun before their order was marked.
    async fn recheck(&self, customer: &CustomerId, after: Option<TimeKey>) -> Result<Done, Problem> {
        let page = self.orders.page(customer, after, super::ORDERS_PER_CALL).await;
        let (orders, next) = page.map_err(Problem::unavailable)?;
        let mut done =
            Done::nothing(next.map_or(Step::Erase { job: None }, |next| Step::Recheck { after: Some(next) }));
        for order in orders.iter().filter(|order| order.is_blank()) {
            let recorded = self.notifications.of_order(order.id()).await.map_err(Problem::unavailable)?;
            done.notifications += self.notifications.blank(recorded).await.map_err(Problem::unavailable)?;
        }
        Ok(done)
    }

    async fn forget_messages(&self, customer: &CustomerId, consumer: usize) -> Result<Done, Problem> {
        let Some(subscription) = SUBSCRIPTIONS.get(consumer) else {
            return Ok(Done::nothing(Step::Recheck { after: None }));
        };
        let (messages, is_complete) = self.blank_messages(customer, subscription.consumer).await?;
        let next = if is_complete { consumer + 1 } else { consumer };
        Ok(Done { messages, ..Done::nothing(Step::Messages { consumer: next }) })
    }
}

fn with_replacement(address: String) -> (String, String) {
    let is_email = address.contains('@');
    let (email, phone) = (Email::forgotten(), Phone::forgotten());
    (address, if is_email { email.as_str() } else { phone.as_str() }.to_owned())
}

fn refuse_open(orders: &[PersonalOrder]) -> Result<(), Problem> {
    let mut open = orders.iter().filter(|order| !order.is_settled()).map(|order| order.id().to_string());
    let named: Vec<String> = open.by_ref().take(NAMED_MAX).collect();
    if named.is_empty() || is_planted("forgotten-with-open-orders") {
        return Ok(());
    }
    let more = match open.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let detail = format!(
        "These orders are not settled yet: {}{more}. Wait until they are, or cancel them; retry failed refunds.",
        named.join(", ")
    );
    Err(Problem::new(ProblemKind::CustomerHasOpenOrders, detail))
}

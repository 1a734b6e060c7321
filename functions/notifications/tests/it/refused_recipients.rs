//! A mail server that refuses the recipients of one domain.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderflow_domain::{Email, Event, EventData, OrderEnded, OrderId};
use orderflow_messaging::Outcome;
use orderflow_notifications::{NotificationConsumer, ProviderSettings};
use orderflow_settings::{Snapshot, read};
use orderflow_testing::mail_server::{MailServer, REFUSALS_OF_ONE_DOMAIN};
use orderflow_testing::service::{deliver, is_retry};

use crate::harness::NotificationsHarness;
use crate::outcomes::{ended, event};

fn confirmed_to(address: &str) -> Event {
    let order = ended(OrderId::generate(), None);
    event(EventData::OrderConfirmed(OrderEnded {
        email: Email::parse(address).unwrap(),
        phone: None,
        ..order
    }))
}

fn addressed(domain: &str, count: usize) -> Vec<Event> {
    (0..count).map(|number| confirmed_to(&format!("customer{number}@{domain}"))).collect()
}

async fn consumer(notifications: &NotificationsHarness, server: &MailServer) -> NotificationConsumer {
    let variables = [("SMTP_URL", format!("smtp://{}", server.address()))];
    let settings = read(&Snapshot::from_variables(variables), ProviderSettings::read).unwrap();
    let aws = async { unreachable!("SMTP does not need AWS") };
    notifications.consumer_with(Arc::new(settings.open(aws).await))
}

#[tokio::test]
async fn thirty_refused_recipients_do_not_delay_ten_others() {
    for answer in REFUSALS_OF_ONE_DOMAIN {
        let server = MailServer::answering(move |line| {
            (line.starts_with("RCPT") && line.contains("@unreachable.example")).then_some(answer)
        })
        .await
        .unwrap();
        let notifications = NotificationsHarness::open().await;
        let consumer = consumer(&notifications, &server).await;
        let started = Instant::now();
        let refused = deliver(&consumer, &addressed("unreachable.example", 30)).await;
        let permanent = answer.starts_with('5');
        for outcome in &refused {
            let expected =
                if permanent { matches!(outcome, Outcome::DeadLetter { .. }) } else { is_retry(outcome) };
            assert!(expected, "{answer}: {outcome:?}");
        }
        let others = deliver(&consumer, &addressed("example.com", 10)).await;
        assert!(others.iter().all(|outcome| *outcome == Outcome::Done), "{answer}: {others:?}");
        assert_eq!(server.mails().len(), 10, "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5), "{answer}: {:?}", started.elapsed());
    }
}

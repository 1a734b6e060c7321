//! Clients and consumers that change one level at once.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use orderflow_domain::OrderId;
use serde_json::json;

use crate::desk::Desk;
use crate::races::until_done;
use crate::support::{cancelled, placed};

const CLIENTS: usize = 20;
const TIME: Duration = Duration::from_secs(10);
const FIRST_STOCK: i64 = 60;

/// Units that clients add, and units that they take away: what they began, and what they know to be done.
#[derive(Clone, Copy, Default)]
struct Books {
    adding: i64,
    added: i64,
    taking: i64,
    taken: i64,
}

struct Counter {
    desk: Desk,
    books: Mutex<Books>,
}

impl Counter {
    /// Looks at the level, which has to be one that the corrections made so far leave. Those that are under way may be in it.
    async fn look(&self) {
        let before = *self.books.lock().unwrap();
        let (_, level) = self.desk.read("A").await;
        let after = *self.books.lock().unwrap();
        let (available, reserved) =
            (level["available"].as_i64().unwrap(), level["reserved"].as_i64().unwrap());
        assert!(available >= 0 && reserved >= 0, "{level}");
        let least = FIRST_STOCK + before.added - after.taking;
        let most = FIRST_STOCK + after.adding - before.taken;
        assert!((least..=most).contains(&(available + reserved)), "{level} is not within {least} to {most}");
    }

    /// Corrects the level once, sometimes asking twice.
    async fn adjust(&self, units: i64, key: &str) {
        let note = |note: fn(&mut Books, i64)| note(&mut self.books.lock().unwrap(), units);
        note(|books, units| if units > 0 { books.adding += units } else { books.taking -= units });
        let body = json!({"adjust": units});
        let status = loop {
            match self.desk.correct("A", Some(key), &body).await.0 {
                503 => {}
                status => break status,
            }
        };
        match status {
            200 => note(|books, units| if units > 0 { books.added += units } else { books.taken -= units }),
            409 => note(|books, units| books.taking += units),
            other => panic!("{other}"),
        }
        if status == 200 && fastrand::bool() {
            assert_eq!(self.desk.correct("A", Some(key), &body).await.0, 200);
        }
    }

    /// Works until the time is over, and gives the orders that it did not cancel.
    async fn client(&self, number: usize, end: Instant) -> Vec<OrderId> {
        let mut held = Vec::new();
        for step in 0.. {
            if Instant::now() >= end {
                break;
            }
            match fastrand::u8(0..4) {
                0 => self.adjust(fastrand::i64(1..=3), &format!("{number}-{step}")).await,
                1 => self.adjust(-fastrand::i64(1..=3), &format!("{number}-{step}")).await,
                2 => {
                    let order = OrderId::generate();
                    until_done(&self.desk.stock, vec![placed(order, &[("A", fastrand::i64(1..=5))])]).await;
                    held.push(order);
                }
                _ => {
                    let order = held.pop().unwrap_or_else(OrderId::generate);
                    until_done(&self.desk.stock, vec![cancelled(order)]).await;
                }
            }
            self.look().await;
        }
        held
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h04_levels_add_up_at_every_read_while_clients_adjust_reserve_and_cancel() {
    let desk = Desk::of(&[("A", FIRST_STOCK)]).await;
    let counter = Arc::new(Counter { desk, books: Mutex::default() });
    let end = Instant::now() + TIME;
    let clients = (0..CLIENTS).map(|number| {
        let counter = counter.clone();
        tokio::spawn(async move { counter.client(number, end).await })
    });
    let left = join_all(clients).await.into_iter().flat_map(Result::unwrap);
    let (books, stock) = (*counter.books.lock().unwrap(), &counter.desk.stock);
    assert_eq!((books.adding, books.taking), (books.added, books.taken), "nothing is under way");
    let (available, reserved) = stock.level("A").await.unwrap();
    assert_eq!(available + reserved, FIRST_STOCK + books.added - books.taken);
    until_done(stock, left.map(cancelled).collect()).await;
    assert_eq!(stock.level("A").await, Some((available + reserved, 0)));
}

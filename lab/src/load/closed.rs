//! The closed loop: each client places its next order when its last one is answered.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Load, Numbers, Orders, PAUSE};
use crate::connection::Connection;

pub(super) async fn run(load: Load) -> Orders {
    let numbers = Arc::new(Numbers::of(&load));
    let mut clients = JoinSet::new();
    for _ in 0..load.plan.clients {
        clients.spawn(client(load.clone(), numbers.clone()));
    }
    let mut orders = Orders::default();
    while let Some(client) = clients.join_next().await {
        // A client does not panic, and is not cancelled while the loop runs.
        orders.merge(client.unwrap_or_default());
    }
    orders
}

async fn client(load: Load, numbers: Arc<Numbers>) -> Orders {
    let (mut connection, mut orders) = (Connection::new(&load.address), Orders::default());
    while !*load.stop.borrow()
        && let Some(number) = numbers.take()
    {
        let outcome = load.place(&mut connection, number, None).await;
        let was_refused = outcome.is_err();
        orders.add(outcome);
        load.progress.inc(1);
        if was_refused {
            sleep(PAUSE).await;
        }
    }
    orders
}

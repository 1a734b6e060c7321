use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use orderflow_embedded::Fault;
use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{TABLE, create, exists, memory, put, text};

#[tokio::test]
async fn injected_conflicts_cancel_a_transaction() {
    let embedded = memory().await;
    let client = embedded.dynamodb();
    embedded.inject(Arc::new(|operation: &str, body: &Value| {
        let actions = body["TransactItems"].as_array()?.len();
        let mut codes = vec!["None".to_owned(); actions];
        codes[0] = "TransactionConflict".to_owned();
        (operation == "TransactWriteItems").then_some(Fault::TransactionCanceled(codes))
    }));
    let transaction = client.transact_write_items().transact_items(create("a")).transact_items(create("b"));
    let error = transaction.send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("not cancelled: {error:?}");
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|r| r.code().unwrap()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    put(&client, "other").await;
    assert!(!exists(&client, "a").await);
}

#[tokio::test]
async fn injected_faults_of_single_writes_are_typed_errors() {
    let embedded = memory().await;
    let client = embedded.dynamodb();
    let turn = AtomicUsize::new(0);
    embedded.inject(Arc::new(move |_: &str, _: &Value| {
        let faults = [Fault::TransactionConflict, Fault::ThroughputExceeded, Fault::InternalServerError];
        faults.get(turn.fetch_add(1, Ordering::Relaxed)).cloned()
    }));
    let write = client.put_item().table_name(TABLE).item("id", text("a"));
    let conflict = write.clone().send().await.unwrap_err().into_service_error();
    assert!(conflict.is_transaction_conflict_exception(), "{conflict:?}");
    let throttled = write.clone().send().await.unwrap_err().into_service_error();
    assert!(throttled.is_provisioned_throughput_exceeded_exception(), "{throttled:?}");
    let failed = write.clone().send().await.unwrap_err().into_service_error();
    assert!(failed.is_internal_server_error(), "{failed:?}");
    assert!(!exists(&client, "a").await);
    embedded.stop_injecting();
    write.send().await.unwrap();
    assert_eq!(embedded.requests().of("PutItem"), 4);
}

#[tokio::test]
async fn a_write_takes_effect_although_its_answer_is_lost() {
    let embedded = memory().await;
    let client = embedded.dynamodb();
    let changes = embedded.changes(TABLE);
    embedded
        .inject(Arc::new(|operation: &str, _: &Value| (operation == "PutItem").then_some(Fault::LostAnswer)));
    let error = client.put_item().table_name(TABLE).item("id", text("a")).send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(exists(&client, "a").await);
    assert!(changes.has_changed().unwrap());
}

/// Counts the events of level ERROR.
#[derive(Clone, Default)]
struct Errors(Arc<AtomicUsize>);

impl Subscriber for Errors {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if *event.metadata().level() == Level::ERROR {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_failing_request_logs_no_error_of_the_sdk() {
    let embedded = memory().await;
    let errors = Errors::default();
    let _default = tracing::subscriber::set_default(errors.clone());
    embedded.inject(Arc::new(|_: &str, _: &Value| Some(Fault::InternalServerError)));
    let read = embedded.dynamodb().get_item().table_name(TABLE).key("id", text("a"));
    assert!(read.send().await.is_err());
    assert_eq!(errors.0.load(Ordering::Relaxed), 0);
}

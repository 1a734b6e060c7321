//! The conformance suite that every backend of the store must pass: what it stores, what it refuses, and in which order it returns things.
//!
//! A [`StoreUnderTest`] opens a backend; [`store_suite!`](crate::store_suite) generates a test of every scenario for it. Each scenario has tables of
//! its own, so that backends in other processes can be shared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ground;
pub mod reads;
pub mod streams;
pub mod tables;
pub mod transactions;
pub mod writes;

use std::sync::Arc;

use orderflow_store::Backend;

/// A backend of the store.
pub trait StoreUnderTest: Sized {
    /// Whether the streams can be trimmed, and the backend tells of its writes. DynamoDB's protocol offers neither.
    const IN_PROCESS: bool = false;

    /// Whether a write that changes nothing leaves a record in the stream, as in dynoxide and not in DynamoDB.
    const RECORDS_UNCHANGED: bool = false;

    /// Opens the backend.
    fn open() -> impl Future<Output = Self>;

    /// Returns the backend.
    fn backend(&self) -> Arc<dyn Backend>;
}

/// Generates a test of every scenario for a [`StoreUnderTest`].
#[macro_export]
macro_rules! store_suite {
    ($store:ty) => {
        $crate::store_suite!(@tests $store:
            writes: an_item_is_put_read_and_deleted, a_failed_condition_returns_the_existing_item,
                conditions_compare_what_is_stored, an_update_assigns_and_creates, numbers_are_added_exactly,
                an_increment_needs_a_number, every_type_of_value_is_kept, numbers_are_normalised,
                keys_that_are_no_keys_are_refused, an_item_above_400_kb_is_refused,
                independent_writes_have_outcomes_of_their_own, a_missing_table_is_named;
            transactions: all_writes_happen_or_none, each_write_has_its_reason, an_item_is_written_once,
                a_hundred_writes_are_the_most, concurrent_transactions_lose_nothing;
            reads: many_keys_are_read_at_once, range_keys_are_in_the_order_of_their_bytes,
                a_range_of_keys_is_read, pages_follow_each_other, large_results_come_in_pages,
                an_index_follows_its_items, equal_keys_of_an_index_are_all_listed, a_projection_reduces_items;
            tables: creating_twice_changes_nothing, an_added_index_lists_what_there_was,
                a_stream_is_added_once, tables_are_listed;
            streams: every_change_is_a_record, what_changes_nothing_leaves_no_record,
                a_reader_resumes_after_its_position, trimmed_records_are_gone, a_writer_wakes_readers,
                addresses_are_replaced_in_records;
        );
    };
    (@tests $store:ty: $($module:ident: $($name:ident),*;)*) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::store_conformance::$module::$name::<$store>().await;
            })*
        })*
    };
}

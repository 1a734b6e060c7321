//! Where time and random ids come from: the system, unless a simulation replaces them for its thread.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use chrono::Utc;
use uuid::{Builder, Uuid};

/// A source of time and randomness that replaces the system's.
pub trait Source {
    /// Returns the milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Returns random bits.
    fn random(&self) -> u128;
}

thread_local! {
    static REPLACED: RefCell<Option<Rc<dyn Source>>> = const { RefCell::new(None) };
}

/// Replaces the system's time and random ids on the thread that created it, until it is dropped. Other threads are not affected.
#[must_use = "the source is used until this is dropped"]
pub struct SourceScope {
    previous: Option<Rc<dyn Source>>,
    /// It belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for SourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceScope").finish_non_exhaustive()
    }
}

impl SourceScope {
    /// Takes time and random ids from this source on this thread.
    pub fn enter(source: Rc<dyn Source>) -> Self {
        Self { previous: REPLACED.replace(Some(source)), _not_send: PhantomData }
    }
}

impl Drop for SourceScope {
    fn drop(&mut self) {
        REPLACED.replace(self.previous.take());
    }
}

/// Returns the milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    replaced(|source| source.now_ms()).unwrap_or_else(|| Utc::now().timestamp_millis())
}

/// Makes a random id (UUIDv4, RFC 9562).
pub fn random_id() -> Uuid {
    let replaced = replaced(|source| Builder::from_random_bytes(source.random().to_be_bytes()).into_uuid());
    replaced.unwrap_or_else(Uuid::new_v4)
}

/// Makes an id that sorts by the time at which it is made (UUIDv7, RFC 9562).
pub fn ordered_id() -> Uuid {
    let replaced = replaced(|source| {
        let [random @ .., _, _, _, _, _, _] = source.random().to_be_bytes();
        let millis = u64::try_from(source.now_ms()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    });
    replaced.unwrap_or_else(Uuid::now_v7)
}

fn replaced<T>(read: impl FnOnce(&dyn Source) -> T) -> Option<T> {
    REPLACED.with_borrow(|source| source.as_deref().map(read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OrderId, Timestamp};

    struct Fixed(i64);

    impl Source for Fixed {
        fn now_ms(&self) -> i64 {
            self.0
        }

        fn random(&self) -> u128 {
            7
        }
    }

    #[test]
    fn a_source_is_used_on_its_thread_until_its_scope_ends() {
        let scope = SourceScope::enter(Rc::new(Fixed(5)));
        let inner = SourceScope::enter(Rc::new(Fixed(1_000)));
        assert_eq!(Timestamp::now(), Timestamp::from_millis(1_000));
        drop(inner);
        assert_eq!(Timestamp::now(), Timestamp::from_millis(5));
        assert_eq!((random_id(), ordered_id()), (random_id(), ordered_id()));
        assert_eq!((random_id().get_version_num(), ordered_id().get_version_num()), (4, 7));
        assert_eq!(OrderId::generate().generated_at(), Some(Timestamp::from_millis(5)));
        let elsewhere = std::thread::spawn(|| (Timestamp::now(), random_id())).join().unwrap();
        assert!(elsewhere.0 > Timestamp::from_millis(1_000));
        assert_ne!(elsewhere.1, random_id());
        drop(scope);
        assert_ne!(random_id(), random_id());
    }
}

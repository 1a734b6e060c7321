//! The open connections, and which of them is closed for a new one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::activity::{Activity, Search};

/// What the limit of connections does to clients at the moment. Each change is logged once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressure {
    /// Every connection has a place.
    None,
    /// Connections that wait for their clients are closed for new ones.
    Evicting,
    /// New connections are refused, since all others have requests.
    Refusing,
}

struct Places {
    /// The connections by place.
    taken: Vec<Option<Arc<Activity>>>,
    free: Vec<usize>,
    open: usize,
    /// The place at which the next search for a connection to evict begins.
    hand: usize,
    pressure: Pressure,
}

/// The open connections of a listener, up to a limit.
pub(crate) struct Connections {
    max: usize,
    places: Mutex<Places>,
}

/// The place of one connection, which it leaves when this is dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    index: usize,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Self {
        let places =
            Places { taken: Vec::new(), free: Vec::new(), open: 0, hand: 0, pressure: Pressure::None };
        Self { max: max.max(1), places: Mutex::new(places) }
    }

    /// Gives a connection a place. At the limit, a connection that waits for its client is closed; `None` if there is none.
    pub(crate) fn enter(self: &Arc<Self>, activity: &Arc<Activity>) -> Option<Place> {
        let mut places = self.places();
        if places.open >= self.max {
            if !places.evict_one() {
                self.change(&mut places, Pressure::Refusing);
                return None;
            }
            if places.pressure == Pressure::None {
                self.change(&mut places, Pressure::Evicting);
            }
        }
        places.open += 1;
        let index = places.free.pop().unwrap_or_else(|| {
            places.taken.push(None);
            places.taken.len() - 1
        });
        places.taken[index] = Some(Arc::clone(activity));
        Some(Place { connections: Arc::clone(self), index })
    }

    /// Closes a connection that waits for its client, if there is one, since the process has no file descriptor left.
    pub(crate) fn evict_one(&self) -> bool {
        self.places().evict_one()
    }

    fn leave(&self, index: usize) {
        let mut places = self.places();
        places.taken[index] = None;
        places.free.push(index);
        places.open -= 1;
        // Well below the limit, so that the state does not change with each connection.
        if places.pressure != Pressure::None && places.open <= self.max - self.max.div_ceil(10) {
            self.change(&mut places, Pressure::None);
        }
    }

    fn change(&self, places: &mut Places, pressure: Pressure) {
        if places.pressure == pressure {
            return;
        }
        places.pressure = pressure;
        let (max, open) = (self.max, places.open);
        match pressure {
            Pressure::None => tracing::info!(max, open, "connections are below their limit again"),
            Pressure::Evicting => {
                tracing::warn!(max, "the limit of connections is reached; idle ones are closed for new ones");
            }
            Pressure::Refusing => {
                tracing::warn!(max, "the limit of connections is reached; new ones are refused");
            }
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // No holder of the lock panics.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Evicts a connection that waits for its client, and those first that cost their clients least.
    fn evict_one(&mut self) -> bool {
        [Search::Unused, Search::Waiting, Search::Bodies].into_iter().any(|search| self.evict_next(search))
    }

    fn evict_next(&mut self, search: Search) -> bool {
        for _ in 0..self.taken.len() {
            self.hand = (self.hand + 1) % self.taken.len();
            if self.taken[self.hand].as_ref().is_some_and(|activity| activity.evict(search)) {
                return true;
            }
        }
        false
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.leave(self.index);
    }
}

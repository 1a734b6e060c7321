//! Makes the plan of a seed.

use fastrand::Rng;
use orderflow_messaging::SUBSCRIPTIONS;

use super::fault::{FaultKind, Place, PlannedFault};
use super::plan::{Action, Operation, Plan};
use super::timed::is_timed;

/// The time within which operations begin, in milliseconds.
const WORKLOAD_MS: u32 = 60_000;

/// The time within which operators handle dead letters: some are dead only after ten minutes.
const DEAD_LETTERS_MS: u32 = 1_500_000;

const MINUTE_MS: u32 = 60_000;

/// The time within which the operations of a rush begin, and the distance between the moments at which they do.
const RUSH_MS: u32 = 200;
const RUSH_STEP_MS: u32 = 25;

/// When a message that was delayed beyond the limit of retries is dead for sure, and nothing has replayed it yet.
const LONG_AFTER_DEATH_MS: std::ops::Range<u32> = 13 * MINUTE_MS..DEAD_LETTERS_MS;

/// The processes whose requests to the store fail.
const STORE_PLACES: [Place; 4] = [Place::Intake, Place::Shop, Place::Relay, Place::Expiry];

impl Plan {
    /// Makes the plan of a seed: always the same one.
    #[must_use]
    pub fn generate(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x0d0e);
        let operations = Workload::new(&mut rng).operations();
        let faults = faults(&mut rng);
        Self { seed, operations, faults }
    }
}

/// The customers and products of a plan.
struct Workload<'a> {
    rng: &'a mut Rng,
    customers: u8,
    skus: u8,
    /// All operations begin within this time. In a short one they overlap.
    within_ms: u32,
    /// Whether all customers want the same few units at the same moments.
    is_rush: bool,
    keys: u16,
    placed: Vec<Action>,
}

impl<'a> Workload<'a> {
    fn new(rng: &'a mut Rng) -> Self {
        let is_rush = rng.u8(..3) == 0;
        let (customers, skus) = (rng.u8(2..10), if is_rush { 1 } else { rng.u8(1..5) });
        let within_ms = match (is_rush, rng.bool()) {
            (true, _) => RUSH_MS,
            (false, true) => WORKLOAD_MS,
            (false, false) => rng.u32(100..5_000),
        };
        Self { rng, customers, skus, within_ms, is_rush, keys: 0, placed: Vec::new() }
    }

    fn operations(mut self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for sku in 0..self.skus {
            let (price, stock) = (self.price(), self.stock());
            let action = Action::PutProduct { sku, price, stock };
            operations.push(Operation { at_ms: self.rng.u32(0..500), action });
        }
        let count = if self.is_rush { self.rng.usize(18..30) } else { self.rng.usize(8..26) };
        for _ in 0..count {
            let at_ms = 600 + self.moment();
            let action = self.action();
            operations.push(Operation { at_ms, action });
        }
        operations.sort_by_key(|operation| operation.at_ms);
        operations
    }

    /// Draws when an operation begins. In a rush, several begin at once.
    fn moment(&mut self) -> u32 {
        let drawn = self.rng.u32(0..self.within_ms);
        if self.is_rush { drawn / RUSH_STEP_MS * RUSH_STEP_MS } else { drawn }
    }

    fn stock(&mut self) -> u32 {
        if self.is_rush { self.rng.u32(1..7) } else { self.rng.u32(0..25) }
    }

    /// Draws a price, of which some are 0.
    fn price(&mut self) -> u32 {
        if self.rng.u8(..8) == 0 { 0 } else { self.rng.u32(1..5_000) }
    }

    fn sku(&mut self) -> u8 {
        self.rng.u8(..self.skus)
    }

    fn key(&mut self) -> u16 {
        self.keys += 1;
        // An earlier key again, in some of the cases.
        if self.rng.u8(..4) == 0 { self.rng.u16(1..=self.keys) } else { self.keys }
    }

    fn action(&mut self) -> Action {
        let sku = self.sku();
        match self.rng.u8(..40) {
            0..=5 => Action::Cancel { order: self.rng.u8(..) },
            6 | 7 => Action::SetStock { sku, available: self.stock(), key: self.key() },
            8 | 9 => Action::AdjustStock { sku, by: self.rng.i32(-4..8), key: self.key() },
            10 | 11 => Action::PutProduct { sku, price: self.price(), stock: self.stock() },
            12 | 16 => Action::RemoveProduct { sku },
            13 => Action::Notify { customer: self.rng.u8(..self.customers), key: self.key() },
            14 | 15 => Action::Forget { customer: self.rng.u8(..self.customers) },
            _ => self.place(),
        }
    }

    fn place(&mut self) -> Action {
        let repeats = !self.placed.is_empty() && self.rng.u8(..4) == 0;
        let action = if repeats { self.repeated() } else { self.new_order() };
        self.placed.push(action.clone());
        action
    }

    /// Returns an earlier order again, sometimes with other lines under the same key.
    fn repeated(&mut self) -> Action {
        let earlier = self.placed[self.rng.usize(..self.placed.len())].clone();
        match earlier {
            Action::Place { customer, key: Some(key), declined, phone, .. } if self.rng.u8(..3) == 0 => {
                Action::Place { customer, lines: self.lines(), key: Some(key), declined, phone }
            }
            earlier => earlier,
        }
    }

    fn new_order(&mut self) -> Action {
        let key = if self.rng.u8(..3) == 0 { None } else { Some(self.key()) };
        Action::Place {
            customer: self.rng.u8(..self.customers),
            lines: self.lines(),
            key,
            declined: self.rng.u8(..6) == 0,
            phone: self.rng.u8(..4) == 0,
        }
    }

    /// Draws lines, of which several can have the same sku.
    fn lines(&mut self) -> Vec<(u8, u32)> {
        let count = self.rng.usize(1..4);
        (0..count).map(|_| (self.sku(), self.rng.u32(1..4))).collect()
    }
}

/// Draws faults of some of the kinds. With few kinds in each plan, those that hide each other's effects are seldom together.
fn faults(rng: &mut Rng) -> Vec<PlannedFault> {
    let mut kinds = FaultKind::ALL.to_vec();
    rng.shuffle(&mut kinds);
    kinds.truncate(rng.usize(1..9));
    if kinds.iter().any(|kind| needs_dead_letters(*kind)) {
        kinds.extend(KILLING);
    }
    if kinds.contains(&FaultKind::CancelRaced) {
        // The reversal of the charge fails.
        kinds.push(FaultKind::ProviderUnavailable);
    }
    let mut faults = Vec::new();
    for _ in 0..rng.usize(4..24) {
        let kind = kinds[rng.usize(..kinds.len())];
        if kind == FaultKind::StreamTrimmed && faults.iter().any(|fault: &PlannedFault| fault.kind == kind) {
            continue;
        }
        let fault = draw(rng, kind);
        // Requests that fail in a row open circuit breakers and use up attempts.
        let length = if fails_in_a_row(kind) && rng.u8(..5) == 0 { rng.u32(3..9) } else { 1 };
        faults.extend((0..length).map(|next| PlannedFault { at: fault.at + next, ..fault }));
    }
    for number in 0..faults.len() {
        if needs_dead_letters(faults[number].kind) {
            aim(rng, &mut faults, number);
        }
    }
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// The faults after which a message is dead.
const KILLING: [FaultKind; 2] = [FaultKind::DeliveryDelayed, FaultKind::MailRefused];

fn needs_dead_letters(kind: FaultKind) -> bool {
    use FaultKind::{DeadLetterEdited, DeadLettersPurged, DeadLettersReplayed};
    matches!(kind, DeadLettersReplayed | DeadLetterEdited | DeadLettersPurged)
}

/// Has an operator handle the dead letters of a consumer that probably has some, after they are dead.
fn aim(rng: &mut Rng, faults: &mut [PlannedFault], number: usize) {
    let killing: Vec<PlannedFault> =
        faults.iter().filter(|fault| KILLING.contains(&fault.kind)).copied().collect();
    if killing.is_empty() {
        return;
    }
    let killed = killing[rng.usize(..killing.len())];
    faults[number].place = killed.place;
    if killed.kind == FaultKind::DeliveryDelayed {
        faults[number].at = rng.u32(LONG_AFTER_DEATH_MS);
    }
}

fn fails_in_a_row(kind: FaultKind) -> bool {
    use FaultKind::{
        MailUnavailable, ProviderAnswerLost, ProviderUnavailable, StoreConflict, StoreThrottled,
        StoreUnavailable,
    };
    matches!(
        kind,
        StoreUnavailable
            | StoreThrottled
            | StoreConflict
            | ProviderUnavailable
            | ProviderAnswerLost
            | MailUnavailable
    )
}

fn consumer(rng: &mut Rng) -> Place {
    Place::Consumer(SUBSCRIPTIONS[rng.usize(..SUBSCRIPTIONS.len())].consumer)
}

fn draw(rng: &mut Rng, kind: FaultKind) -> PlannedFault {
    let place = place(rng, kind);
    let (at, amount) = if is_timed(kind) { timed(rng, kind) } else { occurrence(rng, kind) };
    PlannedFault { kind, place, at, amount }
}

fn place(rng: &mut Rng, kind: FaultKind) -> Place {
    use FaultKind as Kind;
    match kind {
        Kind::CancelRaced if rng.bool() => Place::Consumer("order-tracker"),
        Kind::HandlerCrashed if rng.u8(..12) == 0 => Place::Expiry,
        Kind::RelayCrashed
        | Kind::PublishFailed
        | Kind::PublishAnswerLost
        | Kind::NewerEvent
        | Kind::OlderEvent => Place::Relay,
        Kind::IntakeCrashed if rng.u8(..3) == 0 => Place::Shop,
        Kind::IntakeCrashed => Place::Intake,
        Kind::StoreUnavailable | Kind::StoreAnswerLost | Kind::StoreConflict | Kind::StoreThrottled => {
            if rng.u8(..3) == 0 { STORE_PLACES[rng.usize(..STORE_PLACES.len())] } else { consumer(rng) }
        }
        Kind::ProviderUnavailable
        | Kind::ProviderAnswerLost
        | Kind::ProviderAnswerLate
        | Kind::ProviderContradicts => Place::Consumer("payment"),
        Kind::MailRefused | Kind::MailUnavailable | Kind::MailAnswerLost => Place::Consumer("notification"),
        Kind::ClockAhead | Kind::ClockBack | Kind::StreamTrimmed | Kind::SecondRelay => Place::System,
        _ => consumer(rng),
    }
}

/// Draws the time of a fault, and its amount.
fn timed(rng: &mut Rng, kind: FaultKind) -> (u32, u32) {
    use FaultKind as Kind;
    let soon = rng.u32(0..WORKLOAD_MS);
    match kind {
        Kind::DeadLettersReplayed | Kind::DeadLetterEdited | Kind::DeadLettersPurged => {
            (rng.u32(1_000..DEAD_LETTERS_MS), 0)
        }
        Kind::ClockAhead | Kind::ClockBack => (soon, rng.u32(1_000..120 * MINUTE_MS)),
        Kind::ConsumerPaused => (soon, rng.u32(1_000..30 * MINUTE_MS)),
        Kind::SecondRelay => (soon, rng.u32(1_000..10 * MINUTE_MS)),
        Kind::TopologyDeleted => (soon, rng.u32(0..MINUTE_MS / 2)),
        _ => (soon, rng.u32(0..1_000)),
    }
}

/// Draws the occurrence at which a fault strikes, and its amount.
fn occurrence(rng: &mut Rng, kind: FaultKind) -> (u32, u32) {
    use FaultKind as Kind;
    let at_most = match kind {
        Kind::DeliveryRepeated
        | Kind::DeliveryReordered
        | Kind::DeliveryDelayed
        | Kind::BatchSplit
        | Kind::CancelRaced => 12,
        Kind::HandlerCrashed | Kind::IntakeCrashed => 150,
        Kind::RelayCrashed => 300,
        Kind::MailRefused | Kind::MailUnavailable | Kind::MailAnswerLost => 12,
        Kind::ProviderUnavailable
        | Kind::ProviderAnswerLost
        | Kind::ProviderAnswerLate
        | Kind::ProviderContradicts => 20,
        Kind::PublishFailed | Kind::PublishAnswerLost => 30,
        Kind::NewerEvent | Kind::OlderEvent => 50,
        _ => 60,
    };
    let amount = match kind {
        Kind::ProviderAnswerLate | Kind::DeliveryRepeated => rng.u32(0..3 * MINUTE_MS),
        _ => rng.u32(0..0x1_0000),
    };
    (rng.u32(0..at_most), amount)
}

//! What the orders of a run used.

use std::collections::BTreeMap;
use std::time::Duration;

use super::meter::Metered;
use super::units::Units;

/// SNS and SQS bill a request for each 64 KiB of its payload.
const PAYLOAD_UNIT: usize = 65_536;

/// What was used. Counts are those of the whole run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Write units, by table and index.
    pub writes: Units,
    /// Read units, by table and index.
    pub reads: Units,
    /// Requests in units of 64 KiB.
    pub sns_requests: u64,
    /// Messages that SNS puts into queues, in units of 64 KiB.
    pub sns_deliveries: u64,
    /// Requests in units of 64 KiB.
    pub sqs_requests: u64,
    pub http_calls: u64,
    /// Calls, by function.
    pub calls: BTreeMap<&'static str, Calls>,
    /// What the functions logged, in bytes.
    pub log_bytes: u64,
}

/// The calls of a function.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls {
    pub count: u64,
    /// The time that the calls took here, without that of requests to the tables.
    pub time: Duration,
    /// Requests to DynamoDB and SNS, one after the other.
    pub requests: u64,
}

impl Usage {
    pub(crate) fn add_metered(&mut self, metered: Metered) {
        for (sums, units) in [(&mut self.writes, metered.writes), (&mut self.reads, metered.reads)] {
            for (place, units) in units {
                *sums.entry(place).or_default() += units;
            }
        }
    }

    pub(crate) fn called(&mut self, function: &'static str, time: Duration, requests: u64) {
        let calls = self.calls.entry(function).or_default();
        calls.count += 1;
        calls.time += time;
        calls.requests += requests;
    }

    /// Returns the calls of all functions.
    pub(crate) fn all_calls(&self) -> Calls {
        self.calls.values().fold(Calls::default(), |sum, calls| Calls {
            count: sum.count + calls.count,
            time: sum.time + calls.time,
            requests: sum.requests + calls.requests,
        })
    }
}

/// Returns the billed requests for a payload of this many bytes.
pub(crate) fn payload_units(bytes: usize) -> u64 {
    bytes.div_ceil(PAYLOAD_UNIT).max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_billed_for_each_started_64_kib() {
        assert_eq!([0, 1, 65_536, 65_537].map(payload_units), [1, 1, 1, 2]);
    }
}

//! How many connections the limit of open files allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most connections, whatever the limit of open files is: each can hold buffers.
const MOST: u64 = 16_384;

/// The open files that are left for the store, the broker and calls to providers, if the limit is not lower than twice of it.
const RESERVE: u64 = 512;

/// Raises the soft limit of open files to the hard one, and returns how many connections it allows.
pub(crate) fn connections_of_process() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let files = if raised { maximum } else { current };
    // `None` is no limit.
    usize::try_from(files.map_or(MOST, connections)).unwrap_or(usize::MAX)
}

fn connections(files: u64) -> u64 {
    (files - RESERVE.min(files / 2)).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_the_store_and_the_broker() {
        assert_eq!(connections(256), 128);
        assert_eq!(connections(1024), 512);
        assert_eq!(connections(4096), 3584);
        assert_eq!(connections(1_048_576), MOST);
    }
}

//! CPU time and memory of processes of this machine, from `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

/// The state of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// What a process has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// The CPU time of the process and its children, also of those that have ended.
    pub cpu: Duration,
    /// The resident memory of the process and its children at present, in KiB.
    pub resident_kib: u64,
    /// The highest resident memory of the process itself since it started, in KiB.
    pub resident_max_kib: u64,
}

/// One line of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stat {
    name: String,
    parent: u32,
    /// The CPU time of the process and of its children that have ended, in ticks.
    ticks: u64,
}

impl Stat {
    fn parse(line: &str) -> Option<Self> {
        // The name is in parentheses, and may contain blanks and parentheses.
        let (name, rest) = line.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // Field 3 of proc(5) is the first here: the parent is field 4; utime, stime, cutime and cstime are 14 to 17.
        let times = fields.get(11..15)?;
        let ticks = times.iter().filter_map(|field| field.parse::<i64>().ok()).map(|field| field.max(0));
        let ticks = u64::try_from(ticks.sum::<i64>()).ok()?;
        Some(Self { name: name.to_owned(), parent: fields.get(1)?.parse().ok()?, ticks })
    }

    fn read(process: &str) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }
}

/// Returns the name of a process; `None` if it does not exist.
pub(crate) fn name(process: &str) -> Option<String> {
    Stat::read(process).map(|stat| stat.name)
}

/// Returns what a process and these children of it have used; `None` if it does not exist, or this machine has no `/proc`.
fn usage(process: &str, children: &[u32]) -> Option<Usage> {
    let stat = Stat::read(process)?;
    let (resident_kib, resident_max_kib) = memory(process)?;
    let mut usage = Usage { cpu: time(stat.ticks), resident_kib, resident_max_kib };
    for child in children {
        // It may have ended meanwhile.
        let child = child.to_string();
        let Some(stat) = Stat::read(&child) else { continue };
        usage.cpu += time(stat.ticks);
        usage.resident_kib += memory(&child).map_or(0, |(resident, _)| resident);
    }
    Some(usage)
}

/// Returns what the process that this program runs in has used: its CPU time, and its highest resident memory in KiB.
pub(crate) fn own_usage() -> (Duration, u64) {
    usage("self", &[]).map_or_else(Default::default, |usage| (usage.cpu, usage.resident_max_kib))
}

fn time(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / per_second))
}

/// Returns `VmRSS` and `VmHWM` of a process.
fn memory(process: &str) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    // A kernel thread and a process that is about to end have no memory.
    Some((kib_of(&status, "VmRSS:").unwrap_or(0), kib_of(&status, "VmHWM:").unwrap_or(0)))
}

fn kib_of(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The parent of each process.
struct Parents(Vec<(u32, u32)>);

impl Parents {
    /// Reads every process of the machine.
    fn read() -> Self {
        let parent = |pid: u32| Some((pid, Stat::read(&pid.to_string())?.parent));
        Self(all_processes().filter_map(parent).collect())
    }

    /// Returns the children of a process, their children, and so on.
    fn descendants(&self, process: u32) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut open = vec![process];
        while let Some(parent) = open.pop() {
            let children = self.0.iter().filter(|(pid, of)| *of == parent && !found.contains(pid));
            let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
            open.extend(&children);
            found.extend(children);
        }
        found
    }
}

fn all_processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns the processes of this machine that listen at this host and port; none if the host is another machine, or if they belong to
/// another user.
pub(crate) fn listeners(host: &str, port: u16) -> Vec<u32> {
    let is_local = (host, port)
        .to_socket_addrs()
        .is_ok_and(|mut addresses| addresses.any(|address| is_of_this_machine(address.ip())));
    if !is_local {
        return Vec::new();
    }
    let inodes: BTreeSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .flat_map(|table| inodes_listening_at(&table, port))
        .collect();
    if inodes.is_empty() { Vec::new() } else { owners(&inodes) }
}

fn is_of_this_machine(address: IpAddr) -> bool {
    // An address of a network card can be bound, one of another machine cannot.
    address.is_loopback() || std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// Returns the inodes of the sockets of a `/proc/net/tcp` that listen at a port.
fn inodes_listening_at(table: &str, port: u16) -> Vec<String> {
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let found = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        (found == port && *state == LISTENING).then(|| (*inode).to_owned())
    };
    table.lines().skip(1).filter_map(inode).collect()
}

/// Returns the processes that have one of these sockets open.
fn owners(inodes: &BTreeSet<String>) -> Vec<u32> {
    let owns = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| {
            let target = target.to_string_lossy();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            inode.is_some_and(|inode| inodes.contains(inode))
        })
    };
    let owners: Vec<u32> = all_processes().filter(owns).collect();
    let parents = Parents::read();
    // A child that inherited the socket is counted with its parent.
    let inherited: BTreeSet<u32> = owners.iter().flat_map(|pid| parents.descendants(*pid)).collect();
    owners.into_iter().filter(|pid| !inherited.contains(pid)).collect()
}

/// A process that takes part in a measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Participant {
    pub pid: u32,
    pub role: Role,
    pub name: String,
}

/// What a process does in a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The shop, or a part of it.
    Shop,
    /// The broker.
    Broker,
    /// A process that `--pid` names.
    Other,
}

/// Watches what processes use.
#[derive(Debug)]
pub(crate) struct Meter {
    participants: BTreeMap<u32, Watched>,
}

#[derive(Debug)]
struct Watched {
    participant: Participant,
    children: Vec<u32>,
    at_start: Usage,
    last: Usage,
    resident_max_kib: u64,
}

/// What a process used during a measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumption {
    pub participant: Participant,
    pub cpu: Duration,
    pub resident_max_kib: u64,
}

impl Meter {
    /// Starts to watch processes. Those that do not exist are left out.
    pub(crate) fn start(participants: impl IntoIterator<Item = Participant>) -> Self {
        let parents = Parents::read();
        let watched = participants.into_iter().filter_map(|participant| {
            let children = parents.descendants(participant.pid);
            let at_start = usage(&participant.pid.to_string(), &children)?;
            let resident_max_kib = at_start.resident_kib;
            let pid = participant.pid;
            Some((pid, Watched { participant, children, at_start, last: at_start, resident_max_kib }))
        });
        Self { participants: watched.collect() }
    }

    /// Reads what the processes and their children use at present. A process that has ended keeps its last values.
    pub(crate) fn read(&mut self) {
        for (pid, watched) in &mut self.participants {
            if let Some(usage) = usage(&pid.to_string(), &watched.children) {
                watched.last = usage;
                watched.resident_max_kib = watched.resident_max_kib.max(usage.resident_kib);
                // A peak between two reads.
                if usage.resident_max_kib > watched.at_start.resident_max_kib {
                    watched.resident_max_kib = watched.resident_max_kib.max(usage.resident_max_kib);
                }
            }
        }
    }

    /// Reads as [`Self::read`], and also children that were started meanwhile.
    pub(crate) fn read_all(&mut self) {
        let parents = Parents::read();
        for (pid, watched) in &mut self.participants {
            watched.children = parents.descendants(*pid);
        }
        self.read();
    }

    /// Returns what each process used from the start to the last read.
    pub(crate) fn consumed(&self) -> Vec<Consumption> {
        let consumed = |watched: &Watched| Consumption {
            participant: watched.participant.clone(),
            cpu: watched.last.cpu.saturating_sub(watched.at_start.cpu),
            resident_max_kib: watched.resident_max_kib,
        };
        let mut all: Vec<Consumption> = self.participants.values().map(consumed).collect();
        all.sort_by_key(|one| (one.participant.role, one.participant.pid));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_blanks_and_parentheses() {
        let line = "42 (a) (b c) S 7 42 42 0 -1 4194560 100 200 0 0 11 12 13 14 20 0 4 0 5 6 7";
        let expected = Stat { name: "a) (b c".to_owned(), parent: 7, ticks: 50 };
        assert_eq!(Stat::parse(line), Some(expected));
        for bad in ["", "42", "42 (a", "42 (a) S", "42 (a) S x 1 1 0 -1 4 1 2 0 0 1 1 1 1"] {
            assert_eq!(Stat::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn listening_sockets_are_found_by_their_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1\n\
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1\n\
            2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1\n";
        assert_eq!(inodes_listening_at(table, 8080), ["111"]);
    }

    #[test]
    fn the_listener_of_a_port_is_this_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listeners("127.0.0.1", port), [std::process::id()]);
        assert_eq!(listeners("192.0.2.1", port), [0_u32; 0], "an address of another machine");
    }

    #[test]
    fn what_a_child_used_counts_also_after_its_end() {
        let before = usage("self", &[]).unwrap();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("/bin/sh").args(["-c", script]).status().unwrap().success());
        let after = usage("self", &[]).unwrap();
        assert!(after.cpu > before.cpu, "{before:?} {after:?}");
        assert!(after.resident_kib > 0 && after.resident_max_kib >= after.resident_kib / 2);
    }

    #[test]
    fn a_process_that_has_ended_keeps_its_last_values() {
        let mut child = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        let participant = Participant { pid: child.id(), role: Role::Other, name: "sleep".to_owned() };
        let own = Participant { pid: std::process::id(), role: Role::Shop, name: String::new() };
        assert!(Parents::read().descendants(own.pid).contains(&child.id()));
        let mut meter = Meter::start([participant.clone()]);
        meter.read_all();
        child.kill().unwrap();
        child.wait().unwrap();
        meter.read();
        let consumed = meter.consumed();
        assert_eq!(consumed.len(), 1);
        assert!(consumed[0].participant == participant && consumed[0].resident_max_kib > 0);
        assert!(Meter::start([participant]).consumed().is_empty());
    }
}

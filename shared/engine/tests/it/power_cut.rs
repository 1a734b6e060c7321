//! Power cuts: the writes of a process to its files are recorded, and replayed up to a moment after which the power was off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workload;

const CUTS: usize = 200;
const TRANSACTIONS: usize = 1_600;

/// Disks write sectors; a page can be written in part.
const SECTOR: usize = 512;

/// One recorded operation on a file.
struct Entry<'a> {
    operation: u8,
    file: &'a str,
    offset: usize,
    data: &'a [u8],
}

fn entries(mut recording: &[u8]) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    while !recording.is_empty() {
        let number = |at: usize| u64::from_ne_bytes(recording[at..at + 8].try_into().unwrap()) as usize;
        let name = 2 + usize::from(recording[1]);
        let (offset, length) = (number(name), number(name + 8));
        let (entry, rest) = recording.split_at(name + 16 + length);
        let file = std::str::from_utf8(&entry[2..name]).unwrap();
        entries.push(Entry { operation: entry[0], file, offset, data: &entry[name + 16..] });
        recording = rest;
    }
    entries
}

/// A file: what is on the disk for certain, and the operations since.
#[derive(Default, Clone)]
struct Disk<'a> {
    synced: Vec<u8>,
    pending: Vec<(u8, usize, &'a [u8])>,
}

impl<'a> Disk<'a> {
    fn take(&mut self, entry: &Entry<'a>) {
        if entry.operation == b's' {
            for (operation, offset, data) in std::mem::take(&mut self.pending) {
                apply(&mut self.synced, operation, offset, data);
            }
        } else {
            self.pending.push((entry.operation, entry.offset, entry.data));
        }
    }

    /// Returns what is found after a power cut: any part of what was not synced may be missing.
    fn after_cut(&self, random: &mut fastrand::Rng) -> Vec<u8> {
        let mut found = self.synced.clone();
        // Either of the extremes, or something in between.
        let kept = [0.0, 0.5, 0.9, 1.0][random.usize(..4)];
        for (operation, offset, data) in &self.pending {
            if *operation == b't' {
                if random.f64() < kept {
                    apply(&mut found, *operation, *offset, data);
                }
                continue;
            }
            for (index, sector) in data.chunks(SECTOR).enumerate() {
                if random.f64() < kept {
                    apply(&mut found, *operation, offset + index * SECTOR, sector);
                }
            }
        }
        found
    }
}

fn apply(content: &mut Vec<u8>, operation: u8, offset: usize, data: &[u8]) {
    if operation == b't' {
        return content.resize(offset, 0);
    }
    if content.len() < offset + data.len() {
        content.resize(offset + data.len(), 0);
    }
    content[offset..offset + data.len()].copy_from_slice(data);
}

fn compile_recorder(folder: &Path) -> PathBuf {
    let library = folder.join("recorder.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/recorder.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-pthread", "-o"]).arg(&library).arg(source);
    assert!(compiler.status().expect("the C compiler that SQLite is built with").success());
    library
}

#[tokio::test]
async fn full_sync_loses_no_answered_write_in_200_power_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let (data, recording) = (folder.join("data"), folder.join("recording"));
    std::fs::create_dir(&data).unwrap();
    // The answers are in the recorded folder, so that their order among the writes is known.
    let mut process = workload::command(&data, &data.join("answers"), "full", TRANSACTIONS);
    process.env("LD_PRELOAD", compile_recorder(&folder));
    process.env("RECORDED_FOLDER", &data).env("RECORDING", &recording);
    assert!(process.status().unwrap().success());

    let recording = std::fs::read(&recording).unwrap();
    let entries = entries(&recording);
    let answers = entries.iter().filter(|entry| entry.file == "answers").count();
    assert_eq!(answers, TRANSACTIONS);
    let written =
        entries.iter().filter(|entry| entry.file == "orderflow.db" && entry.operation == b'w').count();
    assert!(written > 1_000, "the log was copied into the database: {written} writes");

    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cuts: Vec<usize> = (0..CUTS).map(|_| random.usize(..entries.len())).collect();
    cuts.sort_unstable();
    let mut files: BTreeMap<&str, Disk<'_>> = BTreeMap::new();
    let mut answered = String::new();
    let mut done = 0;
    for cut in cuts {
        for entry in &entries[done..cut] {
            match entry.file {
                "answers" => answered.push_str(std::str::from_utf8(entry.data).unwrap()),
                file if entry.operation == b'u' => drop(files.remove(file)),
                file => files.entry(file).or_default().take(entry),
            }
        }
        done = cut;
        let found = tempfile::tempdir().unwrap();
        for (name, disk) in &files {
            std::fs::write(found.path().join(name), disk.after_cut(&mut random)).unwrap();
        }
        workload::check(found.path(), &answered).await;
    }
}

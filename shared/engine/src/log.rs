//! Looks for damage of a database's write-ahead log.
//!
//! SQLite reads the log up to the first frame whose checksum is wrong, and takes it for the end: a process that ended while it wrote leaves such a
//! frame. Commits that follow it are dropped without an error, and overwritten later. This module finds them: each frame of the log carries the two
//! salts of the log's header, and the last frame of a commit says so. One commit after a wrong frame may be the one whose writing was interrupted, and
//! the checksums do not tell it from a damaged one. More commits were complete once.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;

/// What a log has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The number of the first frame that SQLite does not read, counted from 1; 0 if it is the header of the log.
    pub frame: u64,
    /// The number of commits that follow it.
    pub commits: u64,
}

struct Header {
    is_valid: bool,
    big_endian: bool,
    page: usize,
    salts: [u8; 8],
    checksum: [u32; 2],
}

/// Returns what the log lost after its first wrong frame; `None` if every commit in it can be read, or there is no log. Changes nothing. Only for
/// a log that no process writes.
pub(crate) fn lost(log: &Path) -> io::Result<Option<Lost>> {
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let Some(mut header) = read_header(&mut reader)? else { return Ok(None) };
    let (mut frame, mut wrong, mut commits) = (0, (!header.is_valid).then_some(0), 0);
    let mut content = vec![0; FRAME_HEADER + header.page];
    while read_whole(&mut reader, &mut content)? {
        frame += 1;
        if frame == 1 && !header.is_valid {
            // The salts of a damaged header may be wrong too. Those of the first frame are as good.
            header.salts.copy_from_slice(&content[8..16]);
        }
        let has_salts = content[8..16] == header.salts;
        if wrong.is_none() && !(has_salts && header.continues(&content)) {
            wrong = Some(frame);
        }
        // The frames of an earlier use of the file have other salts. The header of a frame is not zero only at the end of a commit.
        if wrong.is_some_and(|wrong| wrong < frame) && has_salts && number(&content[4..8]) > 0 {
            commits += 1;
        }
    }
    Ok(wrong.map(|frame| Lost { frame, commits }).filter(|lost| lost.commits > 0))
}

impl Header {
    /// Returns whether the frame's checksum is right, and continues with it.
    fn continues(&mut self, frame: &[u8]) -> bool {
        let sum = checksum(self.checksum, &frame[..8], self.big_endian);
        self.checksum = checksum(sum, &frame[FRAME_HEADER..], self.big_endian);
        self.checksum == [number(&frame[16..20]), number(&frame[20..24])]
    }
}

fn read_header(reader: &mut impl Read) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER];
    if !read_whole(reader, &mut bytes)? {
        return Ok(None);
    }
    let (magic, page) = (number(&bytes[..4]), number(&bytes[8..12]) as usize);
    let big_endian = magic & 1 == 1;
    let checksum = checksum([0, 0], &bytes[..24], big_endian);
    let is_valid = magic & !1 == MAGIC && checksum == [number(&bytes[24..28]), number(&bytes[28..32])];
    // The pages of a database have 512 to 65,536 bytes, and 4,096 by default.
    let page =
        if is_valid && page.is_power_of_two() && (512..=65_536).contains(&page) { page } else { 4_096 };
    let mut salts = [0; 8];
    salts.copy_from_slice(&bytes[16..24]);
    Ok(Some(Header { is_valid, big_endian, page, salts, checksum }))
}

/// Fills the buffer. Returns false if the file ends before.
fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Continues a checksum over a number of whole pairs of words, as SQLite's file format describes.
fn checksum([mut first, mut second]: [u32; 2], bytes: &[u8], big_endian: bool) -> [u32; 2] {
    let word = |word: &[u8]| if big_endian { number(word) } else { number(word).swap_bytes() };
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
    }
    [first, second]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rusqlite::Connection;

    use super::*;

    /// Returns the content of a log with this many commits of one frame each, after some that were folded into the database before.
    fn log(commits: u32) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("a.db");
        let writer = Connection::open(&database).unwrap();
        writer.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        writer.execute_batch("CREATE TABLE things (id INTEGER PRIMARY KEY, value)").unwrap();
        for id in 0..50 {
            writer.execute("INSERT INTO things VALUES (?1, 0)", [id]).unwrap();
        }
        writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        for commit in 1..=commits {
            writer.execute("UPDATE things SET value = ?1 WHERE id = 1", [commit]).unwrap();
        }
        let content = std::fs::read(directory.path().join("a.db-wal")).unwrap();
        drop(writer);
        let copy = directory.path().join("copy-wal");
        (directory, copy, content)
    }

    const FRAME: usize = FRAME_HEADER + 4096;

    #[test]
    fn commits_after_a_wrong_frame_are_found() {
        let (_directory, path, whole) = log(20);
        let lost_of = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            lost(&path).unwrap()
        };
        assert_eq!(lost_of(&whole), None);
        for (offset, length) in [(0, 1), (8, 4), (100, 1), (500, 3_000)] {
            let mut damaged = whole.clone();
            let from = HEADER + 7 * FRAME + offset;
            damaged[from..from + length].iter_mut().for_each(|byte| *byte ^= 0x5A);
            assert_eq!(lost_of(&damaged), Some(Lost { frame: 8, commits: 12 }), "{offset}");
        }
        let mut header = whole.clone();
        header[17] ^= 1;
        assert_eq!(lost_of(&header).map(|lost| (lost.frame, lost.commits >= 20)), Some((0, true)));
    }

    #[test]
    fn an_interrupted_write_is_no_damage() {
        let (_directory, path, whole) = log(20);
        let end = HEADER + 20 * FRAME;
        for cut in [end, end - 1, end - FRAME + 30, HEADER, 5, 0] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(lost(&path).unwrap(), None, "{cut}");
        }
        let mut torn = whole.clone();
        torn[end - 100..end].fill(0);
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(lost(&path).unwrap(), None);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(lost(&path).unwrap(), None);
    }
}

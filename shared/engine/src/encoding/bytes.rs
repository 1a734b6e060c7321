//! The tags of values, and lengths and integers of variable length.

pub(super) const INTEGER: u8 = 0;
pub(super) const DECIMAL: u8 = 1;
pub(super) const STRING: u8 = 2;
pub(super) const FALSE: u8 = 3;
pub(super) const TRUE: u8 = 4;
pub(super) const NULL: u8 = 5;
pub(super) const BINARY: u8 = 6;
pub(super) const MAP: u8 = 7;
pub(super) const LIST: u8 = 8;
pub(super) const STRING_SET: u8 = 9;
pub(super) const NUMBER_SET: u8 = 10;
pub(super) const BINARY_SET: u8 = 11;

/// Bytes that this module did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored item cannot be decoded: the database is damaged")]
pub(crate) struct Undecodable;

pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_varint(out, length as u64);
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Undecodable> {
    let (mut value, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = bytes.split_first().ok_or(Undecodable)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(Undecodable)?;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
        shift += 7;
    }
}

pub(super) fn take_sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Undecodable> {
    let length = usize::try_from(take_varint(bytes)?).map_err(|_| Undecodable)?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Undecodable)?;
    *bytes = rest;
    Ok(taken)
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, Undecodable> {
    std::str::from_utf8(bytes).map_err(|_| Undecodable)
}

pub(super) fn integer(rest: &mut &[u8]) -> Result<i64, Undecodable> {
    let zigzag = take_varint(rest)?;
    Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

//! Torn tail or damage? What stands behind the last sound line.
//!
//! A crash in the middle of a turn's one write can leave any part of that
//! turn: nothing of it was acknowledged, so it may be dropped. A record of a
//! later turn is only written once this one was durable: where one follows,
//! the broken line was acknowledged once, and dropping it would lose a sale.
//!
//! Pure: bytes in, a revision out.

use crate::ledger::file::record_codec::{RecordLine, claimed_checksum, decode};

/// The revision of a sound record in `bytes` whose turn began after revision `next`.
///
/// `bytes` begin where the record of revision `next` should stand; `chain` is
/// the checksum of the line before them. A line counts as sound when its
/// checksum fits the one that the line ahead of it claims to have.
pub fn first_record_of_a_later_turn(bytes: &[u8], chain: u32, next: u64) -> Option<u64> {
    let mut before = Some(chain);
    // Of the first line the text may be sound and only the checksum broken.
    let mut before_by_text = None;
    for (index, line) in bytes.split(|byte| matches!(byte, b'\n' | 0)).enumerate() {
        if line.is_empty() {
            continue;
        }
        for chain in [before, before_by_text].into_iter().flatten() {
            match decode::<RecordLine>(line, chain) {
                Ok((record, _)) if record.turn > next => return Some(record.revision),
                _ => {}
            }
        }
        before = claimed_checksum(line);
        before_by_text = match (index, line.get(9..)) {
            (0, Some(text)) => Some(crc32c::crc32c_append(chain, text)),
            _ => None,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Change, Record},
        ledger::file::record_codec::encode,
    };

    /// Three records from revision 5 on; `turns` says in which turn each was written.
    fn lines(turns: [u64; 3]) -> Vec<u8> {
        let (mut bytes, mut chain) = (Vec::new(), 7);
        for (revision, turn) in (5..).zip(turns) {
            let change = Change::Restocked { quantity: 1 };
            let record = Record { revision, at_ms: 0, remaining: revision, change, key: None };
            chain = encode(&RecordLine::of(record, turn), chain, &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn the_rest_of_a_torn_turn_is_no_later_turn() {
        let mut bytes = lines([5, 5, 5]);
        bytes[12] ^= 1;
        assert_eq!(first_record_of_a_later_turn(&bytes, 7, 5), None);
    }

    #[test]
    fn a_later_turn_behind_a_broken_line_is_found() {
        for place in 0..40 {
            let mut bytes = lines([5, 6, 7]);
            bytes[place] ^= 1;
            let found = first_record_of_a_later_turn(&bytes, 7, 5);
            assert!(found.is_some(), "byte {place}");
        }
    }

    #[test]
    fn a_later_turn_behind_zeros_is_found() {
        let mut bytes = lines([5, 6, 7]);
        bytes[..30].fill(0);
        assert!(first_record_of_a_later_turn(&bytes, 7, 5).is_some());
    }

    #[test]
    fn noise_is_no_record() {
        assert_eq!(first_record_of_a_later_turn(b"\n\n0 1\n\xff\xff 00000000 {}\n", 0, 1), None);
    }
}

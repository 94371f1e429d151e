//! Torn tail or damage? What stands behind the last sound line.
//!
//! A crash in the middle of a turn's one write can leave any part of that
//! turn: nothing of it was acknowledged, so it may be dropped. A record of a
//! later turn is only written once this one was durable: where one follows,
//! the broken line was acknowledged once, and dropping it would lose a sale.
//!
//! Pure: bytes in, a revision out.

use serde::Deserialize;

/// How the text of every record begins.
const BEGINNING: &[u8] = b"{\"revision\":";

/// What every record says, of whatever kind it is.
#[derive(Deserialize)]
struct AnyRecord {
    revision: u64,
    turn: u64,
}

/// The revision of a whole record in `bytes` whose turn began after revision `next`.
///
/// `bytes` begin where the record of revision `next` should stand. They were
/// zeros until records were written there, so what reads as a record was one;
/// its checksum does not matter, for the line that it is chained to may be the
/// broken one. A record also counts that a broken newline has joined to another.
pub fn first_record_of_a_later_turn(bytes: &[u8], next: u64) -> Option<u64> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | 0));
    let texts = lines.flat_map(|line| {
        let starts = line.windows(BEGINNING.len()).enumerate();
        starts.filter(|(_, text)| *text == BEGINNING).map(|(start, _)| &line[start..])
    });
    let mut records = texts.filter_map(|text| serde_json::from_slice::<AnyRecord>(text).ok());
    records.find(|record| record.turn > next).map(|record| record.revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Change, Record},
        ledger::format::record_line::encode_record,
    };

    /// Three records from revision 5 on; `turns` says in which turn each was written.
    fn lines(turns: [u64; 3]) -> Vec<u8> {
        let (mut bytes, mut chain) = (Vec::new(), 7);
        for (revision, turn) in (5..).zip(turns) {
            let change = Change::Restocked { quantity: 1 };
            let record = Record { revision, at_ms: 0, remaining: revision, change, key: None };
            chain = encode_record(&record, turn, chain, &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn the_rest_of_a_torn_turn_is_no_later_turn() {
        let mut bytes = lines([5, 5, 5]);
        bytes[12] ^= 1;
        assert_eq!(first_record_of_a_later_turn(&bytes, 5), None);
    }

    #[test]
    fn a_later_turn_behind_a_broken_line_is_found() {
        let sound = lines([5, 6, 7]);
        let first_line = 1 + sound.iter().position(|byte| *byte == b'\n').unwrap();
        for bit in 0..first_line * 8 {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let found = first_record_of_a_later_turn(&bytes, 5);
            assert!(found.is_some(), "bit {bit}");
        }
    }

    #[test]
    fn a_later_turn_behind_zeros_is_found() {
        let mut bytes = lines([5, 6, 7]);
        bytes[..30].fill(0);
        assert!(first_record_of_a_later_turn(&bytes, 5).is_some());
    }

    #[test]
    fn noise_is_no_record() {
        assert_eq!(first_record_of_a_later_turn(b"\n\n0 1\n\xff\xff 00000000 {}\n", 1), None);
    }

    #[test]
    fn a_later_turn_of_a_kind_that_is_not_known_yet_is_found() {
        let later = b"00000000 {\"revision\":6,\"turn\":6,\"at_ms\":0,\"count\":1,\"held\":{}}\n";
        assert_eq!(first_record_of_a_later_turn(later, 5), Some(6));
    }
}

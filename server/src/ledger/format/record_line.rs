//! The lines of a ledger: `crc32c json`, each checksum chained to the one before.
//!
//! The checksum of a line continues the checksum of the line ahead of it, so a
//! line that is taken out, moved or spliced in from elsewhere does not fit.
//!
//! Pure: bytes in, bytes out.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};

use crate::domain::{Change, Record};

/// The longest line, in bytes, newline included.
pub const LINE_BYTES_MAX: usize = 2048;

/// Eight hexadecimal digits and a space.
const CHECKSUM_BYTES: usize = 9;

/// A line that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The line does not begin with a checksum, or has no end.
    #[error("no whole line of the ledger")]
    Shape,
    /// The checksum does not fit the text and the line before it.
    #[error("the checksum does not fit")]
    Checksum,
    /// The checksum fits, but the text is no such object.
    #[error("{0}")]
    Text(String),
}

/// Appends the line of `value` to `out`, after a line whose checksum is `chain`; gives its own.
///
/// # Errors
/// [`LineFault::Text`] for what has no JSON form.
pub fn encode(value: &impl Serialize, chain: u32, out: &mut Vec<u8>) -> Result<u32, LineFault> {
    let start = out.len();
    out.extend_from_slice(b"00000000 ");
    let written = serde_json::to_writer(&mut *out, value);
    written.map_err(|error| LineFault::Text(error.to_string()))?;
    Ok(finish(chain, start, out))
}

/// Appends the line of `record`, written in the turn whose first revision is `turn`, to `out`, after
/// a line whose checksum is `chain`; gives its own.
///
/// What [`encode`] would write of a [`RecordLine`], without a copy of the record.
///
/// # Errors
/// [`LineFault::Text`] for what has no JSON form.
pub fn encode_record(
    record: &Record,
    turn: u64,
    chain: u32,
    out: &mut Vec<u8>,
) -> Result<u32, LineFault> {
    let start = out.len();
    out.extend_from_slice(b"00000000 ");
    let written = write_record(record, turn, out);
    written.map_err(|error| LineFault::Text(error.to_string()))?;
    Ok(finish(chain, start, out))
}

fn write_record(record: &Record, turn: u64, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let member = |name: &str, value: u64, out: &mut Vec<u8>| {
        out.extend_from_slice(name.as_bytes());
        serde_json::to_writer(out, &value)
    };
    let text = |name: &str, value: Option<&str>, out: &mut Vec<u8>| {
        let Some(value) = value else { return Ok(()) };
        out.extend_from_slice(name.as_bytes());
        serde_json::to_writer(out, value)
    };
    member("{\"revision\":", record.revision, out)?;
    member(",\"turn\":", turn, out)?;
    member(",\"at_ms\":", record.at_ms, out)?;
    member(",\"count\":", record.remaining, out)?;
    match &record.change {
        Change::Sold { first_ticket, quantity, buyer, hold } => {
            member(",\"sold\":{\"ticket\":", *first_ticket, out)?;
            member(",\"quantity\":", *quantity, out)?;
            text(",\"buyer\":", buyer.as_deref(), out)?;
            if let Some(hold) = hold {
                member(",\"hold\":", *hold, out)?;
            }
        }
        Change::Refused { quantity, buyer, seconds } => {
            member(",\"refused\":{\"quantity\":", *quantity, out)?;
            text(",\"buyer\":", buyer.as_deref(), out)?;
            if let Some(seconds) = seconds {
                member(",\"seconds\":", *seconds, out)?;
            }
        }
        Change::Held { quantity, expires_at_ms, buyer } => {
            member(",\"held\":{\"quantity\":", *quantity, out)?;
            member(",\"expires_at_ms\":", *expires_at_ms, out)?;
            text(",\"buyer\":", buyer.as_deref(), out)?;
        }
        Change::Released { hold, quantity } => {
            member(",\"released\":{\"hold\":", *hold, out)?;
            member(",\"quantity\":", *quantity, out)?;
        }
        Change::Lapsed { hold, quantity } => {
            member(",\"lapsed\":{\"hold\":", *hold, out)?;
            member(",\"quantity\":", *quantity, out)?;
        }
        Change::Refunded { sale, quantity } => {
            member(",\"refunded\":{\"sale\":", *sale, out)?;
            member(",\"quantity\":", *quantity, out)?;
        }
        Change::Admitted { sale, quantity } => {
            member(",\"admitted\":{\"sale\":", *sale, out)?;
            member(",\"quantity\":", *quantity, out)?;
        }
        Change::Restocked { quantity } => {
            member(",\"restocked\":{\"quantity\":", *quantity, out)?;
        }
        Change::SaleSet { is_open: true } => out.extend_from_slice(b",\"sale\":{\"open\":true"),
        Change::SaleSet { is_open: false } => out.extend_from_slice(b",\"sale\":{\"open\":false"),
        Change::Adjusted { sold } => member(",\"adjusted\":{\"sold\":", *sold, out)?,
        Change::Restored { epoch, sold } => {
            member(",\"restored\":{\"epoch\":", *epoch, out)?;
            member(",\"sold\":", *sold, out)?;
        }
    }
    out.push(b'}');
    text(",\"key\":", record.key.as_deref(), out)?;
    out.push(b'}');
    Ok(())
}

/// Puts its checksum in front of the line that begins at `start`, and a newline behind it.
fn finish(chain: u32, start: usize, out: &mut Vec<u8>) -> u32 {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let checksum = crc32c::crc32c_append(chain, &out[start + CHECKSUM_BYTES..]);
    for (place, digit) in out[start..].iter_mut().zip(0..8) {
        *place = DIGITS[(checksum >> (28 - 4 * digit)) as usize & 15];
    }
    out.push(b'\n');
    checksum
}

/// Reads a line, without its newline, that follows a line whose checksum is `chain`.
///
/// # Errors
/// [`LineFault`].
pub fn decode<T: DeserializeOwned>(line: &[u8], chain: u32) -> Result<(T, u32), LineFault> {
    let checksum = claimed_checksum(line).ok_or(LineFault::Shape)?;
    let text = &line[CHECKSUM_BYTES..];
    if crc32c::crc32c_append(chain, text) != checksum {
        return Err(LineFault::Checksum);
    }
    let value = serde_json::from_slice(text).map_err(|error| LineFault::Text(error.to_string()))?;
    Ok((value, checksum))
}

/// The checksum that a line says it has; `None` where it does not begin with one.
pub fn claimed_checksum(line: &[u8]) -> Option<u32> {
    let (digits, rest) = line.split_at_checked(CHECKSUM_BYTES - 1)?;
    let lower = digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digits = std::str::from_utf8(digits).ok().filter(|_| lower && rest.first() == Some(&b' '));
    u32::from_str_radix(digits?, 16).ok()
}

/// The lines with checksums that fit, so that a test or a fuzzer gets past them.
#[cfg(any(test, feature = "simulation"))]
pub fn with_fitting_checksums(bytes: &[u8]) -> Vec<u8> {
    let (mut lines, mut chain) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n").and_then(|line| line.split_at_checked(9)) {
            Some((_, text)) => {
                chain = crc32c::crc32c_append(chain, text);
                lines.extend_from_slice(format!("{chain:08x} ").as_bytes());
                lines.extend_from_slice(text);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    lines
}

/// A [`Record`] as it stands in a line, with the turn that it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLine {
    /// The record.
    pub record: Record,
    /// The first revision of the turn that wrote it: one write and one sync have them all.
    pub turn: u64,
}

impl RecordLine {
    /// The first version of the format that has such a line.
    pub fn version(&self) -> u32 {
        match &self.record.change {
            Change::Sold { hold: None, .. }
            | Change::Refused { seconds: None, .. }
            | Change::Restocked { .. }
            | Change::Adjusted { .. } => 1,
            _ => 2,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoldLine {
    ticket: u64,
    quantity: u64,
    buyer: Option<Box<str>>,
    hold: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedLine {
    quantity: u64,
    buyer: Option<Box<str>>,
    seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldLine {
    quantity: u64,
    expires_at_ms: u64,
    buyer: Option<Box<str>>,
}

/// The end of a hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    hold: u64,
    quantity: u64,
}

/// What became of a sale.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaleLine {
    sale: u64,
    quantity: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestockedLine {
    quantity: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenLine {
    open: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustedLine {
    sold: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoredLine {
    epoch: u64,
    sold: u64,
}

/// The change that stands as the next value of `map` behind the name `kind`, which is its tag.
fn change<'de, A: MapAccess<'de>>(kind: &str, map: &mut A) -> Result<Change, A::Error> {
    Ok(match kind {
        "sold" => {
            let SoldLine { ticket: first_ticket, quantity, buyer, hold } = map.next_value()?;
            Change::Sold { first_ticket, quantity, buyer, hold }
        }
        "refused" => {
            let RefusedLine { quantity, buyer, seconds } = map.next_value()?;
            Change::Refused { quantity, buyer, seconds }
        }
        "held" => {
            let HeldLine { quantity, expires_at_ms, buyer } = map.next_value()?;
            Change::Held { quantity, expires_at_ms, buyer }
        }
        "released" => {
            let EndLine { hold, quantity } = map.next_value()?;
            Change::Released { hold, quantity }
        }
        "lapsed" => {
            let EndLine { hold, quantity } = map.next_value()?;
            Change::Lapsed { hold, quantity }
        }
        "refunded" => {
            let SaleLine { sale, quantity } = map.next_value()?;
            Change::Refunded { sale, quantity }
        }
        "admitted" => {
            let SaleLine { sale, quantity } = map.next_value()?;
            Change::Admitted { sale, quantity }
        }
        "restocked" => {
            let RestockedLine { quantity } = map.next_value()?;
            Change::Restocked { quantity }
        }
        "sale" => {
            let OpenLine { open: is_open } = map.next_value()?;
            Change::SaleSet { is_open }
        }
        "adjusted" => {
            let AdjustedLine { sold } = map.next_value()?;
            Change::Adjusted { sold }
        }
        "restored" => {
            let RestoredLine { epoch, sold } = map.next_value()?;
            Change::Restored { epoch, sold }
        }
        unknown => return Err(A::Error::custom(format!("unknown member `{unknown}`"))),
    })
}

impl<'de> Deserialize<'de> for RecordLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordLineVisitor)
    }
}

struct RecordLineVisitor;

impl<'de> Visitor<'de> for RecordLineVisitor {
    type Value = RecordLine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record with exactly one change")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RecordLine, A::Error> {
        let (mut revision, mut turn, mut at_ms, mut count) = (None, None, None, None);
        let (mut change, mut key) = (None, None);
        while let Some(name) = map.next_key::<&str>()? {
            let was_there = match name {
                "revision" => revision.replace(map.next_value()?).is_some(),
                "turn" => turn.replace(map.next_value()?).is_some(),
                "at_ms" => at_ms.replace(map.next_value()?).is_some(),
                "count" => count.replace(map.next_value()?).is_some(),
                "key" => key.replace(map.next_value()?).is_some(),
                kind => change.replace(self::change(kind, &mut map)?).is_some(),
            };
            if was_there {
                return Err(A::Error::custom(format!("`{name}` is too much")));
            }
        }
        let missing = A::Error::missing_field;
        let record = Record {
            revision: revision.ok_or_else(|| missing("revision"))?,
            at_ms: at_ms.ok_or_else(|| missing("at_ms"))?,
            remaining: count.ok_or_else(|| missing("count"))?,
            change: change.ok_or_else(|| A::Error::custom("no change"))?,
            key,
        };
        Ok(RecordLine { record, turn: turn.ok_or_else(|| missing("turn"))? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sale() -> Record {
        let change = Change::Sold {
            first_ticket: 3,
            quantity: 1,
            buyer: Some("Ann \"A\"".into()),
            hold: None,
        };
        Record { revision: 3, at_ms: 1_795_470_000_000, remaining: 97, change, key: None }
    }

    #[test]
    fn the_line_of_a_sale_reads_like_this() {
        let mut line = Vec::new();
        encode_record(&sale(), 2, 7, &mut line).unwrap();
        let expected = "15c2a78d {\"revision\":3,\"turn\":2,\"at_ms\":1795470000000,\"count\":97,\
                        \"sold\":{\"ticket\":3,\"quantity\":1,\"buyer\":\"Ann \\\"A\\\"\"}}\n";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn a_line_fits_only_behind_the_line_before_it() {
        let mut line = Vec::new();
        let checksum = encode_record(&sale(), 3, 7, &mut line).unwrap();
        line.pop();
        let (decoded, chain) = decode::<RecordLine>(&line, 7).unwrap();
        assert_eq!((decoded.record, chain), (sale(), checksum));
        assert_eq!(decode::<RecordLine>(&line, 8), Err(LineFault::Checksum));
    }

    #[test]
    fn the_longest_record_fits_in_a_line() {
        let change = Change::Sold {
            first_ticket: u64::MAX,
            quantity: u64::MAX,
            buyer: Some("\u{1f600}".repeat(200).into()),
            hold: Some(u64::MAX),
        };
        let key = Some("\"".repeat(255).into());
        let (revision, at_ms, remaining) = (u64::MAX, u64::MAX, u64::MAX);
        let record = Record { revision, at_ms, remaining, change, key };
        let mut line = Vec::new();
        encode_record(&record, u64::MAX, 0, &mut line).unwrap();
        assert!(line.len() < LINE_BYTES_MAX, "{}", line.len());
    }

    fn any_change() -> impl Strategy<Value = Change> {
        let buyer = || prop::option::of("\\PC{1,9}").prop_map(|buyer| buyer.map(Box::from));
        let number = any::<u64>;
        let maybe = || prop::option::of(any::<u64>());
        prop_oneof![
            (number(), number(), buyer(), maybe()).prop_map(
                |(first_ticket, quantity, buyer, hold)| Change::Sold {
                    first_ticket,
                    quantity,
                    buyer,
                    hold
                }
            ),
            (number(), buyer(), maybe()).prop_map(|(quantity, buyer, seconds)| Change::Refused {
                quantity,
                buyer,
                seconds
            }),
            (number(), number(), buyer()).prop_map(|(quantity, expires_at_ms, buyer)| {
                Change::Held { quantity, expires_at_ms, buyer }
            }),
            (number(), number()).prop_map(|(hold, quantity)| Change::Released { hold, quantity }),
            (number(), number()).prop_map(|(hold, quantity)| Change::Lapsed { hold, quantity }),
            (number(), number()).prop_map(|(sale, quantity)| Change::Refunded { sale, quantity }),
            (number(), number()).prop_map(|(sale, quantity)| Change::Admitted { sale, quantity }),
            number().prop_map(|quantity| Change::Restocked { quantity }),
            any::<bool>().prop_map(|is_open| Change::SaleSet { is_open }),
            number().prop_map(|sold| Change::Adjusted { sold }),
            (number(), number()).prop_map(|(epoch, sold)| Change::Restored { epoch, sold }),
        ]
    }

    proptest! {
        #[test]
        fn a_record_reads_back_as_it_was_written(
            numbers in any::<[u64; 3]>(),
            turn in any::<u64>(),
            change in any_change(),
            key in prop::option::of("[ -~]{1,20}"),
            chain in any::<u32>(),
        ) {
            let [revision, at_ms, remaining] = numbers;
            let key = key.map(Box::from);
            let record = Record { revision, at_ms, remaining, change, key };
            let mut line = Vec::new();
            let checksum = encode_record(&record, turn, chain, &mut line).unwrap();
            prop_assert_eq!(line.pop(), Some(b'\n'));
            let (decoded, found) = decode::<RecordLine>(&line, chain).unwrap();
            prop_assert_eq!((found, decoded.turn), (checksum, turn));
            prop_assert_eq!(decoded.record, record);
        }

        #[test]
        fn every_flipped_bit_is_noticed(bit in 0..800_usize, chain in any::<u32>()) {
            let mut line = Vec::new();
            encode_record(&sale(), 3, chain, &mut line).unwrap();
            line.pop();
            let bit = bit % (line.len() * 8);
            line[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode::<RecordLine>(&line, chain).is_err());
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(line in prop::collection::vec(any::<u8>(), 0..99)) {
            prop_assert!(decode::<RecordLine>(&line, 0).is_err());
        }
    }
}

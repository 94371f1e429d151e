//! The first line of a segment: which counter it is of, and from where it goes on.

use serde::{Deserialize, Serialize};

use crate::domain::{COUNT_MAX, Inventory, Stock};

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Which counter a segment is of, and from where it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentHeader {
    /// The version of the format.
    pub ledger: u32,
    /// The counter's secret key, drawn at random when the ledger was made.
    #[serde(with = "hex_key")]
    pub key: [u8; 32],
    /// The checksum of the last line of the segment before; 0 in the first segment.
    pub after: u32,
    /// The revision ahead of the first record.
    pub revision: u64,
    /// What was left at that revision.
    pub count: u64,
    /// The ticket numbers given out by then.
    pub sold: u64,
    /// When that was, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl SegmentHeader {
    /// The header of a segment that goes on from `stock`, as it was last changed at `at_ms`, behind a
    /// line with checksum `after`.
    pub fn of(key: [u8; 32], after: u32, stock: Stock, at_ms: u64) -> Self {
        let Stock { remaining: count, sold, revision } = stock;
        Self { ledger: FORMAT_VERSION, key, after, revision, count, sold, at_ms }
    }

    /// Whether every number is one that an inventory can have.
    pub fn is_possible(&self) -> bool {
        [self.revision, self.count, self.sold, self.at_ms].iter().all(|number| *number <= COUNT_MAX)
    }

    /// The stock ahead of the first record.
    pub fn stock(&self) -> Stock {
        Stock { remaining: self.count, sold: self.sold, revision: self.revision }
    }

    /// The inventory ahead of the first record.
    pub fn inventory(&self) -> Inventory {
        let mut secret = [0; 16];
        secret.copy_from_slice(&self.key[..16]);
        Inventory::new(self.stock(), self.at_ms).with_secret(secret)
    }
}

/// A key as 64 hexadecimal digits.
mod hex_key {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        key: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        let digits = String::deserialize(deserializer)?;
        let mut key = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(D::Error::custom("the key is not 64 hexadecimal digits"));
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(D::Error::custom)?;
            *byte = u8::from_str_radix(pair, 16).map_err(D::Error::custom)?;
        }
        Ok(key)
    }
}

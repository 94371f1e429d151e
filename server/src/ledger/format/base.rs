//! From where records go on: which counter they are of, and what it had come to by then.

use serde::{Deserialize, Serialize};

use crate::domain::{COUNT_MAX, Inventory, Stock};

/// The version of the format that this program writes; it reads all up to it.
///
/// 1: sales, restocks, edits. 2: holds, refunds, admissions, closed sales, restored backups.
pub const FORMAT_VERSION: u32 = 2;

/// Which counter records are of, and from where they go on: the first line of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// The version of the format.
    pub ledger: u32,
    /// The counter's secret key, drawn at random when the ledger was made.
    #[serde(with = "hex_key")]
    pub key: [u8; 32],
    /// The checksum of the last line before; 0 where there is none.
    pub after: u32,
    /// The revision ahead of the first record.
    pub revision: u64,
    /// What was left at that revision.
    pub count: u64,
    /// The ticket numbers given out by then.
    pub sold: u64,
    /// When that was, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// What was held then; from version 2 on, as all that follows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: u64,
    /// The tickets refunded by then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded: u64,
    /// The tickets admitted by then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub admitted: u64,
    /// How many tickets there were; in version 1 those that were left or sold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub capacity: u64,
    /// Whether the sale was closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// Which life of the ledger it was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as `serde` calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Base {
    /// The base of records that go on from `stock`, as it was last changed at `at_ms`, behind a
    /// line with checksum `after`.
    pub fn of(key: [u8; 32], after: u32, stock: Stock, at_ms: u64) -> Self {
        let Stock { remaining: count, held, issued: sold, refunded, admitted, .. } = stock;
        let Stock { capacity, is_closed: closed, epoch, revision, .. } = stock;
        let ledger = FORMAT_VERSION;
        Self {
            ledger,
            key,
            after,
            revision,
            count,
            sold,
            at_ms,
            held,
            refunded,
            admitted,
            capacity,
            closed,
            epoch,
        }
    }

    /// Whether every number is one that an inventory can have.
    pub fn is_possible(&self) -> bool {
        let numbers = [self.revision, self.count, self.sold, self.at_ms, self.held];
        numbers.iter().all(|number| *number <= COUNT_MAX)
            && self.stock().is_conserved()
            && (self.ledger > 1 || self.stock() == Stock::new(self.count, self.sold, self.revision))
    }

    /// Whether this header follows where `due` would be written: in an older version, too.
    pub fn is_as(&self, due: &Self) -> bool {
        *self == Self { ledger: self.ledger, capacity: self.capacity, ..due.clone() }
            && self.stock() == due.stock()
    }

    /// The stock ahead of the first record.
    pub fn stock(&self) -> Stock {
        let start = Stock::new(self.count, self.sold, self.revision);
        let capacity = if self.ledger > 1 { self.capacity } else { start.capacity };
        let Self { held, refunded, admitted, closed: is_closed, epoch, .. } = *self;
        Stock { held, refunded, admitted, capacity, is_closed, epoch, ..start }
    }

    /// Whether an inventory can begin here, with nothing known of what was before: no hold is open, no
    /// sale is refunded or admitted, and the ledger is in its first life.
    pub fn is_beginning(&self) -> bool {
        (self.held, self.refunded, self.admitted, self.epoch) == (0, 0, 0, 0)
    }

    /// Whether nothing was before it: every ledger begins at revision 0, also one that was restored or imported.
    pub fn is_first(&self) -> bool {
        self.revision == 0 && self.is_beginning()
    }

    /// The inventory ahead of the first record.
    pub fn inventory(&self, names_max: usize) -> Inventory {
        Inventory::new(self.stock(), self.at_ms).with_names(self.names_secret(), names_max)
    }

    /// The secret by which requests are known again.
    pub fn names_secret(&self) -> [u8; 16] {
        let mut secret = [0; 16];
        secret.copy_from_slice(&self.key[..16]);
        secret
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

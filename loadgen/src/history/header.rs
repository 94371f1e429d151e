//! The first line of a history: what is known beside the operations.

use serde::{Deserialize, Serialize};

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The first line of a history. Members that it does not know are skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub history: u32,
    /// Tickets at the start; `None` where nobody knows.
    #[serde(default)]
    pub initial: Option<u64>,
    /// Ticket numbers that were given out before the start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sold: u64,
    /// The revision at the start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: u64,
    /// Tickets left once everybody had ended; `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// The revision once everybody had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_revision: Option<u64>,
    /// What ticket numbers promise.
    #[serde(default, skip_serializing_if = "Numbering::is_default")]
    pub numbering: Numbering,
    /// Which run this is of: parts of one history name the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Which clock its times are of; times of different clocks cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Operations that were done and are not here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unrecorded: u64,
    /// What people call it, such as the locking of a race.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Of a history that does not say what it began with.
impl Default for Header {
    fn default() -> Self {
        Self { initial: None, ..Self::new(0) }
    }
}

/// What the ticket numbers of a counter promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Numbering {
    /// They run 1, 2, 3, … in the order of sale.
    #[default]
    Consecutive,
    /// No number is given out twice; they say nothing of the order.
    Unique,
}

impl Numbering {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Header {
    /// The header of a history that began with `initial` tickets on a fresh counter.
    #[must_use]
    pub fn new(initial: u64) -> Self {
        Self {
            history: FORMAT_VERSION,
            initial: Some(initial),
            sold: 0,
            revision: 0,
            left: None,
            left_revision: None,
            numbering: Numbering::default(),
            run: None,
            clock: None,
            unrecorded: 0,
            label: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_line_of_the_contract() {
        let line = serde_json::to_string(&Header::new(100)).unwrap();
        assert_eq!(line, r#"{"history":1,"initial":100}"#);
        let read: Header = serde_json::from_str(r#"{"history":1,"initial":7,"more":[]}"#).unwrap();
        assert_eq!(read, Header::new(7));
    }
}

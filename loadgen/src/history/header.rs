//! The first line of a history: what is known beside the operations.

use serde::{Deserialize, Serialize};

use super::{
    numbers::{number, number_or_null, number_or_zero},
    operation::null_or,
};

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The first line of a history. Members that it does not know are skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    #[serde(deserialize_with = "number")]
    pub history: u32,
    /// Tickets at the start; `None` where nobody knows.
    #[serde(default, deserialize_with = "number_or_null")]
    pub initial: Option<i64>,
    /// The last ticket number that was given out before the start, 0 where there was none; `None`
    /// where nobody knows, as where a shop counts from 1001.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub sold: Option<u64>,
    /// The revision at the start; `None` where nobody knows.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Tickets that were put aside at the start; `None` where nobody knows.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    /// Tickets left once everybody had ended; `None` where nobody looked.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
    /// The revision once everybody had ended.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub left_revision: Option<u64>,
    /// Tickets that were still put aside then; `None` where nobody knows.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub left_held: Option<u64>,
    /// When that was looked at, in nanoseconds of the run's clock: whatever must have lapsed by then is no
    /// longer put aside. `None` where nobody knows.
    #[serde(default, deserialize_with = "number_or_null", skip_serializing_if = "Option::is_none")]
    pub ended_ns: Option<u64>,
    /// What ticket numbers promise.
    #[serde(default, deserialize_with = "null_or", skip_serializing_if = "Numbering::is_default")]
    pub numbering: Numbering,
    /// Whether the counts in the answers are those of the very instants at which they were decided;
    /// [`Header::counts_are_exact`] says what holds where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<CountTiming>,
    /// What revisions promise; [`Header::revisions_are_consecutive`] says what holds where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<Revisions>,
    /// Which run this is of: parts of one history name the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Which clock its times are of; times of different clocks cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Operations that were done and are not here.
    #[serde(default, deserialize_with = "number_or_zero", skip_serializing_if = "is_zero")]
    pub unrecorded: u64,
    /// What people call it, such as the locking of a race.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Of a history that does not say what it began with.
impl Default for Header {
    fn default() -> Self {
        Self {
            initial: None,
            sold: None,
            revision: None,
            counts: None,
            revisions: None,
            ..Self::new(0)
        }
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
    /// The same, but that one which was refunded may be sold again.
    Seats,
}

/// When the counts in the answers of a counter were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountTiming {
    /// In one with the decision.
    Exact,
    /// At some time: a moment later, or before, from a cache.
    Late,
}

/// What the revisions of a counter promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revisions {
    /// Each change of the count takes the next one, and nothing else takes any.
    Consecutive,
    /// Each change takes a higher one; other things may take some too.
    Increasing,
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
            initial: Some(signed(initial)),
            sold: Some(0),
            revision: Some(0),
            held: None,
            left: None,
            left_revision: None,
            left_held: None,
            ended_ns: None,
            numbering: Numbering::default(),
            counts: Some(CountTiming::Exact),
            revisions: None,
            run: None,
            clock: None,
            unrecorded: 0,
            label: None,
        }
    }
}

/// `count` as a history has it; no shop has more than fits.
#[must_use]
pub fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Header {
    /// Whether the counts in the answers are those of the very instants at which they were decided.
    ///
    /// Where nobody says, a counter that numbers its tickets in the order of sale is taken to be one
    /// that does, and any other is not.
    #[must_use]
    pub fn counts_are_exact(&self) -> bool {
        match self.counts {
            Some(timing) => timing == CountTiming::Exact,
            None => self.numbering == Numbering::Consecutive,
        }
    }

    /// Whether each change of the count takes the next revision.
    ///
    /// Where nobody says, as for [`Header::counts_are_exact`].
    #[must_use]
    pub fn revisions_are_consecutive(&self) -> bool {
        match self.revisions {
            Some(revisions) => revisions == Revisions::Consecutive,
            None => self.numbering == Numbering::Consecutive,
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
        assert_eq!(line, r#"{"history":1,"initial":100,"sold":0,"revision":0,"counts":"exact"}"#);
        let read: Header = serde_json::from_str(
            r#"{"history":1,"initial":7,"sold":0,"revision":0,"counts":"exact","more":[]}"#,
        )
        .unwrap();
        assert_eq!(read, Header::new(7));
    }

    #[test]
    fn numbers_may_be_written_as_floats() {
        let read = |text: &str| serde_json::from_str::<Header>(text).map_err(|_| ());
        let text = r#"{"history":1.0,"initial":7.0,"sold":0.0,"revision":0e0,"counts":"exact","unrecorded":0.0,"held":null}"#;
        assert_eq!(read(text), Ok(Header::new(7)));
        let said =
            |left: &str| read(&format!(r#"{{"history":1,"left":{left},"unrecorded":null}}"#));
        assert_eq!(said("-3.0").unwrap().left, Some(-3));
        for no_count in ["7.5", "1e300", "\"7\"", "18446744073709551616"] {
            assert!(said(no_count).is_err(), "{no_count}");
        }
    }
}

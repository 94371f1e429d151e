//! Operations as lines of JSON.

use serde::Serialize;

use super::{Operation, OperationKind, Outcome, scan::scan};

/// Why a line is no operation.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// No JSON, or not the fields of an operation.
    #[error("no operation: {0}")]
    Json(#[from] serde_json::Error),
    /// Something else than an object.
    #[error("no operation: not a JSON object")]
    NoObject,
    /// A return before the call.
    #[error("returned at {return_ns} ns, before its call at {call_ns} ns")]
    ReturnsBeforeCall {
        /// When the call was made.
        call_ns: u64,
        /// When the answer is said to have come.
        return_ns: u64,
    },
    /// A return time on an unknown outcome, or none on a known one.
    #[error("`return_ns` and the outcome `unknown` exclude each other, and one of them must be")]
    ReturnAgainstOutcome,
    /// An outcome that no such call can have.
    #[error("`{}` cannot end as `{}`", json_name(.op), json_name(.outcome))]
    OutcomeAgainstOp {
        /// What was asked for.
        op: OperationKind,
        /// How it is said to have ended.
        outcome: Outcome,
    },
    /// No server takes such a key.
    #[error("`key` is longer than {KEY_LENGTH_MAX} characters")]
    LongKey,
}

/// The longest idempotency key, in characters.
const KEY_LENGTH_MAX: usize = 255;

/// One operation as one line, without the line's end.
#[must_use]
pub fn encode(operation: &Operation) -> String {
    serde_json::to_string(operation).expect("an operation has string keys and plain values only")
}

/// The name of a unit variant in JSON.
fn json_name(variant: &impl Serialize) -> String {
    serde_json::to_string(variant).unwrap_or_default().replace('"', "")
}

/// Whether a call of `op` can have ended as `outcome`. What changes the count may be told as sold or as done, and who
/// confirms may be told that his hold is gone.
fn can_end(op: OperationKind, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Refused | Outcome::Unknown => true,
        Outcome::Found => op == OperationKind::Search,
        Outcome::Sold | Outcome::Done => op != OperationKind::Search,
        Outcome::SoldOut => {
            matches!(op, OperationKind::Buy | OperationKind::Hold | OperationKind::Confirm)
        }
    }
}

/// Reads one operation; members that it does not know are skipped.
///
/// # Errors
/// The line is no operation, or its times contradict each other or its outcome.
pub fn decode(line: &str) -> Result<Operation, LineError> {
    decode_bytes(line.as_bytes())
}

/// Reads one operation from bytes that need not be UTF-8; white space may follow.
pub(super) fn decode_bytes(line: &[u8]) -> Result<Operation, LineError> {
    let operation = match scan(line) {
        Some(operation) => operation,
        // `serde` would take a list for an object with its members in order.
        None if line.trim_ascii_start().first() != Some(&b'{') => return Err(LineError::NoObject),
        None => serde_json::from_slice(line)?,
    };
    if operation.key.as_ref().is_some_and(|key| key.chars().count() > KEY_LENGTH_MAX) {
        return Err(LineError::LongKey);
    }
    if operation.return_ns.is_none() != (operation.outcome == Outcome::Unknown) {
        return Err(LineError::ReturnAgainstOutcome);
    }
    let (op, outcome) = (operation.op, operation.outcome);
    if !can_end(op, outcome) {
        return Err(LineError::OutcomeAgainstOp { op, outcome });
    }
    match operation.return_ns {
        Some(return_ns) if return_ns < operation.call_ns => {
            Err(LineError::ReturnsBeforeCall { call_ns: operation.call_ns, return_ns })
        }
        _ => Ok(operation),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::{Answer, CriticalSection, Links, OperationKind, Ticket, Tickets};

    #[test]
    fn a_sale_is_the_line_of_the_contract() {
        let answer = Answer {
            tickets: Tickets::one(7),
            remaining: Some(93),
            revision: Some(7),
            ..Answer::new(Outcome::Sold)
        };
        let operation = Operation::buy(12, 1, 2, answer);
        assert_eq!(
            encode(&operation),
            concat!(
                r#"{"process":12,"op":"buy","quantity":1,"key":null,"call_ns":1,"return_ns":2,"#,
                r#""outcome":"sold","tickets":[7],"remaining":93,"revision":7}"#
            )
        );
    }

    #[test]
    fn an_unknown_outcome_has_no_return() {
        let operation = Operation::buy(1, 5, 9, Answer::unknown("gone"));
        assert!(encode(&operation).contains(r#""return_ns":null,"outcome":"unknown""#));
    }

    #[test]
    fn lines_that_contradict_themselves_are_refused() {
        let line = encode(&Operation::buy(1, 5, 9, Answer::new(Outcome::SoldOut)));
        assert!(decode(&line).is_ok());
        for (from, to) in [
            (r#""return_ns":9"#, r#""return_ns":4"#),
            (r#""return_ns":9"#, r#""return_ns":null"#),
            (r#""outcome":"sold_out""#, r#""outcome":"unknown""#),
            (r#""outcome":"sold_out""#, r#""outcome":"perhaps""#),
            (r#""process":1"#, r#""process":-1"#),
            ("}", ""),
            ("{", "["),
        ] {
            assert!(decode(&line.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_key_that_no_server_takes_is_refused() {
        let keyed = |length| {
            let buy = Operation::buy(1, 5, 9, Answer::new(Outcome::SoldOut));
            decode(&encode(&Operation { key: Some("ä".repeat(length)), ..buy }))
        };
        assert!(keyed(255).is_ok());
        assert!(matches!(keyed(256), Err(LineError::LongKey)));
    }

    prop_compose! {
        pub(in crate::history) fn any_operation()(
            process in any::<u32>(),
            (op, outcome) in (prop_oneof![
                Just(OperationKind::Buy), Just(OperationKind::Search), Just(OperationKind::Refund),
                Just(OperationKind::Hold), Just(OperationKind::Confirm),
                Just(OperationKind::Release), Just(OperationKind::Restock),
            ], prop_oneof![
                Just(Outcome::Sold), Just(Outcome::Found), Just(Outcome::SoldOut),
                Just(Outcome::Refused), Just(Outcome::Unknown), Just(Outcome::Done),
            ]).prop_filter("an outcome of its call", |(op, outcome)| can_end(*op, *outcome)),
            call_ns in any::<u32>(),
            took_ns in any::<u32>(),
            tickets in prop::collection::vec(prop_oneof![any::<u64>().prop_map(Ticket::Number), any::<String>().prop_map(|text| Ticket::named(&text))], 0..3),
            remaining in any::<Option<i64>>(),
            revision in any::<Option<u64>>(),
            key in prop_oneof![Just(None), "[a-z0-9 -]{0,9}".prop_map(Some), any::<Option<String>>()],
            section in any::<Option<(u32, u32)>>(),
            links in any::<Option<(Option<String>, Option<String>, Option<u32>, Option<u32>)>>(),
            turned_away in any::<bool>(),
        ) -> Operation {
            let tickets: Tickets = tickets.into_iter().collect();
            let section = section.map(|(read_ns, write_ns)| CriticalSection {
                read_ns: u64::from(read_ns),
                write_ns: u64::from(write_ns),
            });
            let answer =
                Answer { tickets, remaining, revision, section, ..Answer::new(outcome) };
            let call_ns = u64::from(call_ns);
            let operation = Operation::buy(process, call_ns, call_ns + u64::from(took_ns), answer);
            let links = links.map(|(hold, sale, from, by)| Links {
                hold: hold.map(Into::into),
                sale: sale.map(Into::into),
                lapses_from_ns: from.map(u64::from),
                lapses_by_ns: by.map(u64::from),
            });
            Operation { op, key, links: links.map(Box::new), turned_away, ..operation }
        }
    }

    proptest! {
        #[test]
        fn an_operation_survives_its_line(operation in any_operation()) {
            let line = encode(&operation);
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(decode(&line).unwrap(), operation);
        }
    }
}

//! The calls and answers of a history, one after the other, as Jepsen notes them. Pure.
//!
//! # Invariants
//! - Of what happened at one time, calls stand before answers: no order is claimed that nobody saw.
//! - A process has one open call at most. One whose call was never answered goes on under another
//!   number, as Jepsen has it.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::model::{Call, Model, Unspeakable};
use crate::history::{History, Operation, Outcome};

/// One call or one answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Event {
    r#type: &'static str,
    f: &'static str,
    value: Value,
    process: u64,
    /// Nanoseconds since the first call.
    time: u64,
    index: usize,
}

/// All events of a history.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// In their order.
    pub(super) events: Vec<Event>,
    /// How many operations that say nothing were left out.
    pub(super) left_out: usize,
}

/// Why a history cannot be told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TellError {
    /// An operation that the model has no words for.
    #[error("{place}: the model `{model}` cannot tell this operation: {reason}")]
    NoWords {
        /// Where it stands.
        place: String,
        /// The model.
        model: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// Two calls of one process at one time.
    #[error("{place}: process `{process}` calls before its last call is answered")]
    Overlap {
        /// Where the second stands.
        place: String,
        /// The process.
        process: u32,
    },
}

/// Tells `history`, which began with `initial` tickets, in the words of `model`.
///
/// # Errors
/// The model has no words for an operation, or a process has two open calls.
pub(super) fn tell(history: &History, model: Model, initial: u64) -> Result<Events, TellError> {
    let operations = &history.operations;
    let mut told = Vec::with_capacity(operations.len());
    let mut left_out = 0;
    for (place, operation) in operations.iter().enumerate() {
        match model.tell(operation, initial) {
            Ok(call) => told.push((place, operation, call)),
            Err(Unspeakable::Silent) => left_out += 1,
            Err(Unspeakable::NoWords(reason)) => {
                let (place, model) = (place_of(history, place), model.name());
                return Err(TellError::NoWords { place, model, reason });
            }
        }
    }
    let mut writer = Writer::new(operations);
    if let Some(call) = model.prologue(initial) {
        // By nobody who calls later.
        let process = writer.stride;
        writer.stride += 1;
        writer.put("invoke", &call, process, 0);
        writer.put("ok", &call, process, 0);
    }
    for (at, is_answer, told_at) in moments(&told) {
        let (place, operation, call) = &told[told_at];
        if is_answer {
            writer.answer(operation, told_at);
        } else {
            writer.call(operation, call, told_at, at).map_err(|Busy| TellError::Overlap {
                place: place_of(history, *place),
                process: operation.process,
            })?;
        }
    }
    writer.give_up_all();
    Ok(Events { events: writer.events, left_out })
}

fn place_of(history: &History, place: usize) -> String {
    match history.places.of(place) {
        Some((file, line)) => format!("{file}:{line}"),
        None => format!("operation {place}"),
    }
}

/// When something happens, whether it is an answer, and to which operation; in their order.
fn moments(told: &[(usize, &Operation, Call)]) -> Vec<(u64, bool, usize)> {
    let mut moments = Vec::with_capacity(2 * told.len());
    for (at, (_, operation, _)) in told.iter().enumerate() {
        moments.push((operation.call_ns, false, at));
        moments.extend(operation.return_ns.map(|return_ns| (return_ns, true, at)));
    }
    moments.sort_unstable();
    moments
}

/// A call that is not answered yet.
struct Open {
    told_at: usize,
    call: Call,
    outcome: Outcome,
    return_ns: Option<u64>,
}

/// The process has an open call.
struct Busy;

struct Writer {
    events: Vec<Event>,
    start_ns: u64,
    last_ns: u64,
    /// Between the number of a process and that under which it goes on.
    stride: u64,
    lives: HashMap<u32, u64>,
    open: HashMap<u32, Open>,
}

impl Writer {
    fn new(operations: &[Operation]) -> Self {
        let first = operations.iter().map(|operation| operation.call_ns).min();
        let processes = operations.iter().map(|operation| operation.process).max();
        Self {
            events: Vec::with_capacity(2 * operations.len()),
            start_ns: first.unwrap_or(0),
            last_ns: first.unwrap_or(0),
            stride: u64::from(processes.unwrap_or(0)) + 1,
            lives: HashMap::new(),
            open: HashMap::new(),
        }
    }

    fn put(&mut self, r#type: &'static str, call: &Call, process: u64, since_start_ns: u64) {
        let value = if r#type == "ok" { &call.answered } else { &call.asked };
        let (f, value, index) = (call.f, value.clone(), self.events.len());
        self.events.push(Event { r#type, f, value, process, time: since_start_ns, index });
    }

    fn put_at(&mut self, r#type: &'static str, call: &Call, process: u32, time_ns: u64) {
        self.last_ns = time_ns;
        let life = self.lives.get(&process).copied().unwrap_or(0);
        self.put(r#type, call, u64::from(process) + life * self.stride, time_ns - self.start_ns);
    }

    fn call(
        &mut self,
        operation: &Operation,
        call: &Call,
        told_at: usize,
        at: u64,
    ) -> Result<(), Busy> {
        if let Some(open) = self.open.remove(&operation.process) {
            match open.return_ns {
                // Answered at this very time: its own process saw the order.
                Some(return_ns) if return_ns == at => self.close(operation.process, &open, at),
                Some(_) => return Err(Busy),
                None => self.give_up(operation.process, &open),
            }
        }
        self.put_at("invoke", call, operation.process, at);
        let Operation { outcome, return_ns, .. } = *operation;
        let open = Open { told_at, call: call.clone(), outcome, return_ns };
        self.open.insert(operation.process, open);
        Ok(())
    }

    /// Answers the call, unless the next one of its process had that done already.
    fn answer(&mut self, operation: &Operation, told_at: usize) {
        let process = operation.process;
        if self.open.get(&process).is_some_and(|open| open.told_at == told_at)
            && let Some(open) = self.open.remove(&process)
        {
            let at = open.return_ns.unwrap_or(self.last_ns);
            self.close(process, &open, at);
        }
    }

    fn close(&mut self, process: u32, open: &Open, at: u64) {
        let r#type = if open.outcome == Outcome::Refused { "fail" } else { "ok" };
        self.put_at(r#type, &open.call, process, at);
    }

    /// It may have happened, and may still.
    fn give_up(&mut self, process: u32, open: &Open) {
        self.put_at("info", &open.call, process, self.last_ns);
        *self.lives.entry(process).or_default() += 1;
    }

    fn give_up_all(&mut self) {
        let mut open: Vec<(u32, Open)> = self.open.drain().collect();
        open.sort_unstable_by_key(|(process, _)| *process);
        for (process, open) in open {
            self.give_up(process, &open);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history::{Answer, Header, Tickets};

    fn answer(outcome: Outcome, remaining: Option<i64>) -> Answer {
        Answer { tickets: Tickets::default(), remaining, ..Answer::new(outcome) }
    }

    fn told(operations: Vec<Operation>, model: Model) -> Vec<(String, u64, u64)> {
        let events = tell(&History::new(Header::new(5), operations), model, 5).unwrap().events;
        assert!(events.iter().enumerate().all(|(at, event)| event.index == at));
        let short = |event: &Event| {
            let what = format!("{} {} {}", event.r#type, event.f, event.value);
            (what, event.process, event.time)
        };
        events.iter().map(short).collect()
    }

    #[test]
    fn calls_stand_before_answers_of_the_same_time() {
        let sold =
            |process, call, end| Operation::buy(process, call, end, answer(Outcome::Sold, Some(4)));
        let events = told(vec![sold(0, 10, 20), sold(1, 20, 30), sold(0, 20, 20)], Model::Counter);
        let expected = [
            ("invoke add 1", 0, 0),
            ("invoke add 1", 1, 10),
            ("ok add 1", 0, 10),
            ("invoke add 1", 0, 10),
            ("ok add 1", 0, 10),
            ("ok add 1", 1, 20),
        ];
        let expected = expected.map(|(what, process, time)| (what.to_owned(), process, time));
        assert_eq!(events, expected);
    }

    #[test]
    fn a_process_whose_call_was_lost_goes_on_under_another_number() {
        let operations = vec![
            Operation::buy(1, 10, 0, answer(Outcome::Unknown, None)),
            Operation::search(1, 30, 40, answer(Outcome::Found, Some(3))),
            Operation::buy(0, 35, 45, answer(Outcome::SoldOut, Some(0))),
            Operation::buy(0, 46, 47, answer(Outcome::Refused, None)),
        ];
        let events = told(operations, Model::Counter);
        let expected = [
            ("invoke add 1", 1, 0),
            ("info add 1", 1, 0),
            ("invoke read null", 3, 20),
            ("invoke read null", 0, 25),
            ("ok read 2", 3, 30),
            ("ok read 5", 0, 35),
            ("invoke add 1", 0, 36),
            ("fail add 1", 0, 37),
        ];
        let expected = expected.map(|(what, process, time)| (what.to_owned(), process, time));
        assert_eq!(events, expected);
    }

    #[test]
    fn registers_tell_a_sale_as_one_step() {
        let operations = || {
            vec![
                Operation::search(0, 0, 1, answer(Outcome::Found, Some(5))),
                Operation::buy(0, 2, 3, answer(Outcome::Sold, Some(4))),
            ]
        };
        let words = |model| {
            let told = told(operations(), model);
            told.into_iter().map(|(what, ..)| what).collect::<Vec<_>>()
        };
        assert_eq!(
            words(Model::CasRegister),
            [
                "invoke write 5",
                "ok write 5",
                "invoke read null",
                "ok read 5",
                "invoke cas [5,4]",
                "ok cas [5,4]"
            ]
        );
        assert_eq!(
            words(Model::RwRegister),
            [
                json!([["r", "sold", null]]),
                json!([["r", "sold", null]]),
                json!([["r", "sold", null], ["w", "sold", 1]]),
                json!([["r", "sold", null], ["w", "sold", 1]]),
            ]
            .iter()
            .zip(["invoke", "ok", "invoke", "ok"])
            .map(|(value, r#type)| format!("{type} txn {value}"))
            .collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_a_model_cannot_tell_is_refused_with_its_place() {
        let lost = vec![Operation::buy(1, 10, 0, answer(Outcome::Unknown, None))];
        let history = History::new(Header::new(5), lost);
        let error = tell(&history, Model::CasRegister, 5).unwrap_err();
        assert!(error.to_string().starts_with("operation 0: the model `cas-register`"), "{error}");
        let busy = |call, end| Operation::buy(1, call, end, answer(Outcome::Sold, Some(1)));
        let history = History::new(Header::new(5), vec![busy(1, 9), busy(2, 8)]);
        assert!(matches!(tell(&history, Model::Counter, 5), Err(TellError::Overlap { .. })));
    }
}

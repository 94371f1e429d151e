//! Operations on a ticket counter in the words of another judge's model. Pure.
//!
//! What cannot have changed the count is a read of it. A call that is left out of an export would be
//! missing to the other judge, so what a model has no words for is refused, except a read that says
//! nothing.

use serde_json::{Value, json};

use crate::history::{Operation, OperationKind, Outcome};

/// The models of other judges that a ticket counter can be told in; the names are elle-cli's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Model {
    /// Jepsen's counter: `add` what is sold, `read` what was sold so far
    Counter,
    /// Knossos' register: a sale is a `cas` from what was left to what is left
    CasRegister,
    /// Elle's register: a sale is a transaction that reads how many were sold and writes how many are
    RwRegister,
}

/// A call in the words of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// What is called.
    pub(super) f: &'static str,
    /// With what.
    pub(super) asked: Value,
    /// What it came back with.
    pub(super) answered: Value,
}

/// What a model has no words for: lower-case fragments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unspeakable {
    /// It says nothing and changes nothing, so it can be left out.
    Silent,
    /// The model cannot say it.
    NoWords(&'static str),
}

/// What `operation` did to the count.
enum Effect {
    /// Took so many.
    Took(u64),
    /// Gave back so many.
    Gave(u64),
    /// Nothing, and saw so many left.
    Saw(u64),
}

impl Model {
    /// The name on elle-cli's command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::CasRegister => "cas-register",
            Self::RwRegister => "rw-register",
        }
    }

    /// What must have happened before a history that begins with `initial` tickets.
    pub(super) fn prologue(self, initial: u64) -> Option<Call> {
        let write = Call { f: "write", asked: initial.into(), answered: initial.into() };
        (self == Self::CasRegister).then_some(write)
    }

    /// `operation` on a counter that began with `initial` tickets.
    pub(super) fn tell(self, operation: &Operation, initial: u64) -> Result<Call, Unspeakable> {
        let effect = effect(operation)?;
        match self {
            Self::Counter => counter(&effect, initial),
            Self::CasRegister => cas_register(&effect, operation),
            Self::RwRegister => rw_register(&effect, operation, initial),
        }
    }
}

fn effect(operation: &Operation) -> Result<Effect, Unspeakable> {
    let quantity = operation.quantity;
    let known = quantity.ok_or(Unspeakable::NoWords("no `quantity`"));
    match (operation.op, operation.outcome) {
        (OperationKind::Buy, Outcome::SoldOut) if quantity.unwrap_or(1) == 1 => {
            Ok(Effect::Saw(remaining(operation).unwrap_or(0)))
        }
        (OperationKind::Search, _) | (_, Outcome::SoldOut) => {
            remaining(operation).map(Effect::Saw).ok_or(Unspeakable::Silent)
        }
        (OperationKind::Buy, _) => Ok(Effect::Took(quantity.unwrap_or(1))),
        (OperationKind::Hold, _) => known.map(Effect::Took),
        (OperationKind::Release | OperationKind::Refund | OperationKind::Restock, _) => {
            known.map(Effect::Gave)
        }
        (OperationKind::Confirm, _) => {
            remaining(operation).map(Effect::Saw).ok_or(Unspeakable::Silent)
        }
    }
}

fn counter(effect: &Effect, initial: u64) -> Result<Call, Unspeakable> {
    match effect {
        Effect::Took(quantity) => {
            Ok(Call { f: "add", asked: json!(quantity), answered: json!(quantity) })
        }
        Effect::Saw(left) => {
            Ok(Call { f: "read", asked: Value::Null, answered: sold(*left, initial) })
        }
        Effect::Gave(_) => Err(Unspeakable::NoWords("nothing can be given back")),
    }
}

fn cas_register(effect: &Effect, operation: &Operation) -> Result<Call, Unspeakable> {
    if let Effect::Saw(left) = effect {
        return Ok(Call { f: "read", asked: Value::Null, answered: json!(left) });
    }
    let (before, after) = before_and_after(effect, operation)?;
    let change = json!([before, after]);
    Ok(Call { f: "cas", asked: change.clone(), answered: change })
}

fn rw_register(effect: &Effect, operation: &Operation, initial: u64) -> Result<Call, Unspeakable> {
    /// The one register.
    const KEY: &str = "sold";

    // What nobody has written yet is null to Elle.
    let read = |left: u64| if left == initial { Value::Null } else { sold(left, initial) };
    if let Effect::Saw(left) = effect {
        let (asked, answered) = (json!([["r", KEY, null]]), json!([["r", KEY, read(*left)]]));
        return Ok(Call { f: "txn", asked, answered });
    }
    if operation.outcome == Outcome::Refused {
        // Not even tried to write: the value may be another call's, and Elle would mix them up.
        let asked = json!([["r", KEY, null]]);
        return Ok(Call { f: "txn", asked: asked.clone(), answered: asked });
    }
    let (before, after) = before_and_after(effect, operation)?;
    let write = json!(["w", KEY, sold(after, initial)]);
    Ok(Call {
        f: "txn",
        asked: json!([["r", KEY, null], write]),
        answered: json!([["r", KEY, read(before)], write]),
    })
}

/// What was left, as the answer says; none of the models has a word for less than nothing.
fn remaining(operation: &Operation) -> Option<u64> {
    operation.remaining.and_then(|remaining| u64::try_from(remaining).ok())
}

/// How many were sold when `left` were left; below zero after a restock.
fn sold(left: u64, initial: u64) -> Value {
    json!(i128::from(initial) - i128::from(left))
}

/// What was left before and after a call that changed it. One that failed changed nothing: any pair
/// will do.
fn before_and_after(effect: &Effect, operation: &Operation) -> Result<(u64, u64), Unspeakable> {
    let after = match (remaining(operation), operation.outcome) {
        (Some(remaining), _) => remaining,
        (None, Outcome::Refused) => 0,
        (None, Outcome::Unknown) => {
            return Err(Unspeakable::NoWords("nobody knows what an unknown call changed"));
        }
        (None, _) => return Err(Unspeakable::NoWords("no `remaining`")),
    };
    let before = match effect {
        Effect::Took(quantity) => after.checked_add(*quantity),
        Effect::Gave(quantity) if operation.outcome == Outcome::Refused => Some(*quantity),
        Effect::Gave(quantity) => after.checked_sub(*quantity),
        Effect::Saw(left) => Some(*left),
    };
    Ok((before.ok_or(Unspeakable::NoWords("a `remaining` that cannot be"))?, after))
}

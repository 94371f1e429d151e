//! What one operation asked for and what it was told.

use crate::history::{Operation, OperationKind, Tickets};

/// What one request asked for and what it was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) op: OperationKind,
    /// `None` where neither the call nor the answer says.
    pub(super) quantity: Option<u64>,
    pub(super) tickets: &'a Tickets,
    pub(super) remaining: Option<u64>,
    /// Tickets that are put aside; only the end tells.
    pub(super) held: Option<u64>,
    pub(super) revision: Option<u64>,
}

/// What `operation` asked for and was told.
pub(super) fn told(operation: &Operation) -> Told<'_> {
    Told {
        op: operation.op,
        quantity: quantity(operation),
        tickets: &operation.tickets,
        remaining: counted(operation),
        held: None,
        revision: operation.revision,
    }
}

/// How many tickets `operation` is about, as far as its call or its answer says.
pub(super) fn quantity(operation: &Operation) -> Option<u64> {
    let told = (!operation.tickets.is_empty()).then_some(operation.tickets.len() as u64);
    operation.quantity.or(match operation.op {
        OperationKind::Buy | OperationKind::Hold | OperationKind::Restock => Some(1),
        OperationKind::Confirm => told,
        OperationKind::Search | OperationKind::Release | OperationKind::Refund => None,
    })
}

/// What makes one request of operations of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name<'a> {
    /// The hold or the sale that they are about.
    Token(&'a str),
    /// Their key.
    Key(&'a str),
}

/// What makes one request of operations; keys of different calls have nothing to do with each other.
pub(super) fn identity(operation: &Operation) -> Option<(OperationKind, Name<'_>)> {
    let token = match operation.op {
        OperationKind::Search => return None,
        OperationKind::Confirm | OperationKind::Release => operation.hold(),
        OperationKind::Refund => operation.sale(),
        OperationKind::Buy | OperationKind::Hold | OperationKind::Restock => None,
    };
    let key = || operation.key.as_deref().map(Name::Key);
    Some((operation.op, token.map(Name::Token).or_else(key)?))
}

/// Whether two calls under one name may be one request: who names no number repeats any.
pub(super) fn may_be_alike(quantity: Option<u64>, other: Option<u64>) -> bool {
    quantity.zip(other).is_none_or(|(quantity, other)| quantity == other)
}

/// How many were left, as the answer of `operation` says, unless that is below zero.
pub(super) fn counted(operation: &Operation) -> Option<u64> {
    operation.remaining.and_then(|remaining| u64::try_from(remaining).ok())
}

//! What a history says of the operations of a run.

use super::{entry::Begun, plan::WorkerPlan};
use crate::{
    history::{Answer, Links, Operation, OperationKind, Outcome},
    plan::{Action, Holds},
    shop::Order,
};

/// What is the same of all operations of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    run: u64,
    holds: Holds,
    /// How many tickets a purchase is of.
    quantity: u64,
    /// Whether each purchase has a key of its own.
    sends_keys: bool,
}

impl Terms {
    /// Those of `plan`.
    pub(crate) fn of(plan: &WorkerPlan) -> Self {
        Self {
            run: plan.run,
            holds: plan.plan.holds,
            quantity: plan.quantity(),
            sends_keys: plan.sends_keys(),
        }
    }

    /// What `client`, whose last sale was of `sold` tickets, has begun as `open` and was told: holds and sales are
    /// named by who made them, and no token stands there.
    pub(crate) fn operation(
        &self,
        client: u32,
        open: &Begun,
        sold: u64,
        (answered_ns, answer): (u64, Answer),
    ) -> Operation {
        let holds = &self.holds;
        let (op, quantity) = match open.action {
            Action::Buy => (OperationKind::Buy, Some(self.quantity)),
            Action::Search => (OperationKind::Search, None),
            Action::Hold => (OperationKind::Hold, Some(holds.quantity)),
            Action::Confirm => (OperationKind::Confirm, Some(holds.quantity)),
            Action::Release => (OperationKind::Release, Some(holds.quantity)),
            Action::Refund => (OperationKind::Refund, Some(sold)),
            // No client's: what it was of is known to nobody here.
            Action::Restock => (OperationKind::Restock, None),
        };
        let quantity = answer.quantity.or(quantity);
        let own = || Box::from(format!("{client}-{}", open.number));
        let about = || open.of.map(|of| Box::from(format!("{client}-{of}")));
        let sale = || (holds.refund > 0.0).then(own);
        let operation =
            Operation::of_kind((op, quantity), client, open.sent_ns, answered_ns, answer);
        let links = match open.action {
            Action::Search | Action::Restock => Links::default(),
            Action::Buy => Links { sale: sale(), ..Links::default() },
            Action::Hold if operation.outcome == Outcome::SoldOut => Links::default(),
            Action::Hold => Links::of_hold(own(), open.sent_ns, operation.return_ns, holds.seconds),
            Action::Confirm => Links { hold: about(), sale: sale(), ..Links::default() },
            Action::Release => Links { hold: about(), ..Links::default() },
            Action::Refund => Links { sale: about(), ..Links::default() },
        };
        let links = (links != Links::default()).then(|| Box::new(links));
        let has_key = self.sends_keys && matches!(open.action, Action::Buy | Action::Hold);
        let order = Order { run: self.run, client, number: open.number, token: "" };
        let key = has_key.then(|| order.to_string());
        Operation { links, key, ..operation }
    }
}

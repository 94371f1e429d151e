//! Holds and sales whose answers contradict each other, whatever the order was.

use super::{
    request::Requests,
    story::Teller,
    ties::Broken,
    verdict::{Violation, ViolationKind},
};
use crate::history::OperationKind;

/// Each of them, the kinds in this order: names that are there twice, holds that ended in two ways, more that
/// came back than there was, and confirms that came too late.
pub(super) fn broken(requests: &Requests<'_>) -> Vec<Violation> {
    let teller = Teller::new(requests);
    let mut violations: Vec<Violation> = Vec::new();
    for broken in &requests.ties.broken {
        let (kind, message, places) = match *broken {
            Broken::OneName(places) => {
                let message = "one hold, or one sale, was given to two requests".to_owned();
                (ViolationKind::DuplicateTicket, message, places)
            }
            Broken::BothEnds(places) => {
                let message = "one hold was confirmed and released".to_owned();
                (ViolationKind::NotLinearizable, message, places)
            }
            Broken::MoreThanMade { places, made, moved } => {
                let message = match requests.evidence.operations[places[1] as usize].op {
                    OperationKind::Confirm => {
                        format!("`{moved}` tickets were confirmed of a hold of `{made}`")
                    }
                    OperationKind::Release => {
                        format!("`{moved}` tickets were released of a hold of `{made}`")
                    }
                    _ => format!("`{moved}` tickets were refunded of a sale of `{made}`"),
                };
                (ViolationKind::NotLinearizable, message, places)
            }
            Broken::Late { places, late_ns } => {
                let late = late_ns / 1_000_000;
                let message = format!("a hold was confirmed {late} ms after it must have lapsed");
                (ViolationKind::NotLinearizable, message, places)
            }
        };
        if violations.iter().any(|other| other.message == message) {
            continue;
        }
        violations.push(Violation {
            kind,
            message,
            operations: places.map(|place| place as usize).to_vec(),
            story: teller.broken_hold(*broken, places),
            needs_whole: false,
        });
    }
    violations
}

//! What a history must be before a judgement of it can be "valid".
//!
//! - One open operation a process: two that were under way at once mean that a process number was
//!   used twice or that the clock is not one. An operation without an answer is given up when its
//!   process calls again: the judge leaves its effect open for ever all the same, and nothing rests
//!   on the number.
//! - A known start: how many tickets there were.
//! - One clock and complete files: whoever reads them says what they lack.
//!
//! Where one of these fails the verdict is at best unknown; a violation stays one.

use super::request::{Request, Requests};
use crate::history::{Operation, OperationKind};

/// Which assumptions fail, as lower-case fragments.
pub(super) fn doubts(requests: &Requests<'_>) -> Vec<String> {
    let evidence = &requests.evidence;
    let mut doubts = evidence.lacks.to_vec();
    if requests.known.initial.is_none() {
        doubts.push("how many tickets there were at the start is not known".to_owned());
    }
    if let Some(process) = busy_twice(evidence.operations) {
        doubts.push(format!("process `{process}` had two operations open at once"));
    }
    let bare = requests.list.iter().filter(|one| names_no_quantity(requests, one)).count();
    if bare > 0 {
        doubts.push(match bare {
            1 => "1 operation does not say how many tickets it moved".to_owned(),
            _ => format!("{bare} operations do not say how many tickets they moved"),
        });
    }
    doubts.extend(requests.doubts.iter().cloned());
    doubts
}

fn names_no_quantity(requests: &Requests<'_>, request: &Request) -> bool {
    let told = requests.told(request);
    told.op != OperationKind::Search && told.quantity.is_none()
}

/// A process with two answered operations that were under way at once.
fn busy_twice(operations: &[Operation]) -> Option<u32> {
    let most = operations.iter().map(|one| one.process as usize).max().unwrap_or(0);
    if most <= operations.len().saturating_mul(2) {
        let mut free = vec![0; most + 1];
        // Whoever records writes down each process in the order of its calls, so that one pass will do.
        let is_in_order = operations.iter().filter_map(span).all(|(process, call, ret)| {
            let free_at = &mut free[process as usize];
            std::mem::replace(free_at, ret) <= call
        });
        if is_in_order {
            return None;
        }
    }
    let mut spans: Vec<(u32, u64, u64)> = operations.iter().filter_map(span).collect();
    spans.sort_unstable();
    let twice = |pair: &&[(u32, u64, u64)]| pair[0].0 == pair[1].0 && pair[1].1 < pair[0].2;
    spans.windows(2).find(twice).map(|pair| pair[0].0)
}

fn span(operation: &Operation) -> Option<(u32, u64, u64)> {
    Some((operation.process, operation.call_ns, operation.return_ns?))
}

//! What one worker does: search once, buy once. The same in a process, a thread and a task.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::seat::{Report, Seat};
use crate::{
    duration,
    history::{Answer, Operation, monotonic_ns},
    target::{Address, Target},
};

/// What one worker is to do; travels to a worker process as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkerPlan {
    /// Its number, from 0.
    pub(crate) worker: u32,
    /// Where it buys.
    pub(crate) address: Address,
    /// How long it waits for an answer, in nanoseconds.
    pub(crate) timeout_ns: u64,
}

/// Does what `plan` says, on `seat`.
pub(crate) async fn take_turn(plan: WorkerPlan, mut seat: Seat) {
    let limit = Duration::from_nanos(plan.timeout_ns);
    let target = match Target::open(&plan.address).await {
        Ok(target) => target,
        Err(error) => return seat.say(Report::Note(error.to_string())),
    };
    seat.say(Report::Ready);
    if !seat.released().await {
        return;
    }
    let call_ns = monotonic_ns();
    let answer = within(limit, target.search()).await;
    note(&seat, "a search", &answer);
    let search = Operation::search(plan.worker, call_ns, monotonic_ns(), answer);
    seat.say(Report::Operation(search));

    let call_ns = monotonic_ns();
    let answer = within(limit, target.buy()).await;
    note(&seat, "a purchase", &answer);
    let buy = Operation::buy(plan.worker, call_ns, monotonic_ns(), answer);
    seat.say(Report::Operation(buy));
}

async fn within(limit: Duration, call: impl Future<Output = Answer>) -> Answer {
    timeout(limit, call).await.unwrap_or_else(|_| {
        Answer::unknown(format!("no answer within {}", duration::format(limit)))
    })
}

fn note(seat: &Seat, what: &str, answer: &Answer) {
    if let Some(reason) = &answer.reason {
        seat.say(Report::Note(format!("{what} failed: {reason}")));
    }
}

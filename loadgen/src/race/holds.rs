//! What is beside all else in a race for holds: how its workers ended, and when all holds are over.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use crate::{
    history::{Links, Operation, OperationKind, Outcome, monotonic_ns},
    plan::Holds,
    report::Held,
    shop::{HttpSession, Location, Shop, TlsConfigs, Waiting},
};

/// How long after the last hold must have lapsed its tickets are waited for.
const LATE: Duration = Duration::from_secs(1);

/// How often it is asked whether tickets are held, and how long for an answer.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOK_MAX: Duration = Duration::from_secs(5);

/// What is held in a race: one ticket by each worker, for so many seconds.
pub(super) fn terms(seconds: u64) -> Holds {
    Holds { quantity: 1, seconds, ..Holds::default() }
}

/// Tickets that the server at `url` says are held, and when it said so in nanoseconds of the run's clock: as
/// soon as there are none, or once all that were made so far must have lapsed. `None` where it does not say.
pub(super) async fn held_at_the_end(url: &str, holds: &Holds) -> Option<(u64, u64)> {
    let over = Duration::from_nanos(Links::lapse_ns(holds.seconds)) + LATE;
    let until = Instant::now() + over;
    let mut session = session(url).await?;
    loop {
        let stock = timeout(LOOK_MAX, session.stock()).await.ok()?.ok()?;
        let answered_ns = monotonic_ns();
        let held = stock.held?;
        if held == 0 || Instant::now() >= until {
            return Some((held, answered_ns));
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Whether the server at `url` says what is left.
pub(super) async fn is_told(url: &str) -> bool {
    let Some(mut session) = session(url).await else { return false };
    timeout(LOOK_MAX, session.stock()).await.is_ok_and(|stock| stock.is_ok())
}

async fn session(url: &str) -> Option<HttpSession> {
    let location = Location::parse(url).ok()?;
    let addresses = location.resolve().await.ok()?;
    let shop = Shop::new(&location, addresses, None);
    HttpSession::new(&shop, Waiting::Shared, &TlsConfigs::default()).ok()
}

/// How the workers ended, as `operations` say, and how many tickets are still held.
pub(super) fn ends(operations: &[Operation], held: Option<u64>) -> Held {
    // By worker, when it called last, and what came of that.
    let mut last: BTreeMap<u32, (u64, OperationKind, Outcome)> = BTreeMap::new();
    let mut made = 0;
    for one in operations.iter().filter(|one| one.op != OperationKind::Search) {
        made += u64::from(one.op == OperationKind::Hold && one.outcome == Outcome::Done);
        let known = last.entry(one.process).or_insert((one.call_ns, one.op, one.outcome));
        if known.0 <= one.call_ns {
            *known = (one.call_ns, one.op, one.outcome);
        }
    }
    let ended =
        |op, outcome| last.values().filter(|one| (one.1, one.2) == (op, outcome)).count() as u64;
    Held {
        holds: made,
        lapsed: ended(OperationKind::Hold, Outcome::Done),
        refused: ended(OperationKind::Hold, Outcome::SoldOut),
        held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Answer;

    #[test]
    fn each_worker_ended_in_one_way() {
        let one = |process, op, call_ns, outcome| {
            Operation::of_kind((op, Some(1)), process, call_ns, call_ns + 1, Answer::new(outcome))
        };
        let operations = [
            one(0, OperationKind::Confirm, 5, Outcome::Sold),
            one(0, OperationKind::Hold, 1, Outcome::Done),
            one(1, OperationKind::Hold, 1, Outcome::Done),
            one(2, OperationKind::Hold, 1, Outcome::SoldOut),
            one(2, OperationKind::Hold, 7, Outcome::SoldOut),
            one(3, OperationKind::Hold, 1, Outcome::SoldOut),
            one(3, OperationKind::Hold, 7, Outcome::Done),
            one(3, OperationKind::Confirm, 9, Outcome::Sold),
        ];
        let ends = ends(&operations, Some(0));
        assert_eq!((ends.holds, ends.lapsed, ends.refused, ends.held), (3, 1, 1, Some(0)));
    }
}

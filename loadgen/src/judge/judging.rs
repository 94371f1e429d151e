//! The judgement, from what must hold before anything else to the general search.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    alone::Alone,
    assumptions,
    budget::Budget,
    counting,
    counts::count,
    counts_told,
    elsewhere::Elsewhere,
    evidence::Evidence,
    explain::explain,
    finding::{Contradiction, Finding},
    holds_told,
    lacking::without_the_missing,
    put_aside::{PutAside, refused},
    request::{Known, NOBODY, Requests, Trusted},
    revisions_told,
    search::Search,
    start::starts,
    story::Teller,
    told::quantity,
    vacuity,
    verdict::{Judgement, Violation, ViolationKind},
    windows::Windows,
    witness::Witness,
};
use crate::history::{Operation, OperationKind, Outcome};

/// Judges `evidence`.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> Judgement {
    judge_within(evidence, Budget::default())
}

/// Judges `evidence`; a search that takes more than `budget` ends as unknown.
#[must_use]
pub fn judge_within(evidence: &Evidence<'_>, budget: Budget) -> Judgement {
    guarded(|| {
        let judgement = judged(evidence, budget);
        match evidence.lacks {
            [] => judgement,
            _ => without_the_missing(judgement, evidence),
        }
    })
}

/// For each operation of `evidence` the instant, in nanoseconds of the run's clock, at which it took
/// effect in an order that explains the answers, as early as possible; `None` where it never did or
/// has no place, and from the first contradiction on.
#[must_use]
pub fn order(evidence: &Evidence<'_>) -> Vec<Option<u64>> {
    catch_unwind(AssertUnwindSafe(|| instants(evidence, Budget::default())))
        .unwrap_or_else(|_| vec![None; evidence.operations.len()])
}

/// A judge that fails itself has decided nothing.
fn guarded(judge: impl FnOnce() -> Judgement) -> Judgement {
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| Judgement {
        doubts: vec!["the judge itself failed".to_owned()],
        ..Judgement::default()
    })
}

/// All is taken at its word first; where counts may be late or revisions may be taken by other things too,
/// and something is wrong, they only have to be possible.
fn judged(evidence: &Evidence<'_>, budget: Budget) -> Judgement {
    let mut trusted = Trusted::ALL;
    let mut judgement = judged_with(evidence, trusted, budget);
    if !judgement.violations.is_empty() {
        leave_out_what_others_did(&mut judgement, evidence, budget);
    }
    let was_wrong = !judgement.violations.is_empty();
    for less in Trusted::less(evidence.header).filter(|less| less.end || end_may_be_late(evidence))
    {
        let is_undecided = judgement.doubts.iter().any(|doubt| doubt == OUT_OF_BUDGET);
        if judgement.violations.is_empty() && !is_undecided {
            break;
        }
        trusted = less;
        judgement = judged_with(evidence, trusted, budget);
    }
    let mut notes = Vec::new();
    if trusted != Trusted::ALL {
        // Where counts may be late, so may be the end.
        let told = Trusted { end: evidence.header.counts_are_exact(), ..Trusted::ALL };
        let requests = Requests::collect(evidence, Known::of(evidence.header), told);
        if !trusted.counts {
            judgement.violations.extend(counts_told::impossible(&requests));
            let aside = PutAside::of(evidence.operations);
            let tells_count = evidence.operations.iter().any(|one| one.remaining.is_some());
            let is_refused = evidence.operations.iter().any(|one| aside.may_explain(one));
            notes.extend(tells_count.then_some(LATE));
            notes.extend(is_refused.then_some(ASIDE));
        }
        if !trusted.revisions {
            judgement.violations.extend(revisions_told::out_of_order(&requests));
            let tells_revision = evidence.operations.iter().any(|one| one.revision.is_some());
            notes.extend(tells_revision.then_some(SPARSE));
        }
    }
    judgement.violations.extend(counts_told::below_zero(evidence));
    if evidence.header.held.is_some_and(|held| held > 0) {
        doubt_what_holds_explain(&mut judgement);
    }
    if judgement.violations.is_empty() {
        if !trusted.end {
            judgement.doubts.push(doubt_of_the_end(evidence).to_owned());
        }
        if was_wrong {
            judgement.notes.extend(notes.into_iter().map(str::to_owned));
        }
        judgement.untried = vacuity::untried(evidence);
    }
    sort(&mut judgement.violations);
    judgement
}

/// Turns what changes that were made elsewhere, and changed no count, may explain into a doubt.
fn leave_out_what_others_did(judgement: &mut Judgement, evidence: &Evidence<'_>, budget: Budget) {
    let Some(elsewhere) = Elsewhere::find(evidence) else { return };
    let trusted = Trusted { elsewhere: elsewhere.changes, ..Trusted::ALL };
    let Judgement { violations: left, doubts, .. } = judged_with(evidence, trusted, budget);
    if doubts.iter().any(|doubt| doubt == OUT_OF_BUDGET) {
        // Nobody could tell: what was found without others stands.
        return;
    }
    if left.is_empty() {
        judgement.violations.clear();
        judgement.doubts.push(elsewhere.doubt());
        return;
    }
    let is_theirs = |one: &Violation| {
        one.kind == ViolationKind::Undersell && left.iter().all(|other| other.kind != one.kind)
    };
    if !judgement.violations.iter().all(is_theirs) {
        judgement.violations.retain(|one| !is_theirs(one));
    }
}

/// Holds from before the start lapse, and are confirmed by others, at times that nobody here knows.
fn doubt_what_holds_explain(judgement: &mut Judgement) {
    let may_be = |violation: &mut Violation| {
        !matches!(violation.kind, ViolationKind::DuplicateTicket | ViolationKind::AnsweredTwice)
    };
    let explicable: Vec<Violation> = judgement.violations.extract_if(.., may_be).collect();
    judgement.doubts.extend(explicable.into_iter().map(|violation| {
        format!("what was put aside before the start may explain that {}", violation.message)
    }));
}

/// Whether what was left at the end need not be what the sales leave: a count that is late can be of before them, and
/// of a lower one those may have the rest who were refused.
fn end_may_be_late(evidence: &Evidence<'_>) -> bool {
    let Some((left, lowest)) = end(evidence) else {
        // The revision of the end may be the one that is late.
        return true;
    };
    // What came back later is not in a count that was read before.
    let gives_back = evidence.operations.iter().any(|one| {
        matches!(one.op, OperationKind::Hold | OperationKind::Release | OperationKind::Refund)
    });
    let aside = refused(evidence.operations);
    let aside: i128 =
        aside.iter().filter(|one| one.has_no_end()).map(|one| i128::from(one.tickets)).sum();
    left > lowest || (gives_back && left == lowest) || (left < lowest && left + aside >= lowest)
}

/// Whether fewer were left at the end than all leave that can have been sold.
fn end_lacks_any(evidence: &Evidence<'_>) -> bool {
    end(evidence).is_some_and(|(left, lowest)| left < lowest)
}

/// What was left at the end, and what all leave that can have been taken by then.
fn end(evidence: &Evidence<'_>) -> Option<(i128, i128)> {
    let (initial, left) = evidence.header.initial.zip(evidence.header.left)?;
    let may_have_taken = |one: &&Operation| {
        matches!(one.op, OperationKind::Buy | OperationKind::Hold)
            && matches!(one.outcome, Outcome::Sold | Outcome::Done | Outcome::Unknown)
    };
    let taken = evidence.operations.iter().filter(may_have_taken);
    let taken: i128 = taken.map(|one| i128::from(quantity(one).unwrap_or(1))).sum();
    Some((i128::from(left), i128::from(initial) - taken))
}

/// Why it is not known what was left at the end.
fn doubt_of_the_end(evidence: &Evidence<'_>) -> &'static str {
    let header = evidence.header;
    if end_lacks_any(evidence) {
        LOW_END
    } else if header.left.is_some() && header.initial == header.left {
        STUCK_END
    } else {
        LATE_END
    }
}

const LOW_END: &str = "fewer were left at the end than the sales leave: the rest may have been put aside still for those \
                       who were refused";

const LATE_END: &str =
    "what was left at the end may have been read too early, for it does not fit the sales";

const STUCK_END: &str = "what was left at the end may have been read too early, for it is as many as at the start, and tickets \
                         were sold";

const LATE: &str = "counts were told late: no order of the sales explains them at the instants of \
                    the answers, and each may have been read at another moment";

const ASIDE: &str = "somebody was told sold out while others who were refused, or had no answer, may have had tickets put \
                     aside: no order explains it otherwise";

const SPARSE: &str = "revisions were taken by other things too: they do not number the sales one by one, \
                      and are an order of them";

/// Judges with each start that can be, where the history does not say what was before it.
fn judged_with(evidence: &Evidence<'_>, trusted: Trusted, budget: Budget) -> Judgement {
    let known = Known::of(evidence.header);
    if known.sold.is_some() && known.revision.is_some() {
        return judged_from(evidence, known, trusted, budget);
    }
    let starts = starts(&Requests::collect(evidence, known, trusted));
    let mut first = None;
    for start in &starts.likely {
        let judgement = judged_from(evidence, *start, trusted, budget);
        if judgement.violations.is_empty() {
            return judgement;
        }
        first.get_or_insert(judgement);
    }
    let mut judgement = first.unwrap_or_default();
    if !starts.are_all {
        let oversold = count(evidence).oversold > 0;
        let stands = |violation: &mut Violation| match violation.kind {
            ViolationKind::DuplicateTicket | ViolationKind::AnsweredTwice => false,
            ViolationKind::Oversell => !oversold,
            _ => true,
        };
        let explicable = judgement.violations.extract_if(.., stands).collect::<Vec<_>>();
        judgement.doubts.extend(explicable.into_iter().map(|violation| {
            format!("what was sold before the start may explain that {}", violation.message)
        }));
    }
    judgement
}

fn judged_from(
    evidence: &Evidence<'_>,
    known: Known,
    trusted: Trusted,
    mut budget: Budget,
) -> Judgement {
    let mut requests = Requests::collect(evidence, known, trusted);
    let mut doubts = assumptions::doubts(&requests);
    doubts.extend(vacuity::doubts(&requests));
    let mut violations = answered_twice(&mut requests);
    violations.extend(holds_told::broken(&requests));
    let mut found = Alone::new(&requests).contradiction().map(Finding::Contradiction);
    let (mut counted, mut is_whole) = (false, true);
    let has_open_changes = requests.has_open_changes();
    if found.is_none() {
        let list = std::mem::take(&mut requests.list);
        match Witness::find(&requests, list) {
            Ok(witness) => {
                found = Some(witness.check(&mut budget));
                is_whole = false;
            }
            Err(list) => {
                requests.list = list;
                violations.extend(counting::violations(&requests));
                counted = true;
            }
        }
    }
    let is_settled = found == Some(Finding::Linearizable)
        && known.initial.is_some()
        && requests.is_consecutive()
        && !has_open_changes;
    if !is_settled {
        if !is_whole {
            // The witness took the requests apart, to use no memory twice.
            requests = Requests::collect(evidence, known, trusted);
        }
        if !counted {
            violations.extend(counting::violations(&requests));
        }
    }
    let found = match found {
        Some(found) => found,
        None if violations.is_empty() => match Windows::find(&requests, &requests.list) {
            Some(windows) => windows.check(),
            None => Search::new(&requests, &requests.list).run(&mut budget).finding,
        },
        None => Finding::Linearizable,
    };
    match found {
        Finding::Linearizable => {}
        Finding::OutOfBudget => doubts.push(OUT_OF_BUDGET.to_owned()),
        Finding::Contradiction(contradiction) => {
            let (violation, is_open) = explain(&requests, &contradiction);
            // What needs everybody is worth telling only where nothing smaller is wrong.
            if is_open || violations.iter().all(|other| other.kind == violation.kind) {
                add(&mut violations, violation);
            }
        }
    }
    sort(&mut violations);
    if let Some(smaller) = violations.first().and_then(|first| smaller(&requests, first)) {
        add(&mut violations, smaller);
        sort(&mut violations);
    }
    Judgement { violations, doubts, ..Judgement::default() }
}

/// A part of `violation` that cannot be right either, whatever all others did.
fn smaller(requests: &Requests<'_>, violation: &Violation) -> Option<Violation> {
    let size = violation.operations.len();
    if !(2..=SHRUNK_MAX).contains(&size) || violation.kind == ViolationKind::AnsweredTwice {
        return None;
    }
    let places = violation.operations.iter().map(|place| u32::try_from(*place));
    let window: Vec<u32> = places.collect::<Result<_, _>>().ok()?;
    let (found, is_open) = explain(requests, &Contradiction::Stuck { window });
    (is_open && found.operations.len() < size).then_some(found)
}

/// Up to how many operations a counterexample of counting is tried for a smaller one in it.
const SHRUNK_MAX: usize = 24;

/// The fewest operations first; last what needs all of them.
fn sort(violations: &mut [Violation]) {
    violations.sort_by_key(|one| (one.operations.is_empty(), one.operations.len()));
}

const OUT_OF_BUDGET: &str =
    "an order was neither found nor excluded within the steps of the search";

/// Adds what the order shows, unless counting has shown the same.
fn add(violations: &mut Vec<Violation>, violation: Violation) {
    match violations.iter_mut().find(|other| other.kind == violation.kind) {
        Some(other) if other.operations.is_empty() => *other = violation,
        Some(other)
            if !violation.operations.is_empty()
                && violation.operations.len() < other.operations.len() =>
        {
            other.operations = violation.operations;
            other.story = violation.story;
            other.needs_whole = violation.needs_whole;
        }
        Some(_) => {}
        None => violations.push(violation),
    }
}

fn answered_twice(requests: &mut Requests<'_>) -> Vec<Violation> {
    let mut twice = std::mem::take(&mut requests.answered_twice);
    let count = twice.len();
    twice.truncate(1);
    for violation in &mut twice {
        if let [first, second] = violation.operations[..]
            && let (Ok(first), Ok(second)) = (u32::try_from(first), u32::try_from(second))
        {
            violation.story = Teller::new(requests).answered_twice([first, second]);
        }
        if count > 1 {
            violation.message = format!("{count} requests got two different answers each");
        }
    }
    twice
}

fn instants(evidence: &Evidence<'_>, mut budget: Budget) -> Vec<Option<u64>> {
    let known = Known::of(evidence.header);
    let mut requests = Requests::collect(evidence, known, Trusted::ALL);
    if let Some(start) = starts(&requests).likely.first() {
        requests.known = *start;
    }
    let list = std::mem::take(&mut requests.list);
    let list = match Witness::find(&requests, list) {
        Ok(witness) => return witness.instants(evidence.operations.len()),
        Err(list) => list,
    };
    if let Some(windows) = Windows::find(&requests, &list) {
        return windows.instants(evidence.operations.len());
    }
    let mut instants = vec![None; evidence.operations.len()];
    let mut reached = 0;
    for place in Search::new(&requests, &list).run(&mut budget).order {
        if place < NOBODY {
            let operation = &evidence.operations[place as usize];
            reached = reached.max(operation.call_ns);
            instants[place as usize] = Some(reached);
        }
    }
    instants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Verdict;

    #[test]
    fn a_judge_that_fails_is_unknown() {
        let judgement = guarded(|| panic!("planted"));
        assert_eq!(judgement.verdict(), Verdict::Unknown);
        assert_eq!(judgement.doubts, ["the judge itself failed"]);
    }
}

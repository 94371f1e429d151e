//! What happened, in words.

use crate::lab::{
    analysis::{cost::Cost, facts::Outcome},
    model::{
        program::{Lock, Step, Variant},
        setup::Setup,
    },
    workers::{
        stage::{Event, How},
        worker::Told,
    },
};
use crate::words::{counted, trimmed};

/// How many there are of what, as in `2 workers, 1 ticket`.
pub(crate) fn numbers(setup: Setup) -> String {
    let workers = counted(setup.workers, ("worker", "workers"));
    let tickets = counted(setup.tickets, ("ticket", "tickets"));
    format!("{workers}, {tickets}")
}

/// What `event` was, without who it happened to: a verb and what follows it.
pub(crate) fn deed(variant: Variant, event: &Event) -> String {
    let step = variant.lines()[event.line].step;
    match &event.how {
        How::Waits => format!("waits for {}", lock_name(step, event.worker)),
        How::Granted(_) => format!("has {} now", lock_name(step, event.worker)),
        How::Did(told) => {
            let did = did(step, event.worker, told);
            match ending(told) {
                Some(ending) => format!("{did} {ending}"),
                None => did,
            }
        }
    }
}

/// The same as a sentence.
pub(crate) fn sentence(variant: Variant, event: &Event) -> String {
    format!("Worker {} {}.", event.worker, deed(variant, event))
}

/// What `event` was, in as few words as a column has room for.
pub(crate) fn brief(variant: Variant, event: &Event) -> String {
    let step = variant.lines()[event.line].step;
    let told = match &event.how {
        How::Waits => return "waits for the lock".to_owned(),
        How::Granted(_) => return "has the lock now".to_owned(),
        How::Did(told) => told,
    };
    let count = told.count.unwrap_or_default();
    let ticket = told.ticket.unwrap_or_default();
    match step {
        Step::Open => "open".to_owned(),
        Step::Lock(_) => "lock".to_owned(),
        Step::Read => match told.broke.as_deref() {
            Some("") => "read: empty!".to_owned(),
            Some(_) => "read: torn!".to_owned(),
            None => format!("read: {count}"),
        },
        Step::Check if count > 0 => format!("check: {count} left"),
        Step::Check => "check: sold out".to_owned(),
        Step::Subtract => format!("take one off: {count}"),
        Step::Empty => "empty the file".to_owned(),
        Step::Write | Step::Rename => format!("write {count}: ticket {ticket}"),
        Step::Swap if told.swap_failed => "swap: too late".to_owned(),
        Step::Swap => format!("swap to {count}: ticket {ticket}"),
        Step::WriteNew => "write a new file".to_owned(),
        Step::Unlock(_) => "unlock".to_owned(),
        Step::Close => "close".to_owned(),
    }
}

/// What a lab came to, in as few words as a table has room for.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Right => "right",
        Outcome::Oversold => "oversold",
        Outcome::Broke => "a worker crashed",
        Outcome::Deadlock => "deadlock",
    }
}

/// What a lab that is over has cost, in a sentence.
pub(crate) fn cost(cost: &Cost) -> String {
    let steps = counted(cost.steps, ("step", "steps"));
    let unserved = cost.unserved() as u64;
    let mut told = match &cost.service {
        Some(service) => format!(
            "{steps}; half waited for {} of others at most, the longest for {}; out of turn {} %, fairness {}",
            counted(service.waited_p50, ("step", "steps")),
            service.waited_max,
            trimmed(service.out_of_turn * 100.0, 0),
            trimmed(service.fairness, 2)
        ),
        None => steps,
    };
    if unserved > 0 {
        told += &format!("; {} never served", counted(unserved, ("worker was", "workers were")));
    }
    told + "."
}

fn did(step: Step, worker: u8, told: &Told) -> String {
    let count = told.count.unwrap_or_default();
    let sold = || format!("ticket {} is sold", told.ticket.unwrap_or_default());
    match step {
        Step::Open => "opens the file".to_owned(),
        Step::Lock(_) => format!("has {}", lock_name(step, worker)),
        Step::Read => match told.broke.as_deref() {
            Some("") => "reads an empty file, which is no count,".to_owned(),
            Some(text) => format!("reads `{text}`, which is no count,"),
            None => format!("reads the count: {count}"),
        },
        Step::Check if count > 0 => format!("sees that {count} {} left", are(count)),
        Step::Check => "sees that none is left".to_owned(),
        Step::Subtract => format!("takes one off, in its own memory: {count}"),
        Step::Empty => "empties the file".to_owned(),
        Step::Write => format!("writes {count}: {}", sold()),
        Step::Swap if told.swap_failed => {
            "finds that the file has changed since, writes nothing, and will read again".to_owned()
        }
        Step::Swap => format!("finds the file as it was, and writes {count}: {}", sold()),
        Step::WriteNew => format!("writes {count} into a new file"),
        Step::Rename => format!("puts the new file in the place of db.txt: {}", sold()),
        Step::Unlock(_) => format!("gives back {}", lock_name(step, worker)),
        Step::Close => "closes the file".to_owned(),
    }
}

fn are(count: u32) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// How the program ended, where it has.
fn ending(told: &Told) -> Option<&'static str> {
    if told.next.is_some() {
        return None;
    }
    Some(match (&told.broke, told.ticket) {
        (Some(_), _) => "and crashes",
        (None, Some(_)) => "and has sold its ticket",
        (None, None) => "and tells its buyer: sold out",
    })
}

/// The lock that `worker` takes or gives back in `step`.
fn lock_name(step: Step, worker: u8) -> &'static str {
    let (Step::Lock(lock) | Step::Unlock(lock)) = step else { return "no lock" };
    let is_odd = worker % 2 == 1;
    match lock {
        Lock::Memory => "its mutex",
        Lock::Beside => "the lock on db.lock",
        Lock::First if !is_odd => "the lock on sales.txt",
        Lock::Second if is_odd => "the lock on sales.txt",
        Lock::Opened | Lock::First | Lock::Second => "the lock on db.txt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: u32) -> Told {
        Told { next: Some(1), count: Some(count), ..Told::default() }
    }

    fn event(line: usize, how: How) -> Event {
        Event { worker: 2, line, how }
    }

    #[test]
    fn every_step_is_told_with_what_came_of_it() {
        let says = |line, how| sentence(Variant::None, &event(line, how));
        assert_eq!(says(1, How::Did(told(3))), "Worker 2 reads the count: 3.");
        assert_eq!(says(2, How::Did(told(1))), "Worker 2 sees that 1 is left.");
        let sold = Told { ticket: Some(1), ..told(0) };
        assert_eq!(says(5, How::Did(sold)), "Worker 2 writes 0: ticket 1 is sold.");
        let broke = Told { next: None, broke: Some(String::new()), ..told(0) };
        let said = "Worker 2 reads an empty file, which is no count, and crashes.";
        assert_eq!(says(1, How::Did(broke)), said);
        let over = Told { next: None, ..told(0) };
        let said = "Worker 2 closes the file and tells its buyer: sold out.";
        assert_eq!(says(6, How::Did(over)), said);
    }

    #[test]
    fn a_wait_names_the_lock_that_the_worker_asks_for() {
        let says = |variant, line| sentence(variant, &event(line, How::Waits));
        assert_eq!(says(Variant::TwoLocks, 1), "Worker 2 waits for the lock on sales.txt.");
        assert_eq!(says(Variant::TwoLocks, 2), "Worker 2 waits for the lock on db.txt.");
        assert_eq!(says(Variant::LockFile, 0), "Worker 2 waits for the lock on db.lock.");
    }
}

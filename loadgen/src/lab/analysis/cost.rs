//! What each locking cost the workers of a lab, and whom, counted in steps. Pure.
//!
//! Whoever drives sets the pace, so seconds say nothing here. A worker comes with its first step and is served
//! when it reads the count that it decides by; it has waited for as many steps as others took in between. It is
//! what a race measures in seconds.

use serde::Serialize;

use crate::lab::{
    analysis::facts::{Facts, Outcome},
    model::{program::Step, setup::Setup},
    workers::stage::{Event, How},
};
use crate::waits::{Service, service};

/// What a lab that is over has cost.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) setup: Setup,
    pub(crate) outcome: Outcome,
    /// How many steps were taken.
    pub(crate) steps: usize,
    /// The workers that took a step, in the order in which they came.
    pub(crate) visits: Vec<Visit>,
    /// How those were served who were; `None` where they are fewer than two.
    pub(crate) service: Option<Service>,
}

/// A worker's way through the shop, in steps of all workers from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Visit {
    pub(crate) worker: u8,
    pub(crate) came: usize,
    /// When it read the count that it decided by; `None` where it never did.
    pub(crate) served: Option<usize>,
    /// Its last step so far.
    pub(crate) left: usize,
    /// How many steps others took between its first and its reading, or all that came behind.
    pub(crate) waited: usize,
}

impl Cost {
    /// What `events` have cost, which came to `facts`; `None` where it is not over.
    pub(crate) fn of(facts: &Facts, events: &[Event]) -> Option<Self> {
        let outcome = facts.result()?;
        let steps = steps(events);
        let count = steps.last().map_or(0, |(step, _)| *step);
        let mut visits: Vec<Visit> =
            facts.setup.numbers().filter_map(|worker| visit(facts.setup, worker, &steps)).collect();
        visits.sort_by_key(|visit| visit.came);
        let served: Vec<&Visit> = visits.iter().filter(|visit| visit.served.is_some()).collect();
        let waited: Vec<u64> = served.iter().map(|visit| visit.waited as u64).collect();
        let turns: Vec<u64> =
            served.iter().filter_map(|visit| visit.served).map(|step| step as u64).collect();
        let service = service(&waited, &turns);
        Some(Self { setup: facts.setup, outcome, steps: count, visits, service })
    }

    /// How many of those who came were never served.
    pub(crate) fn unserved(&self) -> usize {
        self.visits.iter().filter(|visit| visit.served.is_none()).count()
    }

    /// How many workers were served for every hundred steps of all.
    pub(crate) fn served_in_100(&self) -> f64 {
        let served = self.visits.len() - self.unserved();
        (served as f64 * 1000.0 / self.steps.max(1) as f64).round() / 10.0
    }
}

/// The events with the number of the step that each belongs to.
fn steps(events: &[Event]) -> Vec<(usize, &Event)> {
    let mut step = 0;
    let number = |event| {
        step += usize::from(Event::is_step(event));
        (step, event)
    };
    events.iter().map(number).collect()
}

fn visit(setup: Setup, worker: u8, steps: &[(usize, &Event)]) -> Option<Visit> {
    let own = || steps.iter().filter(|(_, event)| event.worker == worker);
    let (came, _) = *own().next()?;
    let (left, _) = *own().next_back()?;
    let has_read = |(_, event): &&(usize, &Event)| {
        let is_read = setup.variant.lines()[event.line].step == Step::Read;
        is_read && matches!(&event.how, How::Did(told) if told.broke.is_none())
    };
    let served = own().rfind(has_read).map(|(step, _)| *step);
    let until = served.unwrap_or(usize::MAX);
    let waited = steps.iter().filter(|(step, event)| {
        event.is_step() && event.worker != worker && (came..until).contains(step)
    });
    Some(Visit { worker, came, served, left, waited: waited.count() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{model::program::Variant, workers::worker::Told};

    const FLOCK: Setup = Setup { variant: Variant::Flock, workers: 2, tickets: 1 };

    fn line_of(setup: Setup, step: Step) -> usize {
        setup.variant.lines().iter().position(|line| line.step == step).unwrap()
    }

    fn did(worker: u8, line: usize) -> Event {
        Event { worker, line, how: How::Did(Told { next: Some(line + 1), ..Told::default() }) }
    }

    /// Worker 1 goes through, while worker 2 opens the file and waits for its lock.
    fn queue() -> Vec<Event> {
        let read = line_of(FLOCK, Step::Read);
        let mut events = vec![did(1, 0), did(1, 1), did(2, 0)];
        events.push(Event { worker: 2, line: 1, how: How::Waits });
        events.extend((read..FLOCK.variant.lines().len()).map(|line| did(1, line)));
        let granted = How::Granted(Told { next: Some(read), ..Told::default() });
        events.push(Event { worker: 2, line: 1, how: granted });
        events.extend((read..FLOCK.variant.lines().len()).map(|line| did(2, line)));
        events
    }

    fn over(events: &[Event]) -> Cost {
        let ended = Told::default();
        let told = [(&ended, false), (&ended, false)];
        let facts = Facts::gather(FLOCK, events, told.into_iter(), b"{\"count\": 0}");
        Cost::of(&facts, events).unwrap()
    }

    #[test]
    fn who_waits_for_a_lock_waits_for_the_steps_of_who_has_it() {
        let events = queue();
        let cost = over(&events);
        // A grant is no step of its own.
        assert_eq!(cost.steps, events.len() - 1);
        let [first, second] = cost.visits[..] else { panic!("{cost:?}") };
        assert_eq!((first.worker, first.came, first.waited), (1, 1, 2));
        let lines = FLOCK.variant.lines().len();
        assert_eq!((second.worker, second.came, second.waited), (2, 3, lines - 2));
        assert_eq!((second.served, second.left), (Some(lines + 3), cost.steps));
        let service = cost.service.unwrap();
        assert_eq!((service.waited_p50, service.waited_max), (2, lines as u64 - 2));
        assert_eq!((service.out_of_turn, service.overtaken_max), (0.0, 0));
    }

    #[test]
    fn who_is_never_served_is_told_as_that() {
        let read = line_of(FLOCK, Step::Read);
        let events = [did(2, 0), did(1, 0), did(1, 1), did(1, read)];
        let cost = over(&events);
        assert_eq!(
            (cost.visits[0].worker, cost.visits[0].served, cost.visits[0].waited),
            (2, None, 3)
        );
        assert_eq!((cost.visits[1].served, cost.service), (Some(4), None));
        assert_eq!(cost.served_in_100(), 25.0);
    }

    #[test]
    fn what_is_not_over_has_no_cost_yet() {
        let facts = crate::lab::analysis::facts::tests::nothing(FLOCK);
        assert_eq!(Cost::of(&facts, &[]), None);
    }
}

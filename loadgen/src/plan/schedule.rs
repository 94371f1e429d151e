//! A run's plan, and the operations of one client of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    arrivals::{Arrivals, Places, Stretch},
    holds::{Fate, Holds},
    profile::Profile,
    random::Random,
    work::{Action, Work},
};

/// When the operations are due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pace {
    /// As soon as the one before is answered.
    Closed,
    /// By the clock.
    Open {
        /// How many a second, over time; the warm-up is in it.
        profile: Profile,
        /// How they follow each other.
        arrivals: Arrivals,
    },
}

/// Clients that begin together, and the next ones only when all of these have ended: LoadRunner's rendezvous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waves {
    /// How many clients of a worker begin together; at least one.
    pub(crate) width: u32,
    /// How many sales are made one at a time before that.
    pub(crate) alone: u64,
}

/// What all clients of a run do together; travels to worker processes as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// How many clients there are; at least one.
    pub(crate) clients: u32,
    /// What the operations do.
    pub(crate) work: Work,
    /// When they are due.
    pub(crate) pace: Pace,
    /// Operations that are due before this are not counted, in nanoseconds from the start.
    pub(crate) warm_up_ns: u64,
    /// No operation is due from here on, in nanoseconds from the start.
    pub(crate) end_ns: Option<u64>,
    /// So many operations are counted, and no more.
    pub(crate) requests: Option<u64>,
    /// Whether a client ends as soon as it is told "sold out".
    pub(crate) until_sold_out: bool,
    /// How clients keep together in a closed loop; `None` where each goes on as soon as it is answered.
    pub(crate) waves: Option<Waves>,
    /// What is held, and what becomes of it.
    pub(crate) holds: Holds,
    /// What decides between a purchase and a search, and how Poisson arrivals fall.
    pub(crate) seed: u64,
}

/// One operation as it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) action: Action,
    /// When it is due, in nanoseconds from the start; in a closed loop, now.
    pub(crate) due_ns: u64,
    /// Whether it counts: those of the warm-up do not.
    pub(crate) is_counted: bool,
}

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This operation, as soon as it is due.
    Step(Step),
    /// Nothing: it has done its part.
    Over,
}

/// The operations of one client, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    plan: Plan,
    places: Option<Places>,
    random: Random,
    begun: u64,
    counted_left: u64,
}

impl Plan {
    /// The operations of client `client`, from 0.
    pub(crate) fn schedule(&self, client: u32) -> Schedule {
        let stream = u64::from(client) * 2;
        let places = match &self.pace {
            Pace::Closed => None,
            Pace::Open { profile, arrivals } => {
                let random = Random::new(self.seed, stream);
                let stretch = self.requests.map(|requests| {
                    let from = profile.count_before(Duration::from_nanos(self.warm_up_ns));
                    #[expect(clippy::cast_precision_loss, reason = "no run counts to 2^53")]
                    let to = from + requests as f64;
                    Stretch { from, to, places: self.share_of(client) }
                });
                Some(Places::new(*arrivals, (client, self.clients), stretch, random))
            }
        };
        Schedule {
            places,
            random: Random::new(self.seed, stream + 1),
            begun: 0,
            counted_left: self.share_of(client),
            plan: self.clone(),
        }
    }

    /// What `client` does with what it is given.
    pub(crate) fn fate(&self, client: u32) -> Fate {
        // The streams of schedules come in pairs from 0 on, so that this one is none of theirs.
        let stream = u64::from(client) | 1 << 40;
        Fate::new(self.holds, self.work, Random::new(self.seed, stream))
    }

    /// How many operations of `client` are counted in all, where they are due by the clock.
    pub(crate) fn counted(&self, client: u32) -> u64 {
        let mut schedule = self.schedule(client);
        let steps = std::iter::from_fn(|| match schedule.next(u64::MAX, None) {
            Next::Step(step) => Some(step),
            Next::Over => None,
        });
        steps.filter(|step| step.is_counted).fold(0, |counted, _| counted + 1)
    }

    /// How many counted operations are those of `client`: numbers below `requests` that leave the
    /// remainder `client`.
    fn share_of(&self, client: u32) -> u64 {
        let clients = u64::from(self.clients);
        self.requests
            .map_or(u64::MAX, |requests| (requests + clients - 1 - u64::from(client)) / clients)
    }
}

impl Schedule {
    /// What comes next, where it is `now_ns` since the start; `follow_up` instead of what would come
    /// else, where there is one.
    pub(crate) fn next(&mut self, now_ns: u64, follow_up: Option<Action>) -> Next {
        let Some(action) = follow_up.or_else(|| self.action()) else { return Next::Over };
        let Some(due_ns) = self.due_ns(now_ns) else { return Next::Over };
        let is_counted = due_ns >= self.plan.warm_up_ns;
        if self.plan.end_ns.is_some_and(|end_ns| due_ns >= end_ns)
            || (is_counted && self.counted_left == 0)
        {
            return Next::Over;
        }
        self.begun += 1;
        self.counted_left -= u64::from(is_counted);
        Next::Step(Step { action, due_ns, is_counted })
    }

    fn due_ns(&mut self, now_ns: u64) -> Option<u64> {
        match (&self.plan.pace, &mut self.places) {
            (Pace::Open { profile, .. }, Some(places)) => profile.due_ns(places.next()),
            _ => Some(now_ns),
        }
    }

    fn action(&mut self) -> Option<Action> {
        match self.plan.work {
            Work::SearchThenBuy => self.nth([Action::Search, Action::Buy]),
            Work::SearchThenHold => self.nth([Action::Search, Action::Hold]),
            Work::Mix { hold: 0, search: 0, .. } => Some(Action::Buy),
            Work::Mix { buy, hold, search } => {
                let [buy, hold, search] = [buy, hold, search].map(u64::from);
                let drawn = self.random.next() % (buy + hold + search);
                Some(if drawn < buy {
                    Action::Buy
                } else if drawn < buy + hold {
                    Action::Hold
                } else {
                    Action::Search
                })
            }
        }
    }

    /// Each of `actions` once.
    fn nth(&self, actions: [Action; 2]) -> Option<Action> {
        actions.get(usize::try_from(self.begun).unwrap_or(usize::MAX)).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn plan(pace: Pace) -> Plan {
        Plan {
            clients: 4,
            work: Work::Mix { buy: 1, hold: 0, search: 0 },
            pace,
            warm_up_ns: 0,
            end_ns: Some(10 * SECOND),
            requests: None,
            until_sold_out: false,
            waves: None,
            holds: Holds::default(),
            seed: 1,
        }
    }

    fn open(rate_rps: f64, arrivals: Arrivals) -> Pace {
        Pace::Open { profile: Profile::constant(rate_rps).unwrap(), arrivals }
    }

    /// All steps of all clients, where each begins its next at once.
    fn steps(plan: &Plan) -> Vec<Step> {
        let mut steps = Vec::new();
        for client in 0..plan.clients {
            let mut schedule = plan.schedule(client);
            while let Next::Step(step) = schedule.next(0, None) {
                steps.push(step);
            }
        }
        steps.sort_by_key(|step| step.due_ns);
        steps
    }

    #[test]
    fn the_clients_together_keep_the_rate() {
        let steps = steps(&plan(open(500.0, Arrivals::Constant)));
        let dues: Vec<u64> = steps.iter().map(|step| step.due_ns).collect();
        assert_eq!(dues, (0..5000).map(|k| k * 2_000_000).collect::<Vec<u64>>());
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_on_average() {
        let steps = steps(&plan(open(500.0, Arrivals::Poisson)));
        assert!((4700..5300).contains(&steps.len()), "{}", steps.len());
    }

    #[test]
    fn the_race_is_the_plan_search_once_buy_once() {
        let race = Plan { work: Work::SearchThenBuy, end_ns: None, ..plan(Pace::Closed) };
        let mut schedule = race.schedule(3);
        let step = |action, due_ns| Next::Step(Step { action, due_ns, is_counted: true });
        assert_eq!(schedule.next(5, None), step(Action::Search, 5));
        assert_eq!(schedule.next(9, None), step(Action::Buy, 9));
        assert_eq!(schedule.next(11, None), Next::Over);
    }

    #[test]
    fn a_follow_up_takes_the_place_of_another_operation() {
        let held = Plan {
            work: Work::Mix { buy: 0, hold: 1, search: 0 },
            requests: Some(8),
            ..plan(Pace::Closed)
        };
        let mut schedule = held.schedule(0);
        let mut next = |follow_up| match schedule.next(0, follow_up) {
            Next::Step(step) => Some(step.action),
            Next::Over => None,
        };
        assert_eq!(next(None), Some(Action::Hold));
        assert_eq!(next(Some(Action::Confirm)), Some(Action::Confirm));
        assert_eq!(next(Some(Action::Refund)), None);
    }

    #[test]
    fn what_is_due_in_the_warm_up_does_not_count() {
        let warm_up = Duration::from_secs(2);
        let profile = Profile::constant(100.0).unwrap().after_warm_up(warm_up);
        let pace = Pace::Open { profile, arrivals: Arrivals::Constant };
        let warm = Plan {
            warm_up_ns: 2 * SECOND,
            end_ns: Some(12 * SECOND),
            requests: Some(500),
            ..plan(pace)
        };
        let steps = steps(&warm);
        assert_eq!(steps.iter().filter(|step| !step.is_counted).count(), 200);
        assert_eq!(steps.iter().filter(|step| step.is_counted).count(), 500);
    }

    #[test]
    fn a_given_number_of_poisson_arrivals_keeps_its_rate() {
        let poisson = Plan {
            clients: 100,
            end_ns: None,
            requests: Some(1000),
            ..plan(open(1000.0, Arrivals::Poisson))
        };
        let steps = steps(&poisson);
        assert_eq!(steps.len(), 1000);
        assert!(steps.iter().all(|step| step.due_ns <= SECOND));
        assert_eq!((0..100).map(|client| poisson.counted(client)).sum::<u64>(), 1000);
    }

    #[test]
    fn a_closed_loop_ends_with_its_time() {
        let mut schedule = plan(Pace::Closed).schedule(0);
        assert!(matches!(schedule.next(10 * SECOND - 1, None), Next::Step(_)));
        assert_eq!(schedule.next(10 * SECOND, None), Next::Over);
    }

    #[test]
    fn a_mix_has_its_proportion_and_repeats() {
        let mixed = Plan {
            work: Work::Mix { buy: 1, hold: 0, search: 9 },
            ..plan(open(1000.0, Arrivals::Constant))
        };
        let first = steps(&mixed);
        let buys = first.iter().filter(|step| step.action == Action::Buy).count();
        assert!((850..1150).contains(&buys), "{buys}");
        assert_eq!(first, steps(&mixed));
        assert_ne!(first, steps(&Plan { seed: 2, ..mixed }));
    }

    proptest! {
        #[test]
        fn requests_are_dealt_out_to_the_last(requests in 0_u64..1000, clients in 1_u32..50) {
            let counted = Plan { clients, requests: Some(requests), ..plan(Pace::Closed) };
            prop_assert_eq!(steps(&counted).len() as u64, requests);
        }
    }
}

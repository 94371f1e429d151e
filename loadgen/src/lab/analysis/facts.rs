//! What has really happened in a lab so far, as missions and endings are judged by.

use crate::lab::{
    model::{content, setup::Setup},
    workers::{
        stage::{Event, How},
        worker::Told,
    },
};

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) setup: Setup,
    /// Each sale in the order in which it happened: the worker, and the number of the ticket.
    pub(crate) sales: Vec<(u8, u32)>,
    /// What `db.txt` says now; `None` where it holds no count.
    pub(crate) left: Option<u32>,
    /// What workers read that was no count.
    pub(crate) broken_reads: Vec<String>,
    /// How often a worker had to wait for a lock.
    pub(crate) waits: usize,
    pub(crate) failed_swaps: usize,
    /// How many workers have come to their end.
    pub(crate) ended: usize,
    /// Whether nobody can take a step any more.
    pub(crate) is_over: bool,
    pub(crate) is_deadlock: bool,
}

/// What a lab that is over came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every ticket that was sold was sold once, and the file says so.
    Right,
    /// More were sold than there were, or one was sold twice.
    Oversold,
    /// A worker crashed.
    Broke,
    Deadlock,
}

impl Outcome {
    /// Whether somebody was wronged, or nobody will ever be served.
    pub(crate) fn is_wrong(self) -> bool {
        self != Self::Right
    }
}

impl Facts {
    /// What `events` add up to, with `told` by each worker last, the number of those who `wait`, and
    /// the bytes of the `file`.
    pub(crate) fn gather<'a>(
        setup: Setup,
        events: &[Event],
        told: impl Iterator<Item = (&'a Told, bool)>,
        file: &[u8],
    ) -> Self {
        let mut facts = Self {
            setup,
            sales: Vec::new(),
            left: content::count(file),
            broken_reads: Vec::new(),
            waits: 0,
            failed_swaps: 0,
            ended: 0,
            is_over: false,
            is_deadlock: false,
        };
        for event in events {
            facts.add(event);
        }
        let (mut waiting, mut ready) = (0, 0);
        for (told, waits) in told {
            match (told.next, waits) {
                (Some(_), true) => waiting += 1,
                (Some(_), false) => ready += 1,
                (None, _) => facts.ended += 1,
            }
        }
        facts.is_over = ready == 0;
        facts.is_deadlock = ready == 0 && waiting > 0;
        facts
    }

    fn add(&mut self, event: &Event) {
        let line = &self.setup.variant.lines()[event.line];
        match &event.how {
            How::Waits => self.waits += 1,
            How::Granted(_) => {}
            How::Did(told) => {
                self.broken_reads.extend(told.broke.clone());
                self.failed_swaps += usize::from(told.swap_failed);
                if let (true, false, Some(ticket)) =
                    (line.step.is_sale(), told.swap_failed, told.ticket)
                {
                    self.sales.push((event.worker, ticket));
                }
            }
        }
    }

    /// Whether the sale at this `place` sold a ticket that was sold before.
    pub(crate) fn is_repeated(&self, place: usize) -> bool {
        let (_, ticket) = self.sales[place];
        self.sales[..place].iter().any(|(_, before)| *before == ticket)
    }

    /// Whether one ticket was sold twice.
    pub(crate) fn sold_twice(&self) -> bool {
        (0..self.sales.len()).any(|place| self.is_repeated(place))
    }

    /// What it came to, where it is over.
    pub(crate) fn result(&self) -> Option<Outcome> {
        if !self.is_over {
            return None;
        }
        Some(if self.sold_twice() || self.sales.len() > self.tickets() {
            Outcome::Oversold
        } else if !self.broken_reads.is_empty() {
            Outcome::Broke
        } else if self.is_deadlock {
            Outcome::Deadlock
        } else {
            Outcome::Right
        })
    }

    /// How many tickets there were.
    pub(crate) fn tickets(&self) -> usize {
        usize::try_from(self.setup.tickets).unwrap_or(usize::MAX)
    }

    /// What it came to, in a sentence.
    pub(crate) fn ending(&self) -> Option<String> {
        let (sold, tickets) = (self.sales.len(), self.tickets());
        let left = match self.left {
            Some(left) => format!("db.txt says {left}"),
            None => "db.txt holds no count".to_owned(),
        };
        let of = format!("{sold} sold of {tickets}, {left}");
        Some(match self.result()? {
            Outcome::Right => format!("Over: {of}. Nobody was wronged."),
            Outcome::Oversold if sold > tickets => format!("Over: {of}. Oversold!"),
            Outcome::Oversold => format!("Over: {of}. One ticket was sold twice!"),
            Outcome::Broke => format!("Over: {of}. A worker crashed: it read half a write."),
            Outcome::Deadlock => {
                format!("Deadlock: {of}, and all who are left wait for each other, for ever.")
            }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::lab::model::program::Variant;

    const SETUP: Setup = Setup { variant: Variant::None, workers: 2, tickets: 1 };

    /// Nothing has happened yet in a lab with `setup`.
    pub(crate) fn nothing(setup: Setup) -> Facts {
        let ready = Told { next: Some(0), ..Told::default() };
        let told = setup.numbers().map(|_| (&ready, false));
        Facts::gather(setup, &[], told, content::text(setup.tickets).as_bytes())
    }

    fn sale(worker: u8, ticket: u32) -> Event {
        let told = Told { next: Some(6), ticket: Some(ticket), ..Told::default() };
        Event { worker, line: 5, how: How::Did(told) }
    }

    #[test]
    fn what_it_came_to_is_known_when_nobody_can_go_on() {
        let over = Told::default();
        let ready = Told { next: Some(3), ..Told::default() };
        let gather = |events: &[Event], told: [(&Told, bool); 2], file: &str| {
            Facts::gather(SETUP, events, told.into_iter(), file.as_bytes())
        };
        let twice = [sale(1, 1), sale(2, 1)];
        let facts = gather(&twice, [(&over, false), (&over, false)], "{\"count\": 0}");
        assert_eq!(facts.result(), Some(Outcome::Oversold));
        assert_eq!(facts.ending().unwrap(), "Over: 2 sold of 1, db.txt says 0. Oversold!");
        assert!(!facts.is_repeated(0) && facts.is_repeated(1));

        let facts = gather(&twice[..1], [(&over, false), (&over, false)], "{\"count\": 0}");
        assert_eq!(facts.result(), Some(Outcome::Right));
        let facts = gather(&[], [(&ready, true), (&ready, true)], "");
        assert_eq!(facts.result(), Some(Outcome::Deadlock));
        assert!(facts.ending().unwrap().contains("db.txt holds no count"));
        let facts = gather(&[], [(&ready, true), (&ready, false)], "");
        assert_eq!((facts.result(), facts.ending()), (None, None));
    }

    #[test]
    fn a_swap_that_failed_sold_nothing() {
        let setup = Setup { variant: Variant::CompareAndSwap, ..SETUP };
        let told = Told { next: Some(1), swap_failed: true, ..Told::default() };
        let event = Event { worker: 1, line: 4, how: How::Did(told) };
        let facts = Facts::gather(setup, &[event], std::iter::empty(), b"");
        assert_eq!((facts.sales.len(), facts.failed_swaps), (0, 1));
    }
}

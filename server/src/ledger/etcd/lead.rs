//! Who goes first where several servers sell: a hint, and nothing rests on it.
//!
//! Servers that append at the same time lose all but one of their batches. So whoever
//! has appended last leads: it goes on for a while, the others wait, and their batches
//! grow. Then its head says that it *yields*, and it stands back until another has
//! come, or nobody did. Who waits comes as soon as the head says so, or where nothing
//! is heard for several times as long as an append takes, and at a random moment, since
//! others wait, too: the sooner the longer it has waited.
//!
//! Whoever leads has to know that others wait: who is late with each batch leaves word of it, and of how long a gap it
//! needs.
//!
//! Pure: time comes in as a value.

use std::time::{Duration, Instant};

use crate::ledger::{
    etcd::{hint::Heard, text::Wanted},
    late::{Asked, Late, RIVALS_FOR, SLICES_PER_GAP},
};

/// How long one leads while others wait.
const SLICE: Duration = Duration::from_millis(30);

/// How long one waits for others at most.
const PATIENCE: Duration = Duration::from_millis(250);

/// What an append is taken to last, at least and at most.
const APPEND: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(10));

/// After how many appends' time without a word the one who leads is taken to have stopped.
const QUIET: u32 = 4;

/// For how many appends' time one stands back, unless another asks for more.
const GAP: u32 = 6;

/// How long one leads at most while another asks for a long gap: those near by do not lose patience over it.
const SLICE_MAX: Duration = Duration::from_millis(200);

/// Who goes first, as one server sees it.
#[derive(Debug)]
pub(super) struct Lead {
    writer: String,
    dice: u64,
    rivals_at: Option<Instant>,
    /// Since when this one leads.
    since: Option<Instant>,
    /// When it began to stand back.
    yielded_at: Option<Instant>,
    /// Whether the head that is being written says so.
    is_yielding: bool,
    /// Since when it waits for others.
    waits_since: Option<Instant>,
    pub(super) late: Late,
    /// What others ask for.
    asked: Asked<String>,
    /// About how long an append takes.
    append: Duration,
}

/// What is to be done before a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Take it.
    Go,
    /// Wait so long, or until something newer is heard of, and ask again.
    Wait(Duration),
}

impl Lead {
    /// A server by the name `writer`; `dice` are random bits.
    pub(super) fn new(writer: &str, dice: u64) -> Self {
        Self {
            writer: writer.to_owned(),
            dice: dice | 1,
            rivals_at: None,
            since: None,
            yielded_at: None,
            is_yielding: false,
            waits_since: None,
            late: Late::default(),
            asked: Asked::default(),
            append: APPEND.0,
        }
    }

    /// Another has appended, or was faster.
    pub(super) fn heard_of_another(&mut self, now: Instant) {
        self.rivals_at = Some(now);
        (self.since, self.yielded_at, self.is_yielding) = (None, None, false);
    }

    /// What is to be asked for with what is sent now, should it be late.
    pub(super) fn asks(&mut self, now: Instant) -> Option<Wanted> {
        let needs = self.late.asks(now)?;
        let needs_ms = u64::try_from(needs.as_millis()).unwrap_or(u64::MAX);
        Some(Wanted { writer: self.writer.clone(), needs_ms })
    }

    /// Whether the head that is written now lets others go first.
    pub(super) fn yields(&mut self, now: Instant) -> bool {
        let slice = self.asked.needs(now).unwrap_or_default() * SLICES_PER_GAP;
        let slice = slice.clamp(SLICE, SLICE_MAX);
        let is_over = self.since.is_some_and(|since| now.duration_since(since) >= slice);
        self.is_yielding = is_over && self.has_rivals(now);
        self.is_yielding
    }

    /// It was written, which took so long.
    pub(super) fn won(&mut self, now: Instant, took: Duration) {
        self.append = ((self.append * 7 + took) / 8).clamp(APPEND.0, APPEND.1);
        self.since.get_or_insert(now);
        self.yielded_at = std::mem::take(&mut self.is_yielding).then_some(now);
    }

    /// What to do before a turn, after what was `heard`.
    pub(super) fn next(&mut self, now: Instant, heard: &Heard) -> Next {
        if let Some((wanted, at)) = &heard.wanted
            && wanted.writer != self.writer
        {
            let needs = Duration::from_millis(wanted.needs_ms);
            self.asked.note(wanted.writer.clone(), needs, *at);
            self.rivals_at = self.rivals_at.max(Some(*at));
        }
        let next = self.decide(now, heard);
        match next {
            Next::Go => {
                self.waits_since = None;
                self.late.begins(now);
            }
            Next::Wait(_) => {
                self.waits_since.get_or_insert_with(|| {
                    self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    now
                });
            }
        }
        next
    }

    fn decide(&mut self, now: Instant, heard: &Heard) -> Next {
        let Heard { head: Some(head), at: Some(at), .. } = heard else { return Next::Go };
        if !self.has_rivals(now) {
            return Next::Go;
        }
        let is_own = head.owner.as_ref().is_some_and(|owner| owner.writer == self.writer);
        // Whoever leads stands back for one who is farther off: so do the others.
        let is_for_another =
            head.yields && self.asked.needs(now).is_some() && !self.late.has_asked(now);
        let until = match (is_own, self.yielded_at) {
            (true, None) => now,
            (true, Some(yielded_at)) => yielded_at + self.gap(now),
            (false, _) if is_for_another => *at + self.gap(now) + self.jitter(now),
            (false, _) if head.yields => *at + self.jitter(now),
            (false, _) => *at + self.append * QUIET + self.jitter(now),
        };
        let patient_until = self.waits_since.unwrap_or(now) + PATIENCE;
        let until = if is_for_another { until } else { until.min(patient_until) };
        if now < until {
            return Next::Wait(until - now);
        }
        if is_own {
            // Nobody came, or nobody was to: it leads on, for a slice of its own.
            if self.yielded_at.take().is_some() {
                self.since = Some(now);
            }
        }
        Next::Go
    }

    /// For how long one stands back.
    fn gap(&self, now: Instant) -> Duration {
        self.asked.needs(now).unwrap_or_default().max(self.append * GAP)
    }

    fn has_rivals(&self, now: Instant) -> bool {
        self.rivals_at.is_some_and(|at| now.duration_since(at) < RIVALS_FOR)
    }

    /// Less than an append's time, and the less the longer one has waited.
    fn jitter(&self, now: Instant) -> Duration {
        let share = u32::try_from(self.dice >> 48).unwrap_or(0);
        let waited = self.waits_since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let patience = PATIENCE.saturating_sub(waited).as_secs_f64() / PATIENCE.as_secs_f64();
        (self.append * share / 65_536).mul_f64(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::etcd::text::{Head, Owner};

    const MS: Duration = Duration::from_millis(1);

    fn heard(writer: &str, yields: bool, at: Instant) -> Heard {
        let owner = Some(Owner { writer: writer.to_owned(), number: 0 });
        let head = Head { count: 1, sold: 1, revision: 1, chain: 0, owner, yields };
        Heard { head: Some(head), head_at: 1, at: Some(at), wanted: None }
    }

    #[test]
    fn alone_one_never_waits() {
        let (mut lead, now) = (Lead::new("a", 7), Instant::now());
        for ms in 0..1000 {
            let now = now + ms * MS;
            assert_eq!(lead.next(now, &heard("a", false, now)), Next::Go);
            assert!(!lead.yields(now));
            lead.won(now, MS);
        }
    }

    #[test]
    fn who_leads_goes_on_for_a_slice_and_stands_back_then() {
        let (mut lead, now) = (Lead::new("a", 7), Instant::now());
        lead.heard_of_another(now);
        lead.won(now, MS);
        assert!(!lead.yields(now + SLICE - MS));
        let now = now + SLICE;
        assert!(lead.yields(now));
        lead.won(now, MS);
        assert!(matches!(lead.next(now, &heard("a", true, now)), Next::Wait(_)));
        // Another has come: it is its turn.
        assert!(matches!(lead.next(now, &heard("b", false, now)), Next::Wait(_)));
        // Nobody has come: it leads on.
        assert_eq!(lead.next(now + GAP * MS, &heard("a", true, now)), Next::Go);
        assert!(!lead.yields(now + GAP * MS));
    }

    #[test]
    fn who_is_late_is_given_the_gap_that_it_needs() {
        let (mut leads, mut late, now) = (Lead::new("a", 7), Lead::new("b", 7), Instant::now());
        leads.won(now, MS);
        assert!(!leads.yields(now + SLICE), "it knows of nobody");
        assert_eq!(late.next(now, &heard("a", false, now)), Next::Go);
        (0..10).for_each(|_| late.late.was(true));
        let wanted = late.asks(now + 20 * MS).expect("it was late");
        assert_eq!(wanted, Wanted { writer: "b".to_owned(), needs_ms: 40 });

        let now = now + 100 * MS;
        let own = Heard { wanted: Some((wanted, now)), ..heard("a", true, now) };
        assert_eq!(leads.next(now, &own), Next::Go);
        assert!(leads.yields(now));
        leads.won(now, MS);
        assert!(matches!(leads.next(now + 39 * MS, &own), Next::Wait(_)));
        assert_eq!(leads.next(now + 40 * MS, &own), Next::Go);
        // Who asked takes the gap, and another one near by leaves it, too, whatever its patience.
        assert_eq!(late.next(now, &own), Next::Go);
        let mut near = Lead::new("c", 7);
        near.heard_of_another(now);
        assert!(matches!(near.next(now - 240 * MS, &heard("a", false, now)), Next::Wait(_)));
        assert!(matches!(near.next(now + 39 * MS, &own), Next::Wait(_)));
        assert_eq!(near.next(now + 41 * MS, &own), Next::Go);
        // A slice is as long as two gaps then, and as ever once nobody asks.
        leads.won(now + 41 * MS, MS);
        assert!(!leads.yields(now + 119 * MS) && leads.yields(now + 120 * MS));
        leads.heard_of_another(now + RIVALS_FOR);
        leads.won(now + RIVALS_FOR, 10 * MS);
        assert!(leads.yields(now + RIVALS_FOR + SLICE), "however long appends take");
    }

    #[test]
    fn what_one_asks_for_itself_is_nothing_to_it() {
        let (mut lead, now) = (Lead::new("a", 7), Instant::now());
        let wanted = Wanted { writer: "a".to_owned(), needs_ms: 40 };
        let own = Heard { wanted: Some((wanted, now)), ..heard("b", false, now) };
        assert_eq!(lead.next(now, &own), Next::Go, "it knows of no rival");
        assert_eq!(lead.asked.needs(now), None);
    }

    #[test]
    fn who_waits_comes_when_the_other_yields_is_silent_or_goes_on_for_ever() {
        let (mut lead, now) = (Lead::new("a", 7), Instant::now());
        lead.heard_of_another(now);
        assert!(matches!(lead.next(now, &heard("b", false, now)), Next::Wait(_)));
        assert_eq!(lead.next(now + MS, &heard("b", true, now)), Next::Go);
        assert_eq!(lead.next(now + 50 * MS, &heard("b", false, now)), Next::Go);
        assert!(matches!(lead.next(now, &heard("b", false, now)), Next::Wait(_)));
        let much_later = now + PATIENCE;
        assert_eq!(lead.next(much_later, &heard("b", false, much_later)), Next::Go);
    }
}

//! Tasks that compute and tasks that wait, measured so that it can be seen which of them were on a
//! core at the same moment.

use std::{hint::black_box, thread, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::{
    history::monotonic_ns,
    lesson::timeline::{Span, most_at_once},
};

/// A task that computes notes how far it is after each part; the shortest that the clocks are good
/// for, and the most parts that a pipe should carry.
const PART_NS_MIN: u64 = 250_000;
const PARTS_MAX: u64 = 2_000;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Task {
    /// Computes: so many parts of so many rounds each.
    Compute {
        /// How many parts.
        parts: u64,
        /// How many rounds each.
        rounds: u64,
    },
    /// Waits, as for a disk or a network.
    Wait {
        /// How long.
        wait_ns: u64,
    },
}

/// What was measured of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// From its start to its end.
    pub(super) span: Span,
    /// When it was on a core for certain.
    pub(super) on_core: Vec<Span>,
    /// How long it was on a core, altogether.
    pub(super) cpu_ns: u64,
}

/// Does `task` on this thread.
pub(super) fn perform(task: Task) -> Measured {
    let (from_ns, cpu_from_ns) = (monotonic_ns(), thread_cpu_ns());
    let mut on_core = Vec::new();
    match task {
        Task::Wait { wait_ns } => thread::sleep(Duration::from_nanos(wait_ns)),
        Task::Compute { parts, rounds } => {
            for _ in 0..parts {
                let (part_ns, part_cpu_ns) = (monotonic_ns(), thread_cpu_ns());
                compute(rounds);
                let (cpu_ns, now_ns) = (thread_cpu_ns() - part_cpu_ns, monotonic_ns());
                on_core.extend(certainly_on_core((part_ns, now_ns), cpu_ns));
            }
        }
    }
    Measured { span: (from_ns, monotonic_ns()), on_core, cpu_ns: thread_cpu_ns() - cpu_from_ns }
}

/// A task that computes for about `length` on a core of its own.
pub(super) fn computing(length: Duration) -> Task {
    let mut rounds = 1_000;
    // The best of a few tries, each long enough for the clock: others may be using the core.
    let mut best_ns = u64::MAX;
    for _ in 0..8 {
        let cpu_ns = thread_cpu_ns();
        compute(rounds);
        let took_ns = (thread_cpu_ns() - cpu_ns).max(1);
        if took_ns < 200_000 {
            rounds *= 4;
        } else {
            best_ns = best_ns.min(took_ns * 1_000 / rounds);
        }
    }
    let ps_a_round = if best_ns == u64::MAX { 1_000 } else { best_ns.max(1) };
    in_parts(length, |part_ns| part_ns * 1_000 / ps_a_round)
}

/// A task that computes for `length`, where `rounds` of a part of so many nanoseconds are known.
pub(super) fn in_parts(length: Duration, rounds: impl Fn(u64) -> u64) -> Task {
    let length_ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    let parts = (length_ns / PART_NS_MIN).clamp(1, PARTS_MAX);
    Task::Compute { parts, rounds: rounds(length_ns / parts).max(1) }
}

/// How many tasks were on a core at the same moment, at most, as far as it is certain.
pub(super) fn most_on_core(tasks: &[Measured]) -> usize {
    let spans: Vec<Span> = tasks.iter().flat_map(|task| task.on_core.iter().copied()).collect();
    most_at_once(&spans)
}

/// The middle of `span`, where its thread was on a core for nearly all of it.
///
/// Nearly all is 95 %, and the middle is without the outer tenths: so two middles that overlap are
/// two threads that ran at the same moment, and not one that waited a little for the other.
fn certainly_on_core(span: Span, cpu_ns: u64) -> Option<Span> {
    let length_ns = span.1 - span.0;
    let margin_ns = length_ns / 10;
    (cpu_ns * 20 >= length_ns * 19).then_some((span.0 + margin_ns, span.1 - margin_ns))
}

/// Rounds of a computation that cannot be left out (xorshift, Marsaglia 2003).
fn compute(rounds: u64) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..rounds {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        black_box(state);
    }
}

fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

impl Measured {
    /// As one line of text, to go through a pipe.
    pub(super) fn encode(&self) -> String {
        let mut numbers = vec![self.span.0, self.span.1, self.cpu_ns];
        numbers.extend(self.on_core.iter().flat_map(|(from, to)| [*from, *to]));
        numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// What [`Measured::encode`] wrote; `None` where it is something else.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [from_ns, to_ns, cpu_ns, on_core @ ..] = &numbers[..] else { return None };
        let on_core = on_core.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        Some(Self { span: (*from_ns, *to_ns), on_core, cpu_ns: *cpu_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_part_that_was_nearly_all_on_a_core_counts() {
        assert_eq!(certainly_on_core((100, 200), 95), Some((110, 190)));
        assert_eq!(certainly_on_core((100, 200), 94), None);
        let task = |on_core: Vec<Span>| Measured { on_core, ..Measured::default() };
        assert_eq!(most_on_core(&[task(vec![(0, 8)]), task(vec![(8, 16)])]), 1);
        assert_eq!(most_on_core(&[task(vec![(0, 8)]), task(vec![(7, 16)])]), 2);
    }

    #[test]
    fn what_is_measured_goes_through_a_pipe() {
        let measured = Measured { span: (1, 9), on_core: vec![(2, 3), (4, 5)], cpu_ns: 7 };
        assert_eq!(Measured::decode(&measured.encode()), Some(measured));
        for text in ["", "1 2", "1 2 x"] {
            assert_eq!(Measured::decode(text), None, "{text}");
        }
    }

    #[test]
    fn computing_uses_a_core_and_waiting_none() {
        let computed = perform(computing(Duration::from_millis(20)));
        let waited = perform(Task::Wait { wait_ns: 20_000_000 });
        assert!(computed.cpu_ns > 5_000_000, "{}", computed.cpu_ns);
        assert!(waited.cpu_ns < 5_000_000, "{}", waited.cpu_ns);
    }
}

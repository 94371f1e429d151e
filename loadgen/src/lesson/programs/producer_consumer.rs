//! `producer-consumer`: two kinds of threads that know only the queue between them.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::history::monotonic_ns;
use crate::lesson::{
    error::LessonError,
    event::Doing,
    finding::Finding,
    play::{Lesson, Play, Use},
    stage::Stage,
    troupe::PATIENCE,
};

const PRODUCERS: usize = 2;
const CONSUMERS: usize = 3;
const ITEMS_EACH: u32 = 6;
const ROOM: usize = 3;

/// How much slower a consumer is than a producer: so much that the queue fills up.
const SLOWER: u32 = 3;

/// The lesson.
pub(in crate::lesson) const LESSON: Lesson = Lesson {
    name: "producer-consumer",
    teaches: "a bounded queue between two crews, and how it ends",
    flags: &["--step"],
    compares_times: true,
    opening: "Two producers make items, three consumers use them up, and neither knows the other: \
              between them is a queue with room for three. A consumer stops when it takes an end \
              mark (the lesson's `None`) from the queue, and each end mark stops one consumer.",
    shows: "The queue lets each side go at its own speed. Where it is full, the producers wait: \
            that is back-pressure, and it keeps memory bounded. As many end marks as consumers stop \
            all of them, each after its last item; with one too few, one consumer waits for ever.",
    sabotage: "the first run puts one end mark too few",
    product: &[
        Use {
            file: "server/src/counter/queue.rs",
            what: "is this queue: requests are produced by the event loops and consumed by the one \
                   committer. It is bounded too, but a buyer is not made to wait for room: where it \
                   is full the answer is 503 `overloaded`. Its end mark is `close`.",
        },
        Use {
            file: "server/src/counter/replies.rs",
            what: "carries the answers back, one message a turn and event loop.",
        },
    ],
    perform,
};

/// A bounded queue: who finds it full or empty sleeps until that has changed.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Option<u32>>,
    longest: usize,
    waited_for_room: u32,
    waiting_takers: usize,
}

impl Queue {
    /// Puts `item` behind the others, when there is room.
    fn put(&self, item: Option<u32>, told: impl FnOnce()) {
        let mut state = self.state();
        if state.items.len() == ROOM {
            state.waited_for_room += 1;
            told();
            while state.items.len() == ROOM {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.items.push_back(item);
        state.longest = state.longest.max(state.items.len());
        self.changed.notify_all();
    }

    /// Takes the first item, when there is one.
    fn take(&self) -> Option<u32> {
        let mut state = self.state();
        state.waiting_takers += 1;
        while state.items.is_empty() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting_takers -= 1;
        self.changed.notify_all();
        state.items.pop_front().flatten()
    }

    /// What a run looks like from the queue; what was consumed is known to the consumers.
    fn seen(&self, stopped: usize, produced_ns: u64) -> Run {
        let state = self.state();
        Run {
            stopped,
            stuck: state.waiting_takers,
            longest: state.longest,
            waited_for_room: state.waited_for_room,
            produced_ns,
            ..Run::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one run gave.
#[derive(Clone, Debug, Default)]
struct Run {
    /// Every item that was consumed, in the order of consumption.
    consumed: Vec<u32>,
    /// How many consumers had stopped when nothing was left to be done.
    stopped: usize,
    /// Whether some of the others were asleep at an empty queue, with nobody to fill it.
    stuck: usize,
    longest: usize,
    waited_for_room: u32,
    /// When the last producer was done, and when the last item was consumed.
    produced_ns: u64,
    consumed_ns: u64,
}

fn perform(play: &Play) -> Result<Vec<Finding>, LessonError> {
    play.stage.scene("As many end marks as consumers");
    let marks = if play.is_sabotaged { CONSUMERS - 1 } else { CONSUMERS };
    let enough = run(play, marks)?;
    play.stage.scene("One end mark too few");
    let too_few = run(play, CONSUMERS - 1)?;
    play.stage.figure("longest queue, items", enough.longest as f64);
    play.stage.figure("times a producer waited for room", f64::from(enough.waited_for_room));
    Ok(judge(&enough, &too_few))
}

/// Produces and consumes, with so many end marks; whoever is stuck then is freed and told of.
fn run(play: &Play, end_marks: usize) -> Result<Run, LessonError> {
    let stage = &play.stage;
    let queue = Arc::new(Queue::default());
    let consumed = Mutex::new(Vec::new());
    let stopped = Mutex::new(0);
    thread::scope(|scope| {
        for number in 1..=CONSUMERS {
            let (queue, consumed, stopped) = (&queue, &consumed, &stopped);
            let step = play.waits.step * SLOWER;
            scope.spawn(move || {
                consume(stage, number, queue, step, consumed);
                *lock(stopped) += 1;
            });
        }
        let producers: Vec<_> = (1..=PRODUCERS)
            .map(|number| {
                let queue = &queue;
                scope.spawn(move || produce(stage, number, queue, play.waits.step))
            })
            .collect();
        for producer in producers {
            // It has nothing that could panic; what it did not make is missed below.
            let _ = producer.join();
        }
        let produced_ns = monotonic_ns();
        for nth in 1..=end_marks {
            queue.put(None, || {});
            stage.say("program", &format!("puts end mark {nth} of {end_marks}"));
        }
        let settled = settle(&queue, &stopped);
        let run = queue.seen(*lock(&stopped), produced_ns);
        // Nobody is left behind, whatever was seen: the scope waits for all.
        for nth in end_marks..CONSUMERS {
            stage.say(
                "program",
                &format!("sees {} of {CONSUMERS} stopped and an empty queue", run.stopped),
            );
            stage.say("program", &format!("frees the last one with end mark {}", nth + 1));
            queue.put(None, || {});
        }
        settled.map(|()| run)
    })
    .map(|run| {
        let consumed = consumed.into_inner().unwrap_or_default();
        let consumed_ns = consumed.iter().map(|(_, at_ns)| *at_ns).max().unwrap_or(0);
        Run { consumed: consumed.iter().map(|(item, _)| *item).collect(), consumed_ns, ..run }
    })
}

/// Waits until nothing can happen any more: every consumer has stopped, or waits at an empty queue
/// that nobody fills.
fn settle(queue: &Queue, stopped: &Mutex<usize>) -> Result<(), LessonError> {
    let began = Instant::now();
    loop {
        let is_still = {
            let state = queue.state();
            state.items.is_empty() && state.waiting_takers + *lock(stopped) == CONSUMERS
        };
        if is_still {
            return Ok(());
        }
        if began.elapsed() > PATIENCE * 4 {
            return Err(LessonError::Late {
                what: "the consumers".to_owned(),
                limit: PATIENCE * 4,
            });
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn produce(stage: &Stage, number: usize, queue: &Queue, step: Duration) {
    let who = format!("producer {number}");
    let first = u32::try_from(number - 1).unwrap_or(0) * ITEMS_EACH + 1;
    for item in first..first + ITEMS_EACH {
        stage.during(&who, Doing::Works, || thread::sleep(step));
        stage.during(&who, Doing::Waits, || {
            queue.put(Some(item), || stage.say(&who, &format!("finds no room for {item}, waits")));
        });
        stage.say(&who, &format!("puts {item}"));
    }
    stage.say(&who, "is done");
}

fn consume(
    stage: &Stage,
    number: usize,
    queue: &Queue,
    step: Duration,
    consumed: &Mutex<Vec<(u32, u64)>>,
) {
    let who = format!("consumer {number}");
    loop {
        let taken = stage.during(&who, Doing::Waits, || queue.take());
        let Some(item) = taken else {
            stage.say(&who, "takes an end mark and stops");
            return;
        };
        stage.say(&who, &format!("takes {item}"));
        stage.during(&who, Doing::Works, || thread::sleep(step));
        lock(consumed).push((item, monotonic_ns()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn judge(enough: &Run, too_few: &Run) -> Vec<Finding> {
    let items: Vec<u32> = (1..=ITEMS_EACH * 2).collect();
    let mut sorted = enough.consumed.clone();
    sorted.sort_unstable();
    vec![
        Finding::certain(
            "Every item is consumed exactly once",
            sorted == items,
            format!("{} items put, {} consumed", items.len(), sorted.len()),
        ),
        Finding::certain(
            "As many end marks as consumers stop all of them",
            enough.stopped == CONSUMERS && enough.stuck == 0,
            format!("{} of {CONSUMERS} stopped, {} still wait", enough.stopped, enough.stuck),
        ),
        Finding::certain(
            "With one end mark too few, one consumer waits for ever",
            too_few.stopped == CONSUMERS - 1 && too_few.stuck == 1,
            format!(
                "{} of {CONSUMERS} stopped, {} asleep at an empty queue that nobody fills",
                too_few.stopped, too_few.stuck
            ),
        ),
        Finding::certain(
            "The queue never holds more than it has room for",
            enough.longest <= ROOM,
            format!("{} items at most, room for {ROOM}", enough.longest),
        ),
        Finding::lucky(
            "Where the queue is full, producers wait: back-pressure",
            enough.waited_for_room > 0,
            format!("{} times a producer found no room", enough.waited_for_room),
        ),
        Finding::lucky(
            "The two sides are decoupled: the producers are done while there is still work",
            enough.produced_ns < enough.consumed_ns,
            if enough.produced_ns < enough.consumed_ns {
                "the last item was consumed after the last producer was done"
            } else {
                "the last producer was done after the last item was consumed"
            },
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{judge::Verdict, lesson::finding::worst};

    fn good() -> Run {
        Run {
            consumed: (1..=12).collect(),
            stopped: 3,
            stuck: 0,
            longest: 3,
            waited_for_room: 2,
            produced_ns: 1,
            consumed_ns: 2,
        }
    }

    #[test]
    fn the_verdict_follows_what_was_counted() {
        let too_few = Run { stopped: 2, stuck: 1, ..good() };
        let verdict = |enough: Run| worst(&judge(&enough, &too_few));
        assert_eq!(verdict(good()), Verdict::Valid);
        assert_eq!(verdict(too_few.clone()), Verdict::Violation);
        assert_eq!(verdict(Run { longest: 4, ..good() }), Verdict::Violation);
        assert_eq!(verdict(Run { consumed: (1..=11).collect(), ..good() }), Verdict::Violation);
        assert_eq!(verdict(Run { waited_for_room: 0, ..good() }), Verdict::Unknown);
        assert_eq!(worst(&judge(&good(), &good())), Verdict::Violation);
    }
}

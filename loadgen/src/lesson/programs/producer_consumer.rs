//! `producer-consumer`: two kinds of threads that know only the queue between them.
//!
//! ```text
//! def producer():                 def consumer():
//!     for item in items:              while True:
//!         q.put(item)                     item = q.get()
//!                                         if item is None: break
//! ```

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use crate::{
    history::monotonic_ns,
    lesson::{
        definition::{Context, Lesson, Use},
        error::LessonError,
        finding::Finding,
        process::PATIENCE,
        timeline::Doing,
    },
};

const PRODUCERS: u32 = 2;
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
    run,
    process: None,
};

fn run(context: &Context) -> Result<Vec<Finding>, LessonError> {
    context.timeline.scene("As many end marks as consumers");
    let marks = if context.is_sabotaged { CONSUMERS - 1 } else { CONSUMERS };
    let enough = produce_and_consume(context, marks)?;
    context.timeline.scene("One end mark too few");
    let too_few = produce_and_consume(context, CONSUMERS - 1)?;
    let waited = f64::from(enough.waited_for_room);
    context.timeline.figure("longest queue, items", enough.longest as f64);
    context.timeline.figure("times a producer waited for room", waited);
    Ok(findings(&enough, &too_few))
}

/// Puts its items into the queue.
fn producer(context: &Context, number: u32, items: RangeInclusive<u32>, queue: &Queue) {
    let timeline = &context.timeline;
    let who = format!("producer {number}");
    for item in items {
        timeline.during(&who, Doing::Works, || thread::sleep(context.waits.step));
        let told = || timeline.say(&who, &format!("finds no room for {item}, waits"));
        timeline.during(&who, Doing::Waits, || queue.put(Some(item), told));
        timeline.say(&who, &format!("puts {item}"));
    }
    timeline.say(&who, "is done");
}

/// Takes items from the queue until it takes an end mark.
fn consumer(context: &Context, number: usize, queue: &Queue) {
    let timeline = &context.timeline;
    let who = format!("consumer {number}");
    while let Some(item) = timeline.during(&who, Doing::Waits, || queue.take()) {
        timeline.say(&who, &format!("takes {item}"));
        timeline.during(&who, Doing::Works, || thread::sleep(context.waits.step * SLOWER));
        queue.consumed(item);
    }
    timeline.say(&who, "takes an end mark and stops");
    queue.stopped();
}

/// Produces and consumes, with so many end marks; whoever is stuck then is freed and told of.
fn produce_and_consume(context: &Context, end_marks: usize) -> Result<Seen, LessonError> {
    let say = |what: &str| context.timeline.say("program", what);
    let queue = &Queue::default();
    thread::scope(|scope| {
        for number in 1..=CONSUMERS {
            scope.spawn(move || consumer(context, number, queue));
        }
        let start_producer = |number| {
            let items = (number - 1) * ITEMS_EACH + 1..=number * ITEMS_EACH;
            scope.spawn(move || producer(context, number, items, queue))
        };
        let producers: Vec<_> = (1..=PRODUCERS).map(start_producer).collect();
        for producer in producers {
            // It has nothing that could panic; what it did not make is missed below.
            let _ = producer.join();
        }
        let produced_ns = monotonic_ns();
        for nth in 1..=end_marks {
            queue.put(None, || {});
            say(&format!("puts end mark {nth} of {end_marks}"));
        }
        let settled = queue.settle();
        let seen = Seen { produced_ns, ..queue.state.lock().seen.clone() };
        // Nobody is left behind, whatever was seen: the scope waits for all.
        for nth in end_marks..CONSUMERS {
            let stopped = seen.stopped;
            say(&format!("sees {stopped} of {CONSUMERS} stopped and an empty queue"));
            say(&format!("frees the last one with end mark {}", nth + 1));
            queue.put(None, || {});
        }
        settled.map(|()| seen)
    })
}

/// A bounded queue: who finds it full or empty sleeps until that has changed.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Option<u32>>,
    seen: Seen,
}

/// What one run looks like from the queue.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Every item that was consumed, in the order of consumption.
    consumed: Vec<u32>,
    /// How many consumers have stopped.
    stopped: usize,
    /// How many of the others are asleep at an empty queue.
    stuck: usize,
    longest: usize,
    waited_for_room: u32,
    /// When the last producer was done, and when the last item was consumed.
    produced_ns: u64,
    consumed_ns: u64,
}

impl Queue {
    /// Puts `item` behind the others, when there is room; where there is none yet, it is `told`.
    fn put(&self, item: Option<u32>, told: impl FnOnce()) {
        let mut state = self.state.lock();
        if state.items.len() == ROOM {
            state.seen.waited_for_room += 1;
            told();
            self.changed.wait_while(&mut state, |state| state.items.len() == ROOM);
        }
        state.items.push_back(item);
        state.seen.longest = state.seen.longest.max(state.items.len());
        self.changed.notify_all();
    }

    /// Takes the first item, when there is one.
    fn take(&self) -> Option<u32> {
        let mut state = self.state.lock();
        state.seen.stuck += 1;
        self.changed.wait_while(&mut state, |state| state.items.is_empty());
        state.seen.stuck -= 1;
        self.changed.notify_all();
        state.items.pop_front().flatten()
    }

    fn consumed(&self, item: u32) {
        let seen = &mut self.state.lock().seen;
        seen.consumed.push(item);
        seen.consumed_ns = monotonic_ns();
    }

    fn stopped(&self) {
        self.state.lock().seen.stopped += 1;
    }

    /// Waits until nothing can happen any more: every consumer has stopped, or waits at an empty
    /// queue that nobody fills.
    fn settle(&self) -> Result<(), LessonError> {
        let (began, limit) = (Instant::now(), PATIENCE * 4);
        let is_still = |state: &State| {
            state.items.is_empty() && state.seen.stuck + state.seen.stopped == CONSUMERS
        };
        while !is_still(&self.state.lock()) {
            if began.elapsed() > limit {
                return Err(LessonError::Late { what: "the consumers".to_owned(), limit });
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

fn findings(enough: &Seen, too_few: &Seen) -> Vec<Finding> {
    let items: Vec<u32> = (1..=ITEMS_EACH * PRODUCERS).collect();
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

    fn good() -> Seen {
        Seen {
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
        let too_few = Seen { stopped: 2, stuck: 1, ..good() };
        let verdict = |enough: Seen| worst(&findings(&enough, &too_few));
        assert_eq!(verdict(good()), Verdict::Valid);
        assert_eq!(verdict(too_few.clone()), Verdict::Violation);
        assert_eq!(verdict(Seen { longest: 4, ..good() }), Verdict::Violation);
        assert_eq!(verdict(Seen { consumed: (1..=11).collect(), ..good() }), Verdict::Violation);
        assert_eq!(verdict(Seen { waited_for_room: 0, ..good() }), Verdict::Unknown);
        assert_eq!(worst(&findings(&good(), &good())), Verdict::Violation);
    }
}

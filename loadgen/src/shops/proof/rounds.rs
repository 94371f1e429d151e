//! All rounds of all shops, several at a time: a shop mostly waits.

use std::{
    num::Wrapping,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};

use super::{
    record::Record,
    round::{Round, round},
};
use crate::{
    judge::Verdict,
    lead::Interrupts,
    shops::{error::ShopsError, exhibit::Exhibit},
};

/// How many rounds are under way at a time.
const LANES: usize = 6;

/// What a proof consists of.
pub(super) struct Proof {
    /// The shops.
    pub(super) exhibits: Vec<&'static Exhibit>,
    /// How often at most a bug is tried, and how often each twin.
    pub(super) rounds: u32,
    /// The seed of the first round; the next has the next.
    pub(super) seed: u64,
}

/// What is done in one go.
#[derive(Clone, Copy)]
enum Task {
    /// A bug, until it shows.
    Bug { place: usize },
    /// One round of a twin.
    Twin { place: usize, number: u32 },
}

/// What came of one.
struct Done {
    place: usize,
    is_twin: bool,
    rounds: Vec<Round>,
}

/// Carries out `proof`; `watch` hears how many of how many tasks are done.
///
/// # Errors
/// A round cannot be carried out, or it was interrupted; nothing is left behind all the same.
pub(super) fn carry_out(
    proof: &Proof,
    mut watch: impl FnMut(usize, usize),
) -> Result<Vec<Record>, ShopsError> {
    let tasks = tasks(proof);
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (say, hear) = mpsc::channel();
    let mut records: Vec<Record> = proof
        .exhibits
        .iter()
        .map(|exhibit| Record { exhibit, bug: Vec::new(), twin: Vec::new() })
        .collect();
    let mut failed = None;
    thread::scope(|scope| {
        for _ in 0..LANES {
            let (tasks, next, is_over, say) = (&tasks, &next, &is_over, say.clone());
            scope.spawn(move || {
                let lane = Lane { proof, tasks, next, is_over };
                if let Err(error) = lane.run(&say) {
                    is_over.store(true, Ordering::Relaxed);
                    // Whoever hears is there until all lanes have ended.
                    let _ = say.send(Err(error));
                }
            });
        }
        drop(say);
        for (done, heard) in (1..).zip(hear) {
            match heard {
                Ok(Done { place, is_twin: true, rounds }) => records[place].twin.extend(rounds),
                Ok(Done { place, is_twin: false, rounds }) => records[place].bug.extend(rounds),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
            watch(done, tasks.len());
        }
    });
    match failed {
        Some(error) => Err(error),
        None => {
            for record in &mut records {
                record.twin.sort_by_key(|round| (Wrapping(round.seed) - Wrapping(proof.seed)).0);
            }
            Ok(records)
        }
    }
}

/// The shops that take longest first, so that no lane waits for another in the end.
fn tasks(proof: &Proof) -> Vec<Task> {
    let mut places: Vec<usize> = (0..proof.exhibits.len()).collect();
    places.sort_by_key(|place| proof.exhibits[*place].load.rate_rps.is_none());
    let of = |place| {
        let twins = (0..proof.rounds).map(move |number| Task::Twin { place, number });
        [Task::Bug { place }].into_iter().chain(twins)
    };
    places.into_iter().flat_map(of).collect()
}

/// A thread that takes one task after the other.
struct Lane<'a> {
    proof: &'a Proof,
    tasks: &'a [Task],
    next: &'a AtomicUsize,
    is_over: &'a AtomicBool,
}

impl Lane<'_> {
    fn run(&self, say: &Sender<Result<Done, ShopsError>>) -> Result<(), ShopsError> {
        // On this thread: a second process's lifeline hangs on the thread that spawns it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ShopsError::Start)?;
        let ended = runtime.block_on(async {
            let mut interrupts = Interrupts::new().map_err(ShopsError::Start)?;
            while !self.is_over.load(Ordering::Relaxed) {
                let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                // Nobody hears any more only where this process panics.
                let _ = say.send(Ok(self.done(*task, &mut interrupts).await?));
            }
            Ok(())
        });
        runtime.shutdown_background();
        ended
    }

    async fn done(&self, task: Task, interrupts: &mut Interrupts) -> Result<Done, ShopsError> {
        match task {
            Task::Twin { place, number } => {
                let rounds = vec![self.round(place, true, number, interrupts).await?];
                Ok(Done { place, is_twin: true, rounds })
            }
            Task::Bug { place } => {
                let mut rounds = Vec::new();
                for number in 0..self.proof.rounds {
                    rounds.push(self.round(place, false, number, interrupts).await?);
                    let is_shown = rounds.last().map(|round| round.verdict);
                    if is_shown == Some(Verdict::Violation) {
                        break;
                    }
                }
                Ok(Done { place, is_twin: false, rounds })
            }
        }
    }

    async fn round(
        &self,
        place: usize,
        is_mended: bool,
        number: u32,
        interrupts: &mut Interrupts,
    ) -> Result<Round, ShopsError> {
        let exhibit = self.proof.exhibits[place];
        let seed = self.proof.seed.wrapping_add(number.into());
        round(exhibit, is_mended, seed, interrupts).await.map_err(|source| match source {
            ShopsError::Interrupted => source,
            _ => ShopsError::Round { name: exhibit.name, source: Box::new(source) },
        })
    }
}

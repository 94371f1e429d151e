//! Workers as processes of their own.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, ErrorKind},
    os::{fd::OwnedFd, unix::net},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    lifeline::{self, OwnedChild},
    worker::{
        book::{Book, GIVEN_UP, WORKER_IS_GONE},
        child::{SUBCOMMAND, decode, phase_line, plan_line},
        plan::WorkerPlan,
        seat::{Gate, LastWord, Phase, Report, Seat, Voice},
        slate::SlateReader,
    },
};

/// How often a worker's slate is read: more often where it fills.
const LOOK_PERIOD: Duration = Duration::from_millis(250);
const LOOK_PERIOD_MIN: Duration = Duration::from_millis(10);

/// How full a slate may be when it is read, from 0 to 1.
const FILL_MAX: f64 = 0.125;

/// Worker processes; dropping it kills them.
#[derive(Debug)]
pub(super) struct Processes {
    attendants: JoinSet<Option<String>>,
    is_given_up: watch::Sender<bool>,
}

impl Default for Processes {
    fn default() -> Self {
        Self { attendants: JoinSet::new(), is_given_up: watch::Sender::new(false) }
    }
}

impl Processes {
    /// Starts one more worker.
    ///
    /// # Errors
    /// The process cannot be started, there is no memory to share with it, or the history cannot be
    /// opened.
    pub(super) fn start(&mut self, plan: WorkerPlan, gate: Gate, voice: &Voice) -> io::Result<()> {
        let (socket, theirs) = net::UnixStream::pair()?;
        let (slate, memory) =
            SlateReader::make(plan.clients().count()).map_err(io::Error::other)?;
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command.stdin(memory).stdout(OwnedFd::from(theirs));
        let child = OwnedChild::spawn(&mut command)?;
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        let first_line = plan_line(&plan)?;
        let plan = Arc::new(plan);
        let book = Book::new(Arc::clone(&plan), voice.clone())?;
        let seats =
            plan.clients().map(|client| Seat::new(client, gate.clone(), voice.clone())).collect();
        let word = Report::Died;
        let last_word = LastWord { worker: plan.worker, voice: voice.clone(), word };
        let attendant = Attendant { plan, child, book, slate, seats, last_word };
        let is_given_up = self.is_given_up.subscribe();
        self.attendants.spawn(attendant.attend(first_line, gate, is_given_up, socket));
        Ok(())
    }

    /// Waits for the processes, or kills them where some have not ended, until all that they have
    /// written is said; says how they ended that did not end well.
    pub(super) async fn reap(mut self, all_ended: bool) -> Vec<String> {
        if !all_ended {
            self.is_given_up.send_replace(true);
        }
        let mut odd: BTreeMap<String, u32> = BTreeMap::new();
        while let Some(ended) = self.attendants.join_next().await {
            let how = ended.unwrap_or_else(|error| Some(error.to_string()));
            how.into_iter().for_each(|how| *odd.entry(how).or_default() += 1);
        }
        odd.into_iter()
            .map(|(status, times)| format!("{times} worker processes ended with {status}"))
            .collect()
    }
}

/// Whoever speaks with one worker process, and keeps its book.
struct Attendant {
    plan: Arc<WorkerPlan>,
    child: OwnedChild,
    book: Book,
    slate: SlateReader,
    seats: Vec<Seat>,
    /// Dropped last.
    last_word: LastWord,
}

impl Attendant {
    /// Hands the worker its plan, passes on what it says and what it writes, and to it how far the
    /// run is, until it closes its socket or is given up. Says how it ended where that was not well.
    async fn attend(
        mut self,
        first_line: String,
        mut gate: Gate,
        mut is_given_up: watch::Receiver<bool>,
        socket: UnixStream,
    ) -> Option<String> {
        let (from, mut to) = socket.into_split();
        let mut lines = BufReader::new(from).lines();
        // A worker that is gone is found out by the end of what it says.
        let _ = to.write_all(first_line.as_bytes()).await;
        let mut period = LOOK_PERIOD_MIN;
        let mut look = pin!(sleep(period));
        let mut is_led = true;
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.hear(&line),
                    Ok(None) => break,
                    // It ended before it has read what it was told last.
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                    Err(error) => {
                        self.lose(&error);
                        break;
                    }
                },
                () = &mut look => {
                    match self.look() {
                        Some(fill) if fill > FILL_MAX => period = LOOK_PERIOD_MIN.max(period / 4),
                        Some(_) => period = LOOK_PERIOD.min(period * 2),
                        None => break,
                    }
                    look.as_mut().reset(Instant::now() + period);
                }
                changed = gate.changed(), if is_led => {
                    is_led = changed.is_ok();
                    let phase = if is_led { *gate.borrow_and_update() } else { Phase::Stopping };
                    if let Some(line) = phase_line(phase) {
                        let _ = to.write_all(line.as_bytes()).await;
                    }
                }
                () = given_up(&mut is_given_up) => {
                    // Whoever gives it up knows that it did not end.
                    self.last_word.word = Report::Done;
                    return self.take_leave(false);
                }
            }
        }
        let is_done = self.last_word.word == Report::Done;
        self.take_leave(is_done)
    }

    fn hear(&mut self, line: &str) {
        match decode(&self.plan, line) {
            (_, Report::Done) => self.last_word.word = Report::Done,
            (who, report) => self.book.say(who, report),
        }
    }

    /// Takes over what stands on the slate; how full that was, or `None` where it is garbled.
    fn look(&mut self) -> Option<f64> {
        let taken_over = self.book.take_over(&mut self.slate);
        taken_over.inspect_err(|error| self.lose(error)).ok()
    }

    /// The worker has said everything, or it is ended now; what it has written until then counts.
    fn take_leave(mut self, has_ended: bool) -> Option<String> {
        let ended = if has_ended { self.child.wait() } else { self.child.kill() };
        self.look();
        let is_done = self.last_word.word == Report::Done;
        self.book.close(if is_done { GIVEN_UP } else { WORKER_IS_GONE });
        self.seats.clear();
        match ended {
            Ok(status) if status.success() => None,
            Ok(status) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    fn lose(&self, error: &dyn Display) {
        let worker = self.plan.worker;
        self.book.say(worker, Report::Lost(format!("worker {worker} is not heard: {error}")));
    }
}

async fn given_up(is_given_up: &mut watch::Receiver<bool>) {
    let _ = is_given_up.wait_for(|is_given_up| *is_given_up).await;
}

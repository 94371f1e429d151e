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
        barrier::{Barrier, Participant, Phase},
        child::{SUBCOMMAND, decode, phase_line, plan_line},
        journal::JournalReader,
        messages::{LastMessage, Message, MessageSender},
        plan::WorkerPlan,
        recorder::{GIVEN_UP, Recorder, WORKER_IS_GONE},
    },
};

/// How often a worker's journal is read: more often where it fills.
const LOOK_PERIOD: Duration = Duration::from_millis(250);
const LOOK_PERIOD_MIN: Duration = Duration::from_millis(10);

/// How full a journal may be when it is read, from 0 to 1.
const FILL_MAX: f64 = 0.125;

/// Worker processes; dropping it kills them.
#[derive(Debug)]
pub(super) struct Processes {
    supervisors: JoinSet<Option<String>>,
    is_given_up: watch::Sender<bool>,
}

impl Default for Processes {
    fn default() -> Self {
        Self { supervisors: JoinSet::new(), is_given_up: watch::Sender::new(false) }
    }
}

impl Processes {
    /// Starts one more worker.
    ///
    /// # Errors
    /// The process cannot be started, there is no memory to share with it, or the history cannot be
    /// opened.
    pub(super) fn start(
        &mut self,
        plan: WorkerPlan,
        barrier: Barrier,
        messages: &MessageSender,
    ) -> io::Result<()> {
        let (socket, theirs) = net::UnixStream::pair()?;
        let (journal, memory) =
            JournalReader::make(plan.clients().count()).map_err(io::Error::other)?;
        let mut command = lifeline::own_command(SUBCOMMAND)?;
        command.stdin(memory).stdout(OwnedFd::from(theirs));
        let child = OwnedChild::spawn(&mut command)?;
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        let first_line = plan_line(&plan)?;
        let plan = Arc::new(plan);
        let recorder = Recorder::new(Arc::clone(&plan), messages.clone())?;
        let participants = plan
            .clients()
            .map(|client| Participant::new(client, barrier.clone(), messages.clone()))
            .collect();
        let last_message =
            LastMessage { worker: plan.worker, messages: messages.clone(), message: Message::Died };
        let supervisor = Supervisor { plan, child, recorder, journal, participants, last_message };
        let is_given_up = self.is_given_up.subscribe();
        self.supervisors.spawn(supervisor.attend(first_line, barrier, is_given_up, socket));
        Ok(())
    }

    /// Waits for the processes, or kills them where some have not ended, until all that they have
    /// written is said; says how they ended that did not end well.
    pub(super) async fn reap(mut self, all_ended: bool) -> Vec<String> {
        if !all_ended {
            self.is_given_up.send_replace(true);
        }
        let mut odd: BTreeMap<String, u32> = BTreeMap::new();
        while let Some(ended) = self.supervisors.join_next().await {
            let how = ended.unwrap_or_else(|error| Some(error.to_string()));
            how.into_iter().for_each(|how| *odd.entry(how).or_default() += 1);
        }
        odd.into_iter()
            .map(|(status, times)| format!("{times} worker processes ended with {status}"))
            .collect()
    }
}

/// Whoever speaks with one worker process, and records what its clients do.
struct Supervisor {
    plan: Arc<WorkerPlan>,
    child: OwnedChild,
    recorder: Recorder,
    journal: JournalReader,
    participants: Vec<Participant>,
    /// Dropped last.
    last_message: LastMessage,
}

impl Supervisor {
    /// Hands the worker its plan, passes on what it says and what it writes, and to it how far the
    /// run is, until it closes its socket or is given up. Says how it ended where that was not well.
    async fn attend(
        mut self,
        first_line: String,
        mut barrier: Barrier,
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
                changed = barrier.changed(), if is_led => {
                    is_led = changed.is_ok();
                    let phase = if is_led { *barrier.borrow_and_update() } else { Phase::Stopping };
                    if let Some(line) = phase_line(phase) {
                        let _ = to.write_all(line.as_bytes()).await;
                    }
                }
                () = given_up(&mut is_given_up) => {
                    // Whoever gives it up knows that it did not end.
                    self.last_message.message = Message::Done;
                    return self.take_leave(false);
                }
            }
        }
        let is_done = self.last_message.message == Message::Done;
        self.take_leave(is_done)
    }

    fn hear(&mut self, line: &str) {
        match decode(&self.plan, line) {
            (_, Message::Done) => self.last_message.message = Message::Done,
            (who, message) => self.recorder.say(who, message),
        }
    }

    /// Takes over what stands on the journal; how full that was, or `None` where it is garbled.
    fn look(&mut self) -> Option<f64> {
        let taken_over = self.recorder.take_over(&mut self.journal);
        taken_over.inspect_err(|error| self.lose(error)).ok()
    }

    /// The worker has said everything, or it is ended now; what it has written until then counts.
    fn take_leave(mut self, has_ended: bool) -> Option<String> {
        let ended = if has_ended { self.child.wait() } else { self.child.kill() };
        self.look();
        let is_done = self.last_message.message == Message::Done;
        self.recorder.close(if is_done { GIVEN_UP } else { WORKER_IS_GONE });
        self.participants.clear();
        match ended {
            Ok(status) if status.success() => None,
            Ok(status) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    fn lose(&self, error: &dyn Display) {
        let worker = self.plan.worker;
        self.recorder.say(worker, Message::Lost(format!("worker {worker} is not heard: {error}")));
    }
}

async fn given_up(is_given_up: &mut watch::Receiver<bool>) {
    let _ = is_given_up.wait_for(|is_given_up| *is_given_up).await;
}

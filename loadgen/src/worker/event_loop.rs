//! One worker: all its clients on one event loop.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    runtime::{self, Runtime},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    barrier::{Barrier, Participant, Phase},
    client::serve,
    journal::JournalWriter,
    messages::{LastMessage, Message, MessageSender},
    plan::WorkerPlan,
    state::WorkerState,
};

/// How often a worker that has its recorder says what it has counted; less often where there are many.
const REPORT_PERIOD: Duration = Duration::from_millis(500);
const REPORT_PERIOD_OF_MANY: Duration = Duration::from_secs(1);
const MANY: u32 = 16;

/// How long open operations may still take when a run is stopped.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// The event loop of a worker, which has neither signals nor child processes to attend to.
///
/// # Errors
/// The system gives none.
pub(super) fn event_loop() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_io().enable_time().build()
}

/// Lets the clients of `plan` work until they have ended, or the run is stopped at `barrier`; what they
/// do is written on the `journal`, where there is one.
pub(super) async fn work(
    plan: WorkerPlan,
    journal: Option<JournalWriter>,
    mut barrier: Barrier,
    messages: MessageSender,
) {
    let number = plan.worker;
    let _last_message =
        LastMessage { worker: number, messages: messages.clone(), message: Message::Done };
    let participants: Vec<Participant> = plan
        .clients()
        .map(|client| Participant::new(client, barrier.clone(), messages.clone()))
        .collect();
    let worker = match WorkerState::open(plan, journal, messages.clone()) {
        Ok(worker) => Arc::new(worker),
        Err(error) => {
            let _ =
                messages.send((number, Message::Note(format!("a worker cannot begin: {error}"))));
            return;
        }
    };
    let mut clients = JoinSet::new();
    for participant in participants {
        clients.spawn(serve(Arc::clone(&worker), participant));
    }
    let mut is_stopped = false;
    tokio::select! {
        () = attend(&worker, &mut clients) => {}
        () = stopped(&mut barrier) => is_stopped = true,
    }
    if is_stopped {
        worker.stop();
        // What does not end by itself is dropped, and unknown when the recorder is closed.
        let _ = timeout(STOP_GRACE, attend(&worker, &mut clients)).await;
        clients.shutdown().await;
    }
    worker.close();
}

/// Serves the clients until all have ended.
async fn attend(worker: &WorkerState, clients: &mut JoinSet<()>) {
    let are_many = worker.plan.workers > MANY;
    let mut ticks = interval(if are_many { REPORT_PERIOD_OF_MANY } else { REPORT_PERIOD });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let drive = worker.pacer.drive();
    tokio::pin!(drive);
    loop {
        tokio::select! {
            () = &mut drive => return worker.say(Message::Note("the timer broke".to_owned())),
            ended = clients.join_next() => match ended {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => worker.say(Message::Lost(format!("a client failed: {error}"))),
            },
            _ = ticks.tick(), if worker.reports() => worker.report(),
        }
    }
}

/// Waits until the run is to be stopped.
async fn stopped(barrier: &mut Barrier) {
    // Where nobody leads the run any more, it is over too.
    let _ = barrier.wait_for(|phase| *phase == Phase::Stopping).await;
}

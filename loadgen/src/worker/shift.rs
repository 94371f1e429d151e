//! A shift: all clients of one worker, on one event loop.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    runtime::{self, Runtime},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    client::serve,
    desk::Desk,
    plan::WorkerPlan,
    seat::{Gate, LastWord, Phase, Report, Seat, Voice},
    slate::SlateWriter,
};

/// How often a worker that has its book says what it has counted; less often where there are many.
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

/// Lets the clients of `plan` work until they have ended, or the run is stopped at `gate`; what they
/// do is written on the `slate`, where there is one.
pub(super) async fn work(
    plan: WorkerPlan,
    slate: Option<SlateWriter>,
    mut gate: Gate,
    voice: Voice,
) {
    let _last_word = LastWord { worker: plan.worker, voice: voice.clone(), word: Report::Done };
    let worker = plan.worker;
    let seats: Vec<Seat> =
        plan.clients().map(|client| Seat::new(client, gate.clone(), voice.clone())).collect();
    let desk = match Desk::open(plan, slate, voice.clone()) {
        Ok(desk) => Arc::new(desk),
        Err(error) => {
            let _ = voice.send((worker, Report::Note(format!("a worker cannot begin: {error}"))));
            return;
        }
    };
    let mut clients = JoinSet::new();
    for seat in seats {
        clients.spawn(serve(Arc::clone(&desk), seat));
    }
    let mut is_stopped = false;
    tokio::select! {
        () = attend(&desk, &mut clients) => {}
        () = stopped(&mut gate) => is_stopped = true,
    }
    if is_stopped {
        desk.stop();
        // What does not end by itself is dropped, and booked as unknown when the book is closed.
        let _ = timeout(STOP_GRACE, attend(&desk, &mut clients)).await;
        clients.shutdown().await;
    }
    desk.close();
}

/// Serves the clients until all have ended.
async fn attend(desk: &Desk, clients: &mut JoinSet<()>) {
    let are_many = desk.plan.workers > MANY;
    let mut ticks = interval(if are_many { REPORT_PERIOD_OF_MANY } else { REPORT_PERIOD });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let drive = desk.pacer.drive();
    tokio::pin!(drive);
    loop {
        tokio::select! {
            () = &mut drive => return desk.say(Report::Note("the timer broke".to_owned())),
            ended = clients.join_next() => match ended {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => desk.say(Report::Note(format!("a client failed: {error}"))),
            },
            _ = ticks.tick(), if desk.reports() => desk.report(),
        }
    }
}

/// Waits until the run is to be stopped.
async fn stopped(gate: &mut Gate) {
    // Where nobody leads the run any more, it is over too.
    let _ = gate.wait_for(|phase| *phase == Phase::Stopping).await;
}

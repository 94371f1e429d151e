//! A lab as plain data: what the page shows, and what `--replay` tells.

use serde::Serialize;

use crate::lab::{
    analysis::{
        cost::Cost,
        facts::{Facts, Outcome},
        missions::{MISSIONS, Mission},
        telling::{brief, numbers, sentence},
    },
    error::LabError,
    model::{program::Variant, schedules::Counts, setup::Setup},
    session::Session,
    workers::{
        stage::{Event, How},
        worker::Told,
    },
};
use crate::waits::Service;

/// A lab as it is now.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    setup: Setup,
    title: &'static str,
    about: &'static str,
    lines: Vec<LineView>,
    workers: Vec<WorkerView>,
    /// The bytes of `db.txt`, as text.
    file: String,
    locks: Vec<LockView>,
    sales: Vec<SaleView>,
    steps: Vec<StepView>,
    /// Whose turn it was, step by step.
    schedule: Vec<u8>,
    /// The same with the setup, as the fragment of a link.
    fragment: String,
    /// What it came to, where it is over.
    result: Option<&'static str>,
    ending: Option<String>,
    costs: Vec<CostView>,
    said: String,
    mission: &'static str,
    /// Whether it was done since the start.
    is_mission_done: bool,
    missions: Vec<MissionView>,
    model_agrees: bool,
}

#[derive(Debug, Serialize)]
struct LineView {
    says: &'static str,
    rust: &'static str,
    python: &'static str,
}

#[derive(Debug, Serialize)]
struct WorkerView {
    number: u8,
    process: u32,
    /// The line that comes next, or that it waits in.
    line: Option<usize>,
    /// `ready`, `waits`, `sold`, `sold-out` or `broke`.
    state: &'static str,
    variables: Vec<(&'static str, String)>,
    ways: Option<Counts>,
}

#[derive(Debug, Serialize)]
struct LockView {
    on: &'static str,
    worker: u8,
    waits: bool,
}

#[derive(Debug, Serialize)]
struct SaleView {
    worker: u8,
    ticket: u32,
    /// Whether the ticket was sold before.
    again: bool,
}

/// One thing that happened.
#[derive(Debug, Serialize)]
pub(crate) struct StepView {
    /// Which step it was, from 1; `None` where it came of the step before.
    pub(crate) number: Option<usize>,
    pub(crate) worker: u8,
    line: usize,
    pub(crate) brief: String,
    pub(crate) says: String,
    /// `sale`, `again` (a ticket that was sold before), `waits`, `granted`, `broke` or nothing.
    pub(crate) mark: &'static str,
}

/// What a locking has cost.
#[derive(Debug, Serialize)]
struct CostView {
    /// Whether it is of the lab that is shown.
    is_now: bool,
    title: &'static str,
    numbers: String,
    result: &'static str,
    /// Of those who came, how many were never served.
    unserved: usize,
    service: Option<Service>,
    served_in_100: f64,
}

#[derive(Debug, Serialize)]
struct MissionView {
    name: &'static str,
    title: &'static str,
    task: &'static str,
    hint: &'static str,
    is_done: bool,
    /// What is told once it is done.
    thing: Option<&'static str>,
    shows: Option<&'static str>,
    lesson: Option<&'static str>,
}

impl View {
    /// What there is to see of `session`.
    ///
    /// # Errors
    /// `db.txt` cannot be read.
    pub(crate) fn of(session: &mut Session) -> Result<Self, LabError> {
        let variant = session.variant();
        let file = String::from_utf8_lossy(&session.stage().file()?).into_owned();
        let ways: Vec<_> = session.setup().numbers().map(|worker| session.ways(worker)).collect();
        let workers =
            session.stage().workers().zip(ways).map(|((number, process, told, waits), ways)| {
                let state = state(told, waits.is_some());
                let variables = variables(session, number, told);
                WorkerView { number, process, line: waits.or(told.next), state, variables, ways }
            });
        let lines = variant.lines().iter().map(|line| LineView {
            says: line.says,
            rust: line.rust,
            python: line.python,
        });
        let facts = session.facts();
        let played = session.played();
        Ok(Self {
            setup: session.setup(),
            title: variant.title(),
            about: variant.about(),
            lines: lines.collect(),
            workers: workers.collect(),
            file,
            locks: locks(session),
            sales: sales(facts),
            steps: steps(session),
            fragment: played.fragment(),
            schedule: played.schedule,
            result: facts.result().map(result_name),
            ending: facts.ending(),
            costs: session.costs().iter().map(|cost| cost_view(cost, session)).collect(),
            said: session.said().to_owned(),
            mission: session.mission().name,
            is_mission_done: session.is_mission_done(),
            missions: MISSIONS.iter().map(|mission| told_of(mission, session)).collect(),
            model_agrees: session.model_agrees(),
        })
    }
}

/// The name of a result.
pub(crate) fn result_name(result: Outcome) -> &'static str {
    match result {
        Outcome::Right => "right",
        Outcome::Oversold => "oversold",
        Outcome::Broke => "broke",
        Outcome::Deadlock => "deadlock",
    }
}

fn state(told: &Told, waits: bool) -> &'static str {
    match told {
        _ if waits => "waits",
        Told { next: Some(_), .. } => "ready",
        Told { broke: Some(_), .. } => "broke",
        Told { ticket: Some(_), .. } => "sold",
        Told { .. } => "sold-out",
    }
}

fn variables(session: &Session, number: u8, told: &Told) -> Vec<(&'static str, String)> {
    let mut variables = Vec::new();
    if session.variant() == Variant::TwoLocks {
        let (first, second) =
            if number % 2 == 1 { ("db.txt", "sales.txt") } else { ("sales.txt", "db.txt") };
        variables.extend([("first", first.to_owned()), ("second", second.to_owned())]);
    }
    variables.extend(told.count.map(|count| ("count", count.to_string())));
    variables.extend(told.ticket.map(|ticket| ("ticket", ticket.to_string())));
    variables
}

fn locks(session: &Session) -> Vec<LockView> {
    let view = |(on, worker, waits)| LockView { on, worker, waits };
    let held = session.stage().locks().into_iter().map(|lock| (lock.on, lock.worker, lock.waits));
    let mutexes = session.stage().workers().filter(|(_, _, told, _)| told.has_mutex);
    held.chain(mutexes.map(|(number, ..)| ("its own mutex", number, false))).map(view).collect()
}

fn sales(facts: &Facts) -> Vec<SaleView> {
    let sales = facts.sales.iter().enumerate();
    let view = |(place, (worker, ticket)): (usize, &(u8, u32))| SaleView {
        worker: *worker,
        ticket: *ticket,
        again: facts.is_repeated(place),
    };
    sales.map(view).collect()
}

/// What happened, one thing after the other.
pub(crate) fn steps(session: &Session) -> Vec<StepView> {
    let variant = session.variant();
    let (mut sales, mut number) = (0, 0);
    let view = |event: &Event| {
        let is_sale = variant.lines()[event.line].step.is_sale();
        let mark = match &event.how {
            How::Waits => "waits",
            How::Granted(_) => "granted",
            How::Did(told) if told.broke.is_some() => "broke",
            How::Did(told) if is_sale && !told.swap_failed => {
                sales += 1;
                if session.facts().is_repeated(sales - 1) { "again" } else { "sale" }
            }
            How::Did(_) => "",
        };
        number += usize::from(event.is_step());
        StepView {
            number: event.is_step().then_some(number),
            worker: event.worker,
            line: event.line,
            brief: brief(variant, event),
            says: sentence(variant, event),
            mark,
        }
    };
    session.events().iter().map(view).collect()
}

fn cost_view(cost: &Cost, session: &Session) -> CostView {
    CostView {
        is_now: session.facts().is_over && cost.setup.variant == session.variant(),
        title: cost.setup.variant.title(),
        numbers: numbers(cost.setup),
        result: result_name(cost.outcome),
        unserved: cost.unserved(),
        service: cost.service,
        served_in_100: cost.served_in_100(),
    }
}

fn told_of(mission: &'static Mission, session: &Session) -> MissionView {
    let is_done = session.done().contains(mission.name);
    let if_done = |text| is_done.then_some(text);
    MissionView {
        name: mission.name,
        title: mission.title,
        task: mission.task,
        hint: mission.hint,
        is_done,
        thing: if_done(mission.thing),
        shows: if_done(mission.shows),
        lesson: if_done(mission.lesson),
    }
}

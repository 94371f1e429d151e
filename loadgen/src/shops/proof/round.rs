//! One round: a fresh shop, a load, the judge.

use std::time::Duration;

use crate::{
    judge::{Verdict, ViolationKind},
    lead::{HistoryPlace, Interrupts},
    plan::{Arrivals, Holds, Pace, Plan, Profile, Work},
    report::JudgedHistory,
    run::{CiConfig, Pattern, Restock, RunConfig, judged},
    setup::Mode,
    shop::{Location, Trust},
    shops::{
        error::ShopsError,
        exhibit::{Exhibit, Load},
        service::Service,
    },
};

/// How long a client waits for an answer where it does not ask again: longer than any machine is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// Far more operations than a round has.
const HISTORY_LIMIT: u64 = 100_000;

/// What the judge says of one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Its seed.
    pub(super) seed: u64,
    /// Valid, violation or unknown.
    pub(super) verdict: Verdict,
    /// What is wrong, where anything is.
    pub(super) accusation: Option<Accusation>,
    /// Why nothing is known, where nothing is.
    pub(super) doubts: Vec<String>,
}

/// The smallest counterexample of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accusation {
    /// What kind of wrong.
    pub(super) kind: ViolationKind,
    /// The same for people: a lower-case fragment.
    pub(super) message: String,
    /// How its operations contradict each other.
    pub(super) story: Vec<String>,
    /// How many operations show it; 0 where it takes all.
    pub(super) operations: usize,
}

/// Opens `exhibit`, or its twin, puts its load on it, and judges.
///
/// # Errors
/// The round cannot be carried out, or was interrupted. Answers that are wrong are no error: they are the
/// result.
pub(super) async fn round(
    exhibit: &Exhibit,
    is_mended: bool,
    seed: u64,
    interrupts: &mut Interrupts,
) -> Result<Round, ShopsError> {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let service = Service::open(exhibit, is_mended, exhibit.load.tickets, anywhere).await?;
    let judged = judged(&config(&exhibit.load, service.url(), seed), interrupts).await;
    service.close().await.map_err(ShopsError::Close)?;
    let judged = judged?.ok_or(ShopsError::Interrupted)?;
    Ok(told(seed, &judged))
}

fn told(seed: u64, judged: &JudgedHistory) -> Round {
    let accusation = judged.violations().first().map(|violation| Accusation {
        kind: violation.kind,
        message: violation.message.to_owned(),
        story: violation.story.to_vec(),
        operations: violation.operations.len(),
    });
    let doubts = judged.judgement.doubts.clone();
    Round { seed, verdict: judged.verdict(), accusation, doubts }
}

/// The run that puts `load` on the shop at `url`.
fn config(load: &Load, url: String, seed: u64) -> RunConfig {
    let [buy, hold, search] = load.mix;
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let profile = load.rate_rps.map(|rate| {
        Profile::constant(f64::from(rate)).expect("the rates of the gallery are rates")
    });
    let plan = Plan {
        clients: load.clients,
        work: Work::Mix { buy, hold, search },
        pace: match &profile {
            Some(profile) => Pace::Open { profile: profile.clone(), arrivals: Arrivals::Constant },
            None => Pace::Closed,
        },
        warm_up_ns: 0,
        end_ns: None,
        requests: Some(load.requests),
        until_sold_out: false,
        waves: None,
        holds: Holds {
            quantity: 1,
            seconds: 1,
            confirm: 1.0,
            release: 0.0,
            refund: load.refund,
            end_after_ns: ns(load.confirm_after),
        },
        seed,
    };
    RunConfig {
        location: Location::parse(&url).expect("a service is at a URL"),
        plan,
        profile,
        warm_up: Duration::ZERO,
        length: None,
        mode: Mode::Task,
        workers: 1,
        timeout: load.retry_after.unwrap_or(PATIENCE),
        retries: load.retry_after.is_some(),
        trust: Trust::Authorities,
        keeps_alive: true,
        fields: Vec::new(),
        admin_token: None,
        restocks: load
            .restocks
            .iter()
            .map(|(after, quantity)| Restock { after: *after, quantity: *quantity })
            .collect(),
        map: None,
        initial: None,
        history: HistoryPlace::Temporary,
        history_limit: HISTORY_LIMIT,
        pattern: Pattern::default(),
        ci: CiConfig::default(),
        thresholds: Vec::new(),
        report: None,
        latency: false,
        output: None,
        json: false,
        tui: false,
        url,
    }
}

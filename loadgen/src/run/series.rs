//! All rounds of a run, one after the other: fresh stock, the round, and what it came to, product by product.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Instant,
};

use super::{
    ci::require,
    config::RunConfig,
    error::RunError,
    preparation::{Fresh, Prepared, forget_start, left_before, tells_late},
    result::{Ended, Totals, Worst},
    round::{ended, judged_without_start, prepared, tried_out},
    trial::is_due,
    watch::Watch,
};
use crate::{
    history::{HistoryFile, signed},
    judge::Verdict,
    kept_file::KeepError,
    lead::{HistoryPlace, Interrupts, Stage},
    report::{FaultSummary, JudgedHistory, RoundSummary, check_text, say},
    tally::Tally,
    words::{counted, crowd},
};

/// How many things that are wrong are told of a round.
const VIOLATIONS_MAX: usize = 5;

/// Why a number of the shop may be another than that of its stock, and what to do then.
const TOLD_LATE: &str = "the shop told a count of before it (say `counts = \"exact\"` where it never does, or \
                         `--initial`)";

/// The rounds that are over, and why there are no more.
#[derive(Default)]
pub(super) struct Series {
    /// One after the other.
    pub(super) rounds: Vec<RoundSummary>,
    /// The first of the worst verdict.
    pub(super) worst: Option<Worst>,
    /// What was measured in all of them.
    pub(super) totals: Option<Totals>,
    /// How many were begun.
    pub(super) begun: u32,
    /// Why the last one was not carried out, or not all of it.
    pub(super) failure: Option<RunError>,
    /// What was to be kept and is not.
    pub(super) lost: Vec<RunError>,
    /// Whether it was ended from outside.
    pub(super) was_interrupted: bool,
    /// What the shop had left of each product when the first round began, where it said so.
    first_left: BTreeMap<String, i64>,
}

/// What came of one product in one round.
struct Played {
    config: RunConfig,
    ended: Ended,
    judged: JudgedHistory,
    /// What is odd about its stock.
    doubt: Option<StockDoubt>,
}

/// Stock that is another than that of the first round, or that may have been told late.
struct StockDoubt {
    note: String,
    start: Start,
}

/// What a round began with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// What is in its header.
    Known,
    /// Nobody knows.
    Unknown,
    /// What is in its header, or that was a count of before: it is as it was ahead of the reset. What was sold and
    /// what is left in the end may confirm it; nobody is accused by it.
    Unconfirmed,
}

/// What a product begins a round with.
struct Begun {
    config: RunConfig,
    prepared: Prepared,
    /// What was tried out.
    trial: Tally,
    doubt: Option<StockDoubt>,
}

/// Carries out the rounds of `config`, until one cannot be or is interrupted; what their clients saw goes into
/// `history`, where there is one for all.
pub(super) async fn play(
    config: &RunConfig,
    interrupts: &mut Interrupts,
    history: &mut Option<HistoryFile>,
) -> Series {
    let mut series = Series::default();
    for round in 1..=config.ci.rounds {
        series.begun = round;
        let of_round = of_round(config, round);
        let played = series.one(&of_round, round, interrupts).await;
        let played = match played {
            Ok(Some(played)) => played,
            Ok(None) => {
                series.was_interrupted = true;
                break;
            }
            Err(error) => {
                series.failure = Some(error);
                break;
            }
        };
        let keep_error = |source| RunError::Keep { flag: HISTORY, source };
        for played in &played {
            match history {
                Some(file) => {
                    if let Err(error) = keep(file, &played.judged) {
                        // A file that lacks a round is none of the run.
                        *history = None;
                        series.lost.push(keep_error(error));
                    }
                }
                None => {
                    let kept = played.ended.prepared.check_history();
                    series.lost.extend(kept.map_err(keep_error).err());
                }
            }
        }
        series.take(round, played);
        if series.was_interrupted || series.failure.is_some() {
            break;
        }
    }
    series
}

/// The flag that asks for the histories.
pub(super) const HISTORY: &str = "--history";

fn keep(file: &mut HistoryFile, judged: &JudgedHistory) -> Result<(), KeepError> {
    file.append(&judged.history.header, &judged.history.operations)
}

/// One round of `config`, as a run of its own.
fn of_round(config: &RunConfig, round: u32) -> RunConfig {
    let mut of_round = config.clone();
    of_round.pattern = config.ci.pattern(round);
    of_round.plan.seed = config.plan.seed.wrapping_add(u64::from(round - 1));
    if config.has_parts() && matches!(config.history, HistoryPlace::File(_)) {
        of_round.history = HistoryPlace::Temporary;
    }
    of_round
}

impl Series {
    /// Puts fresh stock on sale and carries the round out, all products at once; `None` where it was interrupted
    /// before its start.
    async fn one(
        &mut self,
        config: &RunConfig,
        round: u32,
        interrupts: &mut Interrupts,
    ) -> Result<Option<Vec<Played>>, RunError> {
        let begun = tokio::select! {
            begun = self.begun(config, round) => begun?,
            () = interrupts.next() => {
                let sent = if is_due(config) { "; one purchase may have been sent, to try the map out" } else { "" };
                say(&format!("interrupted before the start{sent}"));
                return Ok(None);
            }
        };
        if round == 1 && config.map.is_some() && !config.location.base().is_empty() {
            let base = config.location.base();
            say(&format!("note: every path of the map begins with the URL's, `{base}`"));
        }
        if round == 1
            && let Some(map) = &config.map
        {
            for warning in map.warnings() {
                say(&format!("warning: {warning}"));
            }
        }
        let mut played = match <[Begun; 1]>::try_from(begun) {
            Ok([begun]) => {
                let stock = (begun.prepared.header.initial, sold_max(&begun));
                let mut watch = Watch::new(config, &title(config, round), stock);
                vec![carried_out(begun, interrupts, &mut |stage| watch.see(stage)).await?]
            }
            Err(begun) => {
                let (played, error) = parted(at_once(begun).await?);
                self.failure = self.failure.take().or(error);
                played
            }
        };
        // What another product has shown is told all the same.
        played.retain(|played| match look_at_sales(&played.config, round, &played.ended) {
            Ok(()) => true,
            Err(error) => {
                self.was_interrupted |= played.ended.led.was_interrupted;
                self.failure.get_or_insert(error);
                false
            }
        });
        for played in &mut played {
            self.confirm_start(played).await;
            let Played { config, judged, doubt, .. } = played;
            let JudgedHistory { history, judgement, .. } = judged;
            let unknown = doubt.as_ref().filter(|doubt| doubt.start == Start::Unknown);
            if let Some(doubt) = unknown {
                judgement.doubts.insert(0, doubt.note.clone());
            }
            require(&config.ci.required, judgement, &history.operations);
            history.header.label = config.part(round).of_many().map(|part| part.to_string());
        }
        Ok(Some(played))
    }

    /// Looks whether what a round shows agrees with the number that it began with, where that may be one of before;
    /// where it does not, nobody knows what it began with.
    async fn confirm_start(&mut self, played: &mut Played) {
        let Played { config, ended, judged, doubt } = played;
        let Some(unconfirmed) = doubt.as_mut().filter(|doubt| doubt.start == Start::Unconfirmed)
        else {
            return;
        };
        match judged.verdict() {
            Verdict::Valid => {
                *doubt = None;
                let product = config.product().unwrap_or_default();
                let began = ended.prepared.header.initial;
                self.first_left.extend(began.map(|began| (product, began)));
            }
            Verdict::Violation => {
                unconfirmed.start = Start::Unknown;
                forget_start(&mut ended.prepared.header);
                let doubts = std::mem::take(&mut judged.judgement.doubts);
                *judged = judged_without_start(std::mem::take(&mut judged.history)).await;
                let known = &mut judged.judgement.doubts;
                let others = doubts.into_iter().filter(|doubt| !known.contains(doubt));
                let others: Vec<String> = others.collect();
                known.extend(others);
            }
            // The first sale did not show in what was told behind it.
            Verdict::Unknown if ended.prepared.header.initial.is_none() => {
                unconfirmed.start = Start::Unknown;
            }
            Verdict::Unknown => {}
        }
    }

    /// What the shop has of each product ahead of fresh stock, where a look behind that may be told the same.
    async fn left_before(&self, config: &RunConfig) -> BTreeMap<String, i64> {
        let mut before = BTreeMap::new();
        for config in config.products() {
            let product = config.product().unwrap_or_default();
            let is_late = config.ci.reset.is_some() && tells_late(&config);
            if is_late && config.initial.is_none() && !self.first_left.contains_key(&product) {
                before.extend(left_before(&config).await.map(|left| (product, left)));
            }
        }
        before
    }

    /// What each product begins a round with.
    async fn begun(&mut self, config: &RunConfig, round: u32) -> Result<Vec<Begun>, RunError> {
        let before = self.left_before(config).await;
        if let Some(reset) = &config.ci.reset {
            reset.carry_out().await?;
        }
        // It may have started the shop.
        let patience = config.ci.reset.as_ref().map(|_| config.timeout);
        let since = Instant::now();
        let mut begun = Vec::new();
        for config in config.products() {
            let fresh = self.fresh(&config, since);
            let mut prepared = prepared(&config, (patience, fresh)).await?;
            let doubt = self.look_at_stock((&config, round), &before, &mut prepared)?;
            let trial = tried_out(&config, &mut prepared).await?;
            begun.push(Begun { config, prepared, trial, doubt });
        }
        Ok(begun)
    }

    /// What a product should have since fresh stock was put on sale, where its shop may tell that late.
    fn fresh(&self, config: &RunConfig, since: Instant) -> Option<Fresh> {
        let is_late = config.ci.reset.is_some() && tells_late(config);
        let first = self.first_left.get(&config.product().unwrap_or_default());
        let expected = config.initial.map(signed).or(first.copied());
        is_late.then_some(Fresh { since, expected })
    }

    /// Whether the stock of a round is fresh, as far as the shop says. Where what it says may be of `before`, the round
    /// begins with a number that nobody knows.
    fn look_at_stock(
        &mut self,
        (config, round): (&RunConfig, u32),
        before: &BTreeMap<String, i64>,
        prepared: &mut Prepared,
    ) -> Result<Option<StockDoubt>, RunError> {
        let (Some(reset), Ok(stock)) = (&config.ci.reset, &prepared.stock) else { return Ok(None) };
        let left = stock.remaining;
        // Who says how many there are knows better than a search that does not.
        if left <= 0 && config.initial.is_none() {
            let (command, may_be_late) = (reset.command.clone(), tells_late(config));
            return Err(RunError::NotFresh {
                part: config.part(round),
                left,
                may_be_late,
                command,
            });
        }
        let product = config.product().unwrap_or_default();
        if before.get(&product) == Some(&left) {
            let note = format!(
                "it began with {left} left, as many as ahead of `--reset`: that puts the same on sale again, or {TOLD_LATE}"
            );
            return Ok(Some(StockDoubt { note, start: Start::Unconfirmed }));
        }
        let first = *self.first_left.entry(product).or_insert(left);
        if left == first {
            return Ok(None);
        }
        let note = format!(
            "it began with {left} left, and the first round with {first}: `--reset` does not put the same \
             stock on sale each time"
        );
        if !tells_late(config) {
            return Ok(Some(StockDoubt { note, start: Start::Known }));
        }
        forget_start(&mut prepared.header);
        prepared.header.initial = config.initial.map(signed);
        let start = if config.initial.is_none() { Start::Unknown } else { Start::Known };
        let note = format!("{note}, or {TOLD_LATE}");
        Ok(Some(StockDoubt { note, start }))
    }

    /// Takes in a round that is over: of each product, what it came to.
    fn take(&mut self, round: u32, played: Vec<Played>) {
        let mut all: Option<Totals> = None;
        for played in played {
            let totals = self.take_product(round, played);
            match &mut all {
                Some(all) => all.add_beside(totals),
                none => *none = Some(totals),
            }
        }
        match (&mut self.totals, all) {
            (Some(totals), Some(of_round)) => totals.add(of_round),
            (none @ None, of_round) => *none = of_round,
            (Some(_), None) => {}
        }
    }

    /// Takes in one product, and gives what was measured of it.
    fn take_product(&mut self, round: u32, played: Played) -> Totals {
        let Played { config, ended, judged, doubt } = played;
        let mut totals = Totals::of(&config, &ended, &judged);
        totals.notes().extend(doubt.map(|doubt| doubt.note));
        self.was_interrupted |= ended.led.was_interrupted;
        let mut summary = summary(&config, round, &ended, &judged);
        summary.notes.clone_from(totals.notes());
        if config.has_parts() {
            let part = &summary.part;
            say(&format!("{part}: {}", summary.in_words()));
            for note in totals.notes() {
                *note = format!("{part}: {note}");
            }
        }
        self.rounds.push(summary);
        // IMPORTANT: one history in memory, however many rounds there are.
        let is_worse = |worst: &Worst| judged.verdict() > worst.judged.verdict();
        if self.worst.as_ref().is_none_or(is_worse) {
            self.worst = Some(Worst { round, config, ended, judged });
        }
        totals
    }
}

/// Whether the stock of a round was fresh where the shop does not say what it has: a shop that sells nothing and
/// tells everybody "sold out" has none, and is not to be accused of what its user did not do.
fn look_at_sales(config: &RunConfig, round: u32, ended: &Ended) -> Result<(), RunError> {
    let (outcomes, sold_ever) = (ended.led.tally.outcomes, ended.led.tally.sold_ever);
    match &config.ci.reset {
        // Also in the warm-up, which no other figure counts.
        Some(reset)
            if ended.prepared.stock.is_err()
                && sold_ever + outcomes.held == 0
                && outcomes.sold_out > 0 =>
        {
            let (refused, command) = (outcomes.sold_out, reset.command.clone());
            Err(RunError::NothingFresh { part: config.part(round), refused, command })
        }
        _ => Ok(()),
    }
}

/// How many tickets a correct shop sells at most in a round that begins so, where that is known.
fn sold_max(begun: &Begun) -> Option<i128> {
    let is_known = begun.doubt.as_ref().is_none_or(|doubt| doubt.start == Start::Known);
    begun.config.sold_max(&begun.prepared.header).filter(|_| is_known)
}

async fn carried_out(
    begun: Begun,
    interrupts: &mut Interrupts,
    see: &mut dyn FnMut(Stage<'_>),
) -> Result<Played, RunError> {
    let Begun { config, prepared, trial, doubt } = begun;
    let (ended, judged) = ended(&config, (prepared, &trial), interrupts, see).await?;
    Ok(Played { config, ended, judged, doubt })
}

/// A product that is being bought.
type Running = Pin<Box<dyn Future<Output = Result<Played, RunError>>>>;

/// Lets all products be bought at once, and says so.
async fn at_once(begun: Vec<Begun>) -> Result<Vec<Result<Played, RunError>>, RunError> {
    let names = begun.iter().map(|Begun { config, .. }| {
        let name = config.product().unwrap_or_default();
        format!("{name} ({})", counted(config.plan.clients, ("client", "clients")))
    });
    say(&format!("at once: {}", names.collect::<Vec<_>>().join(", ")));
    let mut running: Vec<Running> = Vec::new();
    for begun in begun {
        let mut interrupts = Interrupts::new().map_err(RunError::Start)?;
        running
            .push(Box::pin(async move { carried_out(begun, &mut interrupts, &mut |_| {}).await }));
    }
    let mut played: Vec<Option<Result<Played, RunError>>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (one, came_to) in running.iter_mut().zip(&mut played) {
            if came_to.is_none()
                && let Poll::Ready(ready) = one.as_mut().poll(context)
            {
                *came_to = Some(ready);
            }
        }
        if played.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    Ok(played.into_iter().flatten().collect())
}

/// What there is, and the first error: one that fails takes nothing of the others along.
fn parted<T, E>(results: Vec<Result<T, E>>) -> (Vec<T>, Option<E>) {
    let (mut there, mut first) = (Vec::new(), None);
    for result in results {
        match result {
            Ok(one) => there.push(one),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    (there, first)
}

fn summary(config: &RunConfig, round: u32, ended: &Ended, judged: &JudgedHistory) -> RoundSummary {
    let violations = judged.violations().into_iter().take(VIOLATIONS_MAX);
    let violations = violations.map(|violation| FaultSummary {
        kind: violation.kind,
        message: violation.message.to_owned(),
    });
    let tally = &ended.led.tally;
    let is_judged = config.history != HistoryPlace::Nowhere;
    RoundSummary {
        part: config.part(round),
        seed: config.plan.seed,
        verdict: is_judged.then(|| judged.verdict()),
        requests: tally.intended,
        elapsed_s: ended.elapsed_s(config),
        outcomes: tally.outcomes,
        initial: ended.prepared.header.initial,
        left: ended.left.as_ref().ok().map(|look| look.stock.remaining),
        violations: violations.collect(),
        doubts: judged.judgement.doubts.clone(),
        untried: judged.judgement.untried.clone(),
        notes: Vec::new(),
        text: anstream::adapter::strip_str(&check_text(std::slice::from_ref(judged))).to_string(),
    }
}

fn title(config: &RunConfig, round: u32) -> String {
    let title = format!(
        "{} ({}) on {}",
        counted(config.plan.clients, ("client", "clients")),
        crowd(config.workers, config.mode),
        config.url
    );
    match config.part(round).of_many() {
        Some(part) => format!("{part}, of {}: {title}", config.ci.rounds),
        None => title,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_takes_nothing_of_the_others_along() {
        let results = vec![Ok(1), Err("second"), Ok(3), Err("fourth")];
        assert_eq!(parted(results), (vec![1, 3], Some("second")));
        assert_eq!(parted(vec![Err::<u8, _>("alone")]), (vec![], Some("alone")));
    }
}

//! The rehearsal itself.

use std::io;

use tokio::time::timeout;

use super::{args::TryArgs, told::Told};
use crate::{
    exit_code,
    history::{Answer, Outcome, monotonic_ns},
    kept_file::{KeepError, KeptFile},
    plan::{Action, Holds},
    report::{print_data, print_json, write_json},
    shop::{
        Failure, FlowSession, Location, LocationError, Map, MapError, Order, Shop, Stock,
        TlsConfigs, TlsError, Trust, Waiting, read_map,
    },
    words::harmless,
};

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TryError {
    /// The URL leads nowhere.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The map makes no sense.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Nobody answers there.
    #[error("cannot reach `{url}`: {failure}\nhint: {}", failure.hint())]
    Unreachable {
        /// The shop.
        url: String,
        /// Why not.
        failure: Failure,
    },
    /// There is nobody to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No place for the result.
    #[error("`--output`: {0}")]
    Output(KeepError),
    /// What was seen cannot be told.
    #[error("cannot rehearse: {0}")]
    Io(#[from] io::Error),
}

impl TryError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Io(_) => exit_code::INTERNAL,
            Self::Output(error) => error.exit_code(),
            _ => exit_code::USAGE,
        }
    }
}

/// Makes the calls of a map one by one, and tells what came of them; returns the exit code.
///
/// # Errors
/// Nobody answers, or there is nothing to ask.
pub(crate) fn rehearse(args: &TryArgs) -> Result<u8, TryError> {
    // Before the calls: a name that cannot be had would be known only when all is seen.
    let output = args.output.as_deref().map(KeptFile::create).transpose();
    let output = output.map_err(TryError::Output)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = runtime.block_on(rehearsed(args))?;
    if args.json {
        print_json(&told.json())?;
    } else {
        print_data(harmless(&told.text()))?;
    }
    if let Some(mut file) = output {
        let written = file.add(|mut out| write_json(&mut out, &told.json()));
        written.and_then(|()| file.keep()).map_err(TryError::Output)?;
    }
    Ok(if told.problems.is_empty() { exit_code::VALID } else { exit_code::USAGE })
}

async fn rehearsed(args: &TryArgs) -> Result<Told, TryError> {
    let location = Location::parse(&args.url)?;
    let mut map = read_map(&args.map)?;
    for field in &args.fields {
        map.keep_secret(&field.variables);
    }
    let lane = if map.is_flow() {
        "several calls: cookies are kept, and redirects followed"
    } else {
        "one call a purchase, as cheap as it gets: no cookies, no redirects"
    };
    let mut told = Told { lane, ..Told::default() };
    if !location.base().is_empty() {
        told.results.push(format!("every path begins with the URL's, `{}`", location.base()));
    }
    told.results.extend(map.warnings().into_iter().map(|warning| format!("warning: {warning}")));
    let mut shop = Shop::new(&location, location.resolve().await?, Some(map.clone()));
    shop.trust = if args.insecure { Trust::Anybody } else { Trust::Authorities };
    (shop.connect_limit, shop.answer_limit) = (args.timeout, args.timeout);
    shop.fields = args.fields.iter().map(|field| field.field.clone()).collect();
    let seconds = map.hold_seconds().unwrap_or(Holds::default().seconds);
    shop.holds = Some(Holds { seconds, ..Holds::default() });
    let configs = TlsConfigs::default();
    let mut session = FlowSession::new(&shop, &map, 0, Waiting::Shared, &configs)?;
    let unreachable = |failure| TryError::Unreachable { url: args.url.clone(), failure };
    match timeout(args.timeout, session.connect()).await {
        Ok(connected) => connected.map_err(unreachable)?,
        Err(_) => return Err(unreachable(Failure::ConnectTimeout(args.timeout))),
    }
    if map.members.http2 {
        told.results.push("the shop speaks HTTP/2".to_owned());
    }
    session.write_down();
    let mut rehearsal =
        Rehearsal { args, map: &map, session, told, run: monotonic_ns(), number: 0, sold: 0 };
    rehearsal.carry_out().await;
    let Rehearsal { mut session, mut told, .. } = rehearsal;
    told.calls = session.transcript();
    Ok(told)
}

/// A map that is rehearsed.
struct Rehearsal<'a> {
    args: &'a TryArgs,
    map: &'a Map,
    session: FlowSession,
    told: Told,
    /// A number that no other rehearsal has.
    run: u64,
    /// How many orders there were.
    number: u64,
    /// How many tickets the last sale was of.
    sold: u64,
}

impl Rehearsal<'_> {
    async fn carry_out(&mut self) {
        let order = self.order("");
        if let Err(fault) = self.session.begin(order).await {
            return self.told.problems.push(fault.to_string());
        }
        let when = if self.args.buy { " before" } else { "" };
        let mut left = self.look(when).await;
        if !self.args.buy {
            self.told.results.push("nothing was bought: `--buy` tries that too".to_owned());
            return;
        }
        if !self.told.problems.is_empty() {
            self.told.results.push("nothing was bought".to_owned());
            return;
        }
        for story in [
            &[Action::Buy, Action::Refund][..],
            &[Action::Hold, Action::Release],
            &[Action::Hold, Action::Confirm, Action::Refund],
            &[Action::Restock],
        ] {
            let has_story = match story {
                [Action::Hold, end, ..] => self.map.has(*end),
                [first, ..] => self.map.has(*first),
                [] => false,
            };
            let story = story.iter().filter(|action| self.map.has(**action));
            for action in story.filter(|_| has_story) {
                if !self.operate(*action, &mut left).await {
                    return;
                }
            }
        }
    }

    /// Carries out `action`, and looks at what it did to what is left; says whether it is to go on.
    async fn operate(&mut self, action: Action, left: &mut Option<Stock>) -> bool {
        let quantity = match action {
            Action::Buy => self.map.members.buy.quantity,
            // What was sold last is taken back: bought, or held before.
            _ => Holds::default().quantity,
        };
        let order = self.order("1");
        let answer = self.session.call(action, order).await;
        self.judge(action, &answer);
        if !matches!(answer.outcome, Outcome::Sold | Outcome::Done)
            || !self.told.problems.is_empty()
        {
            return false;
        }
        let after = self.look(&format!(" after {}", the(action))).await;
        if let (Some(before), Some(after)) = (*left, after) {
            let fell = i128::from(before.remaining) - i128::from(after.remaining);
            let expected = match action {
                Action::Buy | Action::Hold => i128::from(quantity),
                Action::Release | Action::Restock => -i128::from(quantity),
                Action::Refund => -i128::from(self.sold),
                Action::Confirm | Action::Search => 0,
            };
            if fell != expected {
                self.told.results.push(format!(
                    "what is left went from {} to {} for {}: it may be told late, others may buy, or it \
                     counts something else",
                    before.remaining,
                    after.remaining,
                    of(action, expected.unsigned_abs())
                ));
            }
        }
        *left = after;
        self.told.problems.is_empty()
    }

    /// What is left, where the map knows how to ask, and when that was, for people.
    async fn look(&mut self, when: &str) -> Option<Stock> {
        if !self.map.has(Action::Search) {
            let text = "the map has no `[search]`: a run needs `--initial N`".to_owned();
            if !self.told.results.contains(&text) {
                self.told.results.push(text);
            }
            return None;
        }
        let order = self.order("");
        match self.session.stock(order).await {
            Ok(stock) => {
                self.told.results.push(format!("left{when}: {}", stock.remaining));
                Some(stock)
            }
            Err(error) => {
                let fault = self.session.misfit().map(ToString::to_string);
                self.told.problems.push(fault.unwrap_or(error.reason));
                None
            }
        }
    }

    /// An order with a number of its own.
    fn order<'a>(&mut self, token: &'a str) -> Order<'a> {
        self.number += 1;
        Order { run: self.run, client: 0, number: self.number, token }
    }

    fn judge(&mut self, action: Action, answer: &Answer) {
        let reason = answer.reason.clone().unwrap_or_default();
        if let Some(fault) = self.session.misfit() {
            return self.told.problems.push(fault.to_string());
        }
        match answer.outcome {
            Outcome::Sold => {
                self.sold = match action {
                    Action::Buy => self.map.members.buy.quantity,
                    _ => Holds::default().quantity,
                };
                let tickets: Vec<String> =
                    answer.tickets.iter().map(|ticket| ticket.to_string()).collect();
                self.told.results.push(match tickets.is_empty() {
                    true => "bought, without a ticket's name: only counts can accuse the shop"
                        .to_owned(),
                    false => format!("bought: {}", tickets.join(", ")),
                });
            }
            Outcome::Done => self.told.results.push(done(action).to_owned()),
            Outcome::SoldOut => {
                let text = "sold out: put tickets on sale to try the rest of the map";
                self.told.problems.push(text.to_owned());
            }
            Outcome::Refused => {
                self.told.problems.push(format!("refused: {reason}"));
            }
            Outcome::Found | Outcome::Unknown => {
                let is_sale = matches!(action, Action::Buy | Action::Confirm);
                let what = if is_sale { "it was sold" } else { "that was done" };
                self.told.problems.push(format!("nobody knows whether {what}: {reason}"));
            }
        }
    }
}

/// An operation that is over, as part of a sentence.
fn the(action: Action) -> &'static str {
    match action {
        Action::Buy => "the purchase",
        Action::Hold => "the hold",
        Action::Confirm => "the confirm",
        Action::Release => "the release",
        Action::Refund => "the refund",
        Action::Restock => "the restock",
        Action::Search => "the search",
    }
}

/// What was carried out.
fn done(action: Action) -> &'static str {
    match action {
        Action::Hold => "put aside",
        Action::Release => "released",
        Action::Refund => "refunded",
        Action::Restock => "put on sale: one more",
        Action::Buy | Action::Confirm | Action::Search => "done",
    }
}

/// An operation of so many tickets, as part of a sentence.
fn of(action: Action, quantity: u128) -> String {
    match action {
        Action::Buy => format!("a purchase of {quantity}"),
        Action::Hold => format!("a hold of {quantity}"),
        Action::Release => format!("a release of {quantity}"),
        Action::Refund => format!("a refund of {quantity}"),
        Action::Restock => format!("a restock of {quantity}"),
        Action::Confirm => "a confirm, which changes nothing".to_owned(),
        Action::Search => "a search".to_owned(),
    }
}

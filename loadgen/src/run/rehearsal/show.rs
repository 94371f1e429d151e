//! The rehearsal itself.

use std::io::{self, Write as _};

use tokio::time::timeout;

use super::{args::TryArgs, told::Told};
use crate::{
    exit_code,
    history::{Answer, Outcome, monotonic_ns},
    plan::Action,
    report::or_closed,
    shop::{
        Failure, FlowSession, Location, LocationError, MapError, Order, Shop, Stock, TlsConfigs,
        TlsError, Trust, Waiting, read_map,
    },
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
    /// What was seen cannot be told.
    #[error("cannot rehearse: {0}")]
    Io(#[from] io::Error),
}

impl TryError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Io(_) => exit_code::INTERNAL,
            _ => exit_code::USAGE,
        }
    }
}

/// Makes the calls of a map one by one, and tells what came of them; returns the exit code.
///
/// # Errors
/// Nobody answers, or there is nothing to ask.
pub(crate) fn rehearse(args: &TryArgs) -> Result<u8, TryError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = runtime.block_on(rehearsed(args))?;
    let mut out = anstream::stdout().lock();
    let written = if args.json {
        writeln!(out, "{:#}", told.json())
    } else {
        out.write_all(told.text().as_bytes())
    };
    or_closed(written)?;
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
    let mut shop = Shop::new(&location, location.resolve().await?, Some(map.clone()));
    shop.trust = if args.insecure { Trust::Anybody } else { Trust::Authorities };
    (shop.connect_limit, shop.answer_limit) = (args.timeout, args.timeout);
    shop.fields = args.fields.iter().map(|field| field.field.clone()).collect();
    let configs = TlsConfigs::default();
    let mut session = FlowSession::new(&shop, &map, 0, Waiting::Shared, &configs)?;
    let unreachable = |failure| TryError::Unreachable { url: args.url.clone(), failure };
    match timeout(args.timeout, session.connect()).await {
        Ok(connected) => connected.map_err(unreachable)?,
        Err(_) => return Err(unreachable(Failure::ConnectTimeout(args.timeout))),
    }
    session.write_down();
    let mut rehearsal = Rehearsal { args, has_search: map.members.search.is_some(), session, told };
    rehearsal.carry_out(map.members.buy.quantity).await;
    let Rehearsal { mut session, mut told, .. } = rehearsal;
    told.calls = session.transcript();
    Ok(told)
}

/// A map that is rehearsed.
struct Rehearsal<'a> {
    args: &'a TryArgs,
    has_search: bool,
    session: FlowSession,
    told: Told,
}

impl Rehearsal<'_> {
    async fn carry_out(&mut self, quantity: u64) {
        let order = Order { run: monotonic_ns(), client: 0, number: 0, token: "" };
        if let Err(fault) = self.session.begin(order).await {
            return self.told.problems.push(fault.to_string());
        }
        let before = self.look(order).await;
        if !self.args.buy {
            self.told.results.push("nothing was bought: `--buy` tries that too".to_owned());
            return;
        }
        if !self.told.problems.is_empty() {
            self.told.results.push("nothing was bought".to_owned());
            return;
        }
        let answer = self.session.call(Action::Buy, order).await;
        self.judge(&answer);
        if answer.outcome != Outcome::Sold {
            return;
        }
        let after = self.look(order).await;
        if let (Some(before), Some(after)) = (before, after) {
            let fell = i128::from(before.remaining) - i128::from(after.remaining);
            if fell != i128::from(quantity) {
                self.told.results.push(format!(
                    "what is left went from {} to {} for a purchase of {quantity}: it may be told late, \
                     others may buy, or it counts something else",
                    before.remaining, after.remaining
                ));
            }
        }
    }

    /// What is left, where the map knows how to ask.
    async fn look(&mut self, order: Order<'_>) -> Option<Stock> {
        if !self.has_search {
            let text = "the map has no `[search]`: a run needs `--initial N`".to_owned();
            if !self.told.results.contains(&text) {
                self.told.results.push(text);
            }
            return None;
        }
        match self.session.stock(order).await {
            Ok(stock) => {
                self.told.results.push(format!("left: {}", stock.remaining));
                Some(stock)
            }
            Err(error) => {
                let fault = self.session.misfit().map(ToString::to_string);
                self.told.problems.push(fault.unwrap_or(error.reason));
                None
            }
        }
    }

    fn judge(&mut self, answer: &Answer) {
        let reason = answer.reason.clone().unwrap_or_default();
        if let Some(fault) = self.session.misfit() {
            return self.told.problems.push(fault.to_string());
        }
        match answer.outcome {
            Outcome::Sold => {
                let tickets: Vec<String> =
                    answer.tickets.iter().map(|ticket| ticket.to_string()).collect();
                self.told.results.push(match tickets.is_empty() {
                    true => "bought, without a ticket's name: only counts can accuse the shop"
                        .to_owned(),
                    false => format!("bought: {}", tickets.join(", ")),
                });
            }
            Outcome::SoldOut => {
                let text = "sold out: put tickets on sale to try `[buy.sold]`";
                self.told.problems.push(text.to_owned());
            }
            Outcome::Refused => self.told.problems.push(format!("refused: {reason}")),
            Outcome::Found | Outcome::Done | Outcome::Unknown => {
                self.told.problems.push(format!("nobody knows whether it was sold: {reason}"));
            }
        }
    }
}

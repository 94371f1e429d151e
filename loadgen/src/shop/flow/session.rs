//! One client of a shop whose purchases are of several calls.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use tokio::time::sleep;
use url::{Position, Url};

use super::{
    browser::{Browser, Visited},
    fault::{Cause, FlowFault},
    transcript::{Exchange, Sent},
};
use crate::{
    history::{Answer, Outcome},
    plan::{Action, Holds},
    shop::{
        answer::{NoStock, Stock, found, missing},
        html::unescaped,
        http_shop::Shop,
        map::{
            Call, Filled, Finding, Looked, Map, MapReader, Meaning, Misread, Nameless, Place,
            QUANTITY, Request, SECONDS, Script, Source, Take, Texts, plain, status_to, unread,
        },
        retry_after::retry_after,
        secret::{Secret, masked},
        wire::{Failure, Order, Reply, TlsConfigs, TlsError, Waiting},
    },
};

/// How much of an answer is shown, in characters.
const SHOWN_MAX: usize = 400;

/// How much of one is looked through for what is not to be shown, in characters: a value may be much longer than its
/// name.
const READ_MAX: usize = 16 * 1024;

/// The shortest value that is taken out of what is shown: of somebody's own, and of what an answer gave.
const SECRET_MIN: usize = 3;
const TAKEN_MIN: usize = 6;

/// What to write where an answer to a purchase is not known.
const RULES_OF_A_PURCHASE: &str = "say how such an answer is known in `[buy.sold]`, `[buy.sold_out]` or \
     `[buy.refused]`, or what a purchase has to send in `[buy]`";

/// What to write where an answer to an `again` with `at` is not known.
const PLACE_OF_A_PATH: &str = "`at` names a place where the answer has a path; where it has an id, take that and \
     write the path, as in `again = { status = [202], path = \"/orders/${id}\" }`";

/// One client: what it knows, and its way to the shop.
#[derive(Debug)]
pub(crate) struct FlowSession {
    browser: Browser,
    script: Arc<Script>,
    reader: MapReader,
    map: Known,
    /// How many tickets are put aside at a time, and for how long.
    holds: Holds,
    /// What it is called, and what the calls ahead of all purchases gave.
    own: BTreeMap<String, Value>,
    /// What names stand for of what is bought.
    product: BTreeMap<String, Value>,
    first_client: u32,
    /// What the calls of this operation gave, and of what it follows on.
    taken: BTreeMap<String, Value>,
    /// What the answer gives that is being read; it is hidden before it is known whether it is kept.
    given: Vec<(String, Value)>,
    has_begun: bool,
    /// Whether the operation has come so far that it may have happened.
    may_have_happened: bool,
    /// Whether the shop has taken on a call of the operation that may have put tickets aside.
    is_taken_on: bool,
    /// Whether the call that is being made has got an answer, if not the last.
    is_answered: bool,
    /// Whom it was asked of behind its own path: where a redirect leads, or an `again`.
    asked_on: Option<String>,
    /// When the last answer that may pass says to come back.
    retry_after: Option<Duration>,
    fault: Option<FlowFault>,
    transcript: Option<Vec<Exchange>>,
}

/// What a session needs of its map beside the calls.
#[derive(Debug)]
struct Known {
    name: String,
    /// Whether a purchase is of several calls; one of a single call is made here where it is tried out.
    is_flow: bool,
    variables: BTreeMap<String, Secret>,
    /// How many values of `own` are the buyer's.
    secrets: Vec<(String, Secret)>,
}

/// An answer to a call of the map.
struct Heard {
    visited: Visited,
    /// Whether it is not the first answer: the call itself was taken.
    was_taken: bool,
}

/// What an order is for.
type Ordered<'a> = (Action, Order<'a>);

/// What follows on a call ahead of the one that sells.
enum Went {
    On,
    /// The purchase is over.
    Ended(Answer),
}

impl FlowSession {
    /// Client number `client` of `shop`, which `map` describes; it has done nothing yet.
    ///
    /// # Errors
    /// The shop is to be spoken to over TLS, and there is nobody to trust.
    pub(crate) fn new(
        shop: &Shop,
        map: &Map,
        client: u32,
        waiting: Waiting,
        tls_configs: &TlsConfigs,
    ) -> Result<Self, TlsError> {
        let secret = |value: &str| Secret(value.to_owned());
        let row: Vec<(&str, &str)> = map.buyers.row(map.first_client + client).collect();
        let of_row = row.iter().map(|(name, value)| (format!("${{{name}}}"), secret(value)));
        let of_map = map.secrets().map(|(name, value)| (name, secret(value)));
        Ok(Self {
            browser: Browser::new(shop, map.is_flow(), waiting, tls_configs)?,
            script: Arc::new(map.script()),
            reader: map.reader(),
            own: row.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect(),
            product: map.product_values(),
            first_client: map.first_client,
            map: Known {
                name: map.name.clone(),
                is_flow: map.is_flow(),
                variables: map.variables(),
                secrets: of_row.chain(of_map).collect(),
            },
            holds: shop.holds.unwrap_or_default(),
            taken: BTreeMap::new(),
            given: Vec::new(),
            has_begun: false,
            may_have_happened: false,
            is_taken_on: false,
            is_answered: false,
            asked_on: None,
            retry_after: None,
            fault: None,
            transcript: None,
        })
    }

    /// Writes down from now on what is said.
    pub(crate) fn write_down(&mut self) {
        self.browser.write_down();
        self.transcript = Some(Vec::new());
    }

    /// What was said since the last time.
    pub(crate) fn transcript(&mut self) -> Vec<Exchange> {
        self.transcript.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What went wrong with the last operation, where the map does not fit the shop.
    pub(crate) fn misfit(&self) -> Option<&FlowFault> {
        self.fault.as_ref().filter(|fault| fault.is_misfit())
    }

    /// Opens the connection, where what comes first has not done so.
    ///
    /// # Errors
    /// The shop does not answer.
    pub(crate) async fn connect(&mut self) -> Result<(), Failure> {
        if self.has_begun && !self.script.before.is_empty() {
            return Ok(());
        }
        self.browser.connect().await
    }

    /// Does what comes ahead of all purchases, once.
    ///
    /// # Errors
    /// Some answer does not bring what is needed.
    pub(crate) async fn begin(&mut self, order: Order<'_>) -> Result<(), FlowFault> {
        if self.has_begun {
            return Ok(());
        }
        let script = Arc::clone(&self.script);
        for call in &script.before {
            match self.step(call, (Action::Search, order)).await {
                Ok(Went::On) => {}
                Ok(Went::Ended(answer)) => {
                    let status = Cause::Refused(answer.reason.unwrap_or_default());
                    return Err(self.fault(call, status, None));
                }
                Err(fault) => return Err(fault),
            }
        }
        self.own.append(&mut self.taken);
        self.has_begun = true;
        Ok(())
    }

    /// How many tickets there are.
    ///
    /// # Errors
    /// There is no answer, or none that says so.
    pub(crate) async fn stock(&mut self, order: Order<'_>) -> Result<Stock, NoStock> {
        self.fault = None;
        let begun = self.begin(order).await;
        if let Err(fault) = begun {
            return Err(self.no_stock(fault, None));
        }
        let script = Arc::clone(&self.script);
        let no_search = || "the map of this shop has no search".to_owned();
        let call = script.search.as_ref().ok_or_else(no_search)?;
        let heard = match self.make(call, (Action::Search, order)).await {
            Ok(heard) => heard,
            Err(fault) => return Err(self.no_stock(fault, None)),
        };
        let mut stock = self.reader.stock(heard.reply());
        if self.transcript.is_some() || stock.is_err() {
            let texts = Texts::of(&heard.visited.head, &heard.visited.body);
            let looked = texts.look();
            let findings = self.reader.findings(Action::Search, heard.visited.status, &looked);
            self.tell(call, &heard, &looked, findings);
            stock = stock.map_err(|NoStock { reason, hint, answer }| {
                let cause = match hint {
                    Some(hint) => Cause::Misread { reason, hint },
                    None => Cause::Refused(reason),
                };
                self.no_stock(self.fault(call, cause, Some(self.shown(&looked))), answer)
            });
        }
        stock
    }

    /// Remembers `fault` of a search, and says what follows from it.
    fn no_stock(&mut self, fault: FlowFault, answer: Option<(u16, String)>) -> NoStock {
        let fault = self.remember(fault);
        let (told, way_out) = (fault.to_string(), fault.way_out());
        let (reason, hint) = match told.split_once("\nhint: ") {
            Some((reason, hint)) => (reason.to_owned(), Some(hint.to_owned())),
            None => (told, way_out.map(str::to_owned)),
        };
        NoStock { reason, hint, answer }
    }

    /// Carries out `action` as `order`; what ends a hold or takes back a sale is about the last one. Where the
    /// caller drops this before it is done, [`FlowSession::gave_up`] says what is known.
    pub(crate) async fn call(&mut self, action: Action, order: Order<'_>) -> Answer {
        (self.may_have_happened, self.fault, self.retry_after) = (false, None, None);
        self.is_taken_on = false;
        match action {
            Action::Search => return found(self.stock(order).await),
            Action::Buy | Action::Hold | Action::Restock => self.taken.clear(),
            Action::Confirm | Action::Release | Action::Refund => {}
        }
        let answer = self.operate(action, order).await;
        Answer { is_turned_away: answer.is_turned_away && !self.is_taken_on, ..answer }
    }

    /// What is known of a call that was dropped after `limit`.
    pub(crate) fn gave_up(&self, action: Action, limit: Duration) -> Answer {
        let answer = missing(action, &Failure::Timeout(limit));
        if self.may_have_happened { answer } else { Answer { outcome: Outcome::Refused, ..answer } }
    }

    /// When the last answer says to come back, where it says so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// How long an operation may take in all where each answer may take `limit`.
    pub(crate) fn patience(&self, limit: Duration) -> Duration {
        self.script.patience(limit)
    }

    async fn operate(&mut self, action: Action, order: Order<'_>) -> Answer {
        let script = Arc::clone(&self.script);
        let Some(sequence) = script.sequence(action) else {
            return Answer::refused("the map of this shop has no call for it");
        };
        if let Err(fault) = self.begin(order).await {
            return self.failed(fault);
        }
        let order = (action, order);
        for call in &sequence.steps {
            match self.step(call, order).await {
                Ok(Went::On) => {
                    self.may_have_happened |= call.holds;
                    self.is_taken_on |= !call.request.is_safe();
                }
                Ok(Went::Ended(answer)) => return self.ended(answer),
                Err(fault) => {
                    self.may_have_happened |= call.holds && self.has_reached(&fault);
                    return self.failed(fault);
                }
            }
        }
        let call = &sequence.last;
        let before = self.may_have_happened;
        self.may_have_happened = true;
        let heard = match self.make(call, order).await {
            Ok(heard) => heard,
            Err(fault) => {
                self.may_have_happened = before || self.has_reached(&fault);
                return self.failed(fault);
            }
        };
        let answer = self.read_last(action, call, &heard, before);
        if matches!(answer.outcome, Outcome::Sold | Outcome::Done) {
            self.keep(action, call, &heard);
        }
        answer
    }

    /// Whether the call that ended with `fault` may have reached the shop, all of it.
    fn has_reached(&self, fault: &FlowFault) -> bool {
        self.is_answered || self.browser.is_sent() || !fault.is_ahead()
    }

    /// What the answer to the last call of `action` says; `has_held` where an earlier one has set tickets aside.
    fn read_last(&mut self, action: Action, call: &Call, heard: &Heard, has_held: bool) -> Answer {
        self.is_taken_on |= heard.was_taken;
        let status = heard.visited.status;
        let texts = Texts::of(&heard.visited.head, &heard.visited.body);
        let looked = texts.look();
        let mut findings = Vec::new();
        if self.transcript.is_some() {
            findings = self.reader.findings(action, status, &looked);
            let taken = self.take(call, heard, &looked);
            findings.extend(findings_of(call, &taken));
            self.hide(call, taken);
        }
        self.tell(call, heard, &looked, findings);
        self.retry_after = wanted_pause(&looked);
        let known = self.reader.known(action, self.holds.quantity, status, &looked);
        // Any status of success may stand for a change, and GraphQL has it for errors too.
        let is_error = |answer: &Answer| {
            answer.outcome == Outcome::Done && call.is_graphql && has_errors(&looked)
        };
        let cause = match known {
            Some(answer) if is_error(&answer) => Cause::Errors,
            Some(answer) => {
                let held = self.holds.quantity;
                if let Some(misread) = self.reader.misread(action, held, status, &looked) {
                    let Misread { reason, hint } = misread;
                    let taken = self.take(call, heard, &looked);
                    self.hide(call, taken);
                    let cause = Cause::Misread { reason, hint };
                    self.fault = Some(self.fault(call, cause, Some(self.shown(&looked))));
                }
                self.may_have_happened = has_held;
                return self.ended(answer);
            }
            None => {
                let at = call.again.as_ref().and_then(|poll| poll.at.as_ref());
                let hint = match action {
                    _ if heard.was_taken && at.is_some() => Some(PLACE_OF_A_PATH),
                    Action::Buy => Some(RULES_OF_A_PURCHASE),
                    _ => None,
                };
                Cause::NoRule { status, said: status_to(status, &looked), hint }
            }
        };
        let taken = self.take(call, heard, &looked);
        self.hide(call, taken);
        let shown = self.shown(&looked);
        let answer = unread(status, &looked);
        // Whoever says when to come back is not misunderstood.
        if !answer.is_passing || cause == Cause::Errors {
            self.fault = Some(self.fault(call, cause, Some(shown)));
        }
        let unread = answer.unread.map(|text| Box::new(self.masked(&text)));
        // What was taken, and led on to this, is not undone by a page that is not there.
        let is_refused = matches!(status, 400..=499) && !heard.was_taken && !has_held;
        let outcome = if is_refused { Outcome::Refused } else { Outcome::Unknown };
        Answer { outcome, unread, ..answer }
    }

    /// Shows to nobody what an answer to `call` gives.
    fn hide(&mut self, call: &Call, taken: Vec<Option<Value>>) {
        let given = call.takes.iter().zip(taken);
        self.given = given.filter_map(|(take, value)| Some((take.name.clone(), value?))).collect();
    }

    /// Keeps what the answer to the last call of `action` gives for what may follow; what is wanted there and
    /// is not given is a fault of the map.
    fn keep(&mut self, action: Action, call: &Call, heard: &Heard) {
        if call.takes.is_empty() {
            return;
        }
        let texts = Texts::of(&heard.visited.head, &heard.visited.body);
        let looked = texts.look();
        let script = Arc::clone(&self.script);
        let follows: &[Action] = match action {
            Action::Buy => &[Action::Refund],
            Action::Hold => &[Action::Confirm, Action::Release],
            Action::Confirm => &[Action::Refund],
            _ => &[],
        };
        let is_wanted = |name: &str| {
            let mut sequences = follows.iter().filter_map(|action| script.sequence(*action));
            sequences.any(|sequence| sequence.sends(name))
        };
        for (take, value) in call.takes.iter().zip(self.take(call, heard, &looked)) {
            match value {
                Some(value) => drop(self.taken.insert(take.name.clone(), value)),
                None if is_wanted(&take.name) => {
                    let cause = no_value(&finding_of(call, take, None), &looked);
                    self.fault = Some(self.fault(call, cause, Some(self.shown(&looked))));
                }
                None => {}
            }
        }
    }

    /// How an operation ended that a rule of the map knows the answer of: where tickets may be set aside all
    /// the same, nobody knows what became of these.
    fn ended(&self, answer: Answer) -> Answer {
        if answer.outcome == Outcome::Refused && self.may_have_happened {
            return Answer { outcome: Outcome::Unknown, ..answer };
        }
        answer
    }

    fn failed(&mut self, fault: FlowFault) -> Answer {
        let is_turned_away =
            !self.has_reached(&fault) || fault.turns_away(self.retry_after.is_some());
        let is_flow = self.map.is_flow;
        let fault = self.remember(fault);
        let reason = fault.counted(is_flow);
        let unread = fault.answer.clone().filter(|answer| !answer.is_empty()).map(Box::new);
        let is_passing = fault.is_passing();
        let missing = fault.failure().map(|failure| missing(Action::Buy, failure).missing);
        let outcome = if self.may_have_happened { Outcome::Unknown } else { Outcome::Refused };
        let missing = missing.flatten();
        Answer { outcome, unread, is_passing, is_turned_away, missing, ..Answer::unknown(reason) }
    }

    fn remember(&mut self, fault: FlowFault) -> &FlowFault {
        self.fault.insert(fault)
    }

    /// Makes a call ahead of the last one, and takes what it gives.
    async fn step(&mut self, call: &Call, order: Ordered<'_>) -> Result<Went, FlowFault> {
        let heard = self.make(call, order).await?;
        self.is_taken_on |= heard.was_taken;
        let status = heard.visited.status;
        let texts = Texts::of(&heard.visited.head, &heard.visited.body);
        let looked = texts.look();
        self.retry_after = wanted_pause(&looked);
        if let Some(answer) = call.refusals.read(status, &looked) {
            self.tell(call, &heard, &looked, Vec::new());
            return Ok(Went::Ended(answer));
        }
        let is_expected = call.expected.as_ref().is_none_or(|when| when.holds(status, &looked));
        let refused = if !is_expected {
            Some(Cause::NoRule { status, said: status_to(status, &looked), hint: None })
        } else if call.is_graphql && has_errors(&looked) {
            Some(Cause::Errors)
        } else {
            None
        };
        if let Some(cause) = refused {
            self.tell(call, &heard, &looked, Vec::new());
            return Err(self.fault(call, cause, Some(self.shown(&looked))));
        }
        let taken = self.take(call, &heard, &looked);
        let findings = match self.transcript {
            Some(_) => findings_of(call, &taken).collect(),
            None => Vec::new(),
        };
        let missing = call.takes.iter().zip(&taken).find(|(_, value)| value.is_none());
        let missing = missing.map(|(take, _)| no_value(&finding_of(call, take, None), &looked));
        for (take, value) in call.takes.iter().zip(taken) {
            self.taken.extend(value.map(|value| (take.name.clone(), value)));
        }
        self.tell(call, &heard, &looked, findings);
        match missing {
            Some(cause) => Err(self.fault(call, cause, Some(self.shown(&looked)))),
            None => Ok(Went::On),
        }
    }

    /// What is taken from an answer, one value for each that the call takes.
    fn take(&self, call: &Call, heard: &Heard, looked: &Looked<'_>) -> Vec<Option<Value>> {
        let takes = call.takes.iter().map(|take| {
            let value = match &take.from {
                Source::Place(place) => place.find(looked),
                Source::Cookie(name) => {
                    let url = heard.visited.url.as_ref();
                    let cookie = url.and_then(|url| self.browser.cookie(url, name));
                    cookie.map(|value| decoded(&value).into())
                }
            };
            let is_pattern = matches!(&take.from, Source::Place(Place::Pattern(_)));
            value.filter(|value| !value.is_null()).map(|value| match value {
                Value::String(text) if is_pattern && is_html(looked) => {
                    Value::String(unescaped(&text))
                }
                other => other,
            })
        });
        takes.collect()
    }

    /// Makes `call`, and asks on where its answer is not the last.
    async fn make(&mut self, call: &Call, order: Ordered<'_>) -> Result<Heard, FlowFault> {
        self.is_answered = false;
        self.asked_on = None;
        self.given.clear();
        let visited = self.visit(call, &call.request, None, order).await?;
        self.is_answered = true;
        let was_led = visited.stops.len() > 1;
        self.asked_on = visited.stops.last().filter(|_| was_led).cloned();
        let mut heard = Heard { visited, was_taken: was_led };
        let Some(poll) = &call.again else { return Ok(heard) };
        let begun = Instant::now();
        let mut at = None;
        for asked in 1_u32.. {
            let texts = Texts::of(&heard.visited.head, &heard.visited.body);
            let looked = texts.look();
            if !poll.holds(heard.visited.status, &looked) {
                return Ok(heard);
            }
            for (take, value) in call.takes.iter().zip(self.take(call, &heard, &looked)) {
                self.taken.extend(value.map(|value| (take.name.clone(), value)));
            }
            let gone = begun.elapsed();
            if gone >= poll.within {
                self.tell(call, &heard, &looked, Vec::new());
                let cause = Cause::Endless { within: poll.within, asked };
                return Err(self.fault(call, cause, Some(self.shown(&looked))));
            }
            if let Some(place) = &poll.at {
                let found = place.find(&looked).map(|value| plain(&value).into_owned());
                at = found.or(at);
                if at.is_none() {
                    let finding = Finding {
                        member: format!("{}.again.at", call.name),
                        place: place.to_string(),
                        found: None,
                    };
                    let cause = no_value(&finding, &looked);
                    self.tell(call, &heard, &looked, vec![finding]);
                    return Err(self.fault(call, cause, Some(self.shown(&looked))));
                }
            }
            let pause = wanted_pause(&looked).unwrap_or_default().max(poll.every);
            drop(looked);
            sleep(pause.min(poll.within - gone)).await;
            let page = call.request.page();
            let request = match (&poll.request, &at) {
                (Some(request), _) => request,
                (None, Some(_)) => &page,
                (None, None) => &call.request,
            };
            let from = heard.visited.url.take();
            let link = at.as_deref().zip(from.as_ref());
            let visited = self.visit(call, request, link, order).await?;
            heard = Heard { visited, was_taken: true };
        }
        unreachable!("a poll ends by its time");
    }

    /// Sends one request of `call`: to its own path, or to where a `link` leads from a page.
    async fn visit(
        &mut self,
        call: &Call,
        request: &Request,
        link: Option<(&str, &Url)>,
        order: Ordered<'_>,
    ) -> Result<Visited, FlowFault> {
        let filled = match self.fill(request, order, link.is_some()) {
            Ok(filled) => filled,
            Err(Nameless(name)) => return Err(self.fault(call, Cause::Nameless(name), None)),
        };
        let url = match link {
            Some((to, from)) => super::redirect::target(from, to),
            None => self.browser.url(&filled.path),
        };
        if let Ok(url) = &url
            && self.is_answered
        {
            self.asked_on = Some(url[Position::BeforePath..].to_owned());
        }
        let visited = match url {
            Ok(url) => self.browser.visit(url, filled, |status| call.keeps(status)).await,
            Err(cause) => Err(cause),
        };
        visited.map_err(|cause| {
            let fault = self.fault(call, cause, None);
            let sent = self.sent();
            if let Some(transcript) = &mut self.transcript {
                transcript.push(Exchange {
                    call: fault.call.clone(),
                    sent,
                    stops: Vec::new(),
                    status: None,
                    answer: fault.cause.to_string(),
                    findings: Vec::new(),
                });
            }
            fault
        })
    }

    /// `request` with what its names stand for; where it goes elsewhere, without its path.
    fn fill(
        &self,
        request: &Request,
        (action, order): Ordered<'_>,
        goes_elsewhere: bool,
    ) -> Result<Filled, Nameless> {
        let is_about_hold = matches!(action, Action::Hold | Action::Confirm | Action::Release);
        let meanings = |name: &str| {
            let number = |number: Option<u64>| Some(Meaning::Value(Cow::Owned(number?.into())));
            let own = |text: String| Some(Meaning::Value(Cow::Owned(Value::String(text))));
            match name {
                "key" => own(order.to_string()),
                "client" => own((self.first_client + order.client).to_string()),
                "number" => own(order.number.to_string()),
                QUANTITY if action == Action::Restock => number(order.token.parse().ok()),
                QUANTITY if is_about_hold => number(Some(self.holds.quantity)),
                SECONDS if is_about_hold => number(Some(self.holds.seconds)),
                name => {
                    let value = self.taken.get(name).or_else(|| self.own.get(name));
                    let value = value.or_else(|| self.product.get(name));
                    if let Some(value) = value {
                        return Some(Meaning::Value(Cow::Owned(value.clone())));
                    }
                    let variable = self.map.variables.get(name.strip_prefix("env:")?)?;
                    own(variable.0.clone())
                }
            }
        };
        let filled = request.fill(&meanings);
        match filled {
            Err(_) if goes_elsewhere => Ok(Filled {
                method: "GET".to_owned(),
                path: String::new(),
                fields: Vec::new(),
                body: None,
            }),
            filled => filled,
        }
    }

    fn fault(&self, call: &Call, cause: Cause, answer: Option<String>) -> FlowFault {
        let masked = match cause {
            Cause::Circle(stops) => Cause::Circle(self.masked(&stops)),
            Cause::NoUrl(url) => Cause::NoUrl(self.masked(&url)),
            Cause::NoRule { status, said, hint } => {
                Cause::NoRule { status, said: self.masked(&said), hint }
            }
            other => other,
        };
        let is_ahead = call.name == "search" || call.name.starts_with("before[");
        let asked_on = self.asked_on.as_ref().map(|stop| self.masked(stop));
        FlowFault { call: self.name(call), asked_on, is_ahead, cause: masked, answer }
    }

    fn name(&self, call: &Call) -> String {
        let line = call.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("`{}`{line}: `{}` (`{}`)", self.map.name, call.name, call.request.shown())
    }

    fn tell(&mut self, call: &Call, heard: &Heard, looked: &Looked<'_>, findings: Vec<Finding>) {
        if self.transcript.is_none() {
            return;
        }
        let exchange = Exchange {
            call: self.name(call),
            sent: self.sent(),
            stops: heard.visited.stops.iter().map(|stop| self.masked(stop)).collect(),
            status: Some(heard.visited.status),
            answer: self.shown(looked),
            findings: findings
                .into_iter()
                .map(|finding| Finding {
                    found: finding.found.map(|found| self.masked(&found)),
                    ..finding
                })
                .collect(),
        };
        self.transcript.get_or_insert_default().push(exchange);
    }

    /// How an answer begins, without secrets.
    fn shown(&self, looked: &Looked<'_>) -> String {
        let text = looked.text.trim();
        let end = text.char_indices().nth(READ_MAX).map_or(text.len(), |(end, _)| end);
        self.masked(&text[..end]).chars().take(SHOWN_MAX).collect()
    }

    /// `text` with a name for each secret in it.
    fn masked(&self, text: &str) -> String {
        let mut values: Vec<(Cow<'_, str>, String)> = Vec::new();
        for (name, secret) in &self.map.secrets {
            if secret.0.chars().count() >= SECRET_MIN {
                values.push((Cow::Borrowed(secret.0.as_str()), name.clone()));
            }
        }
        let is_row =
            |name: &String| self.map.secrets.iter().any(|(row, _)| *row == format!("${{{name}}}"));
        let given = self.given.iter().map(|(name, value)| (name, value));
        let known = self.own.iter().chain(&self.taken).chain(given);
        for (name, value) in known.filter(|(name, _)| !is_row(name)) {
            let value = plain(value);
            if value.chars().count() >= TAKEN_MIN {
                values.push((value, format!("${{{name}}}")));
            }
        }
        masked(text, values.iter().map(|(value, name)| (value.as_ref(), name.as_str())))
    }

    /// What was sent since the last call that was told, without secrets.
    fn sent(&mut self) -> Vec<Sent> {
        let sent = self.browser.take_sent().into_iter().map(|sent| {
            let fields = sent.fields.into_iter().map(|(name, value)| {
                let is_extra = self.browser.is_extra(&name, &value);
                let value = without_credentials(&name, self.masked(&value), is_extra);
                (name, value)
            });
            let body = sent.body.map(|body| self.masked(&body).chars().take(SHOWN_MAX).collect());
            let (fields, url) = (fields.collect(), self.masked(&sent.url));
            Sent { method: sent.method, url, fields, body }
        });
        sent.collect()
    }
}

impl Heard {
    fn reply(&self) -> Reply<'_> {
        let Visited { status, head, body, .. } = &self.visited;
        Reply { status: *status, received_ns: 0, head, body }
    }
}

/// What `call` takes, each with the place where it stands and with what was found there, for people.
fn findings_of(call: &Call, taken: &[Option<Value>]) -> impl Iterator<Item = Finding> {
    call.takes.iter().zip(taken).map(|(take, value)| finding_of(call, take, value.as_ref()))
}

fn finding_of(call: &Call, take: &Take, value: Option<&Value>) -> Finding {
    let place = match &take.from {
        Source::Place(place) => place.to_string(),
        Source::Cookie(name) => format!("cookie:{name}"),
    };
    let found = value.map(|value| shortened(&plain(value)));
    Finding { member: format!("{}.take.{}", call.name, take.name), place, found }
}

/// `value` of the header field `name`, of which nothing is shown that lets somebody in; what is from the command line,
/// as `is_extra`, may be that whatever its name.
fn without_credentials(name: &str, value: String, is_extra: bool) -> String {
    match name.to_ascii_lowercase().as_str() {
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, credentials)) => format!("{scheme} {}", name_or_nothing(credentials)),
            None => name_or_nothing(&value).to_owned(),
        },
        "cookie" => {
            let pairs = value.split(';').map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                format!("{}={}", name.trim(), name_or_nothing(value.trim()))
            });
            pairs.collect::<Vec<_>>().join("; ")
        }
        _ if is_extra => name_or_nothing(&value).to_owned(),
        _ => value,
    }
}

/// What stands for a secret says which one; anything else may be one.
fn name_or_nothing(value: &str) -> &str {
    let name = value.strip_prefix("${").and_then(|value| value.strip_suffix('}'));
    if name.is_some_and(|name| !name.contains(['$', '{', '}'])) { value } else { "…" }
}

/// When an answer says to come back.
fn wanted_pause(looked: &Looked<'_>) -> Option<Duration> {
    retry_after(looked.field("retry-after")?, SystemTime::now())
}

/// Whether an answer of GraphQL says that something is wrong.
fn has_errors(looked: &Looked<'_>) -> bool {
    let errors = looked.json.get("errors").and_then(Value::as_array);
    errors.is_some_and(|errors| !errors.is_empty())
}

fn no_value(finding: &Finding, looked: &Looked<'_>) -> Cause {
    let (member, place) = (finding.member.clone(), finding.place.clone());
    let is_pointer = place.is_empty() || place.starts_with('/');
    if is_pointer && looked.json.is_null() {
        Cause::NoJson { member, place }
    } else {
        Cause::NoValue { member, place }
    }
}

fn is_html(looked: &Looked<'_>) -> bool {
    looked.field("content-type").is_none_or(|kind| kind.contains("html"))
}

/// A cookie's value as the scripts of a page read it, which put it into a header field.
fn decoded(value: &str) -> String {
    let pair = format!("v={}", value.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map_or_else(|| value.to_owned(), |(_, value)| value.into_owned())
}

/// A value that may be a secret, as far as it tells that it is the right one.
fn shortened(value: &str) -> String {
    let length = value.chars().count();
    if length <= 12 {
        return value.to_owned();
    }
    let start: String = value.chars().take(4).collect();
    format!("{start}… ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_as_the_scripts_of_a_page_read_it() {
        assert_eq!(decoded("a%2Bb+c%3D"), "a+b+c=");
    }

    #[test]
    fn nothing_that_lets_somebody_in_is_shown() {
        for (name, value, shown) in [
            ("Authorization", "Bearer abc", "Bearer …"),
            ("authorization", "abc", "…"),
            ("Authorization", "Bearer ${env:TOKEN}", "Bearer ${env:TOKEN}"),
            ("Authorization", "Bearer abc${email}", "Bearer …"),
            ("Authorization", "${env:A}${env:B}", "…"),
            ("Cookie", "session=abc; cart=7=8", "session=…; cart=…"),
            ("Cookie", "session=abc; user=${email}; b=c${email}", "session=…; user=${email}; b=…"),
            ("Content-Type", "application/json", "application/json"),
        ] {
            assert_eq!(without_credentials(name, value.to_owned(), false), shown);
        }
        assert_eq!(without_credentials("X-Token", "abc".to_owned(), true), "…");
        assert_eq!(without_credentials("X-Token", "${env:A}".to_owned(), true), "${env:A}");
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_told_in_part() {
        assert_eq!(shortened("17"), "17");
        assert_eq!(shortened("eyJhbGciOiJIUzI1NiJ9"), "eyJh… (20 characters)");
    }
}

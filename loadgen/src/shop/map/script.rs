//! The calls of a map, one after the other, as a client of several calls makes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    lines::Lines,
    members::{Again, CallMembers, Members, OneOrMany, Step},
    place::{Looked, Place},
    request::Request,
    rules::{Fault, Refusals, When, named, optional},
};
use crate::{duration, plan::Action};

/// What sets one purchase apart, whatever the map says.
pub(super) const OWN_NAMES: [&str; 3] = ["key", "client", "number"];

/// How many tickets are put aside, or put on sale, and for how many seconds: names of those calls alone.
pub(in crate::shop) const QUANTITY: &str = "quantity";
pub(in crate::shop) const SECONDS: &str = "seconds";

/// What is bought, where there are several products.
pub(super) const PRODUCT: &str = "product";

/// What stands before the name of a variable of the environment.
pub(super) const VARIABLE: &str = "env:";

/// How often an answer that is not the last is asked for at most.
const EVERY_MIN: Duration = Duration::from_millis(10);

/// All calls of a map.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Script {
    /// What each client does once.
    pub(in crate::shop) before: Vec<Call>,
    /// What each operation takes that changes what is left.
    sequences: Vec<(Action, Sequence)>,
    /// The one that says what is left.
    pub(in crate::shop) search: Option<Call>,
}

/// The calls of one operation.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Sequence {
    /// What comes ahead of the last.
    pub(in crate::shop) steps: Vec<Call>,
    /// The one that sells, or does what else is asked for.
    pub(in crate::shop) last: Call,
}

/// One call.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Call {
    /// Its table in the map, as in `buy.step[2]`.
    pub(in crate::shop) name: String,
    /// The line of that.
    pub(in crate::shop) line: Option<usize>,
    /// What it sends.
    pub(in crate::shop) request: Request,
    /// What is taken from its answer.
    pub(in crate::shop) takes: Vec<Take>,
    /// The answer that lets the operation go on; `None` for its last call.
    pub(in crate::shop) expected: Option<When>,
    /// The statuses of answers that are not followed elsewhere.
    kept: Vec<u16>,
    /// The answers that end it.
    pub(in crate::shop) refusals: Refusals,
    /// The answers that are not the last.
    pub(in crate::shop) again: Option<Poll>,
    /// Whether stock falls here.
    pub(in crate::shop) holds: bool,
    /// Whether an answer with errors in it is none that lets a purchase go on, whatever its status.
    pub(in crate::shop) is_graphql: bool,
}

/// A value that is taken from an answer.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Take {
    /// What it is called from then on.
    pub(in crate::shop) name: String,
    /// Where it stands.
    pub(in crate::shop) from: Source,
}

/// Where a value is taken from.
#[derive(Clone, Debug)]
pub(in crate::shop) enum Source {
    /// A place in the answer.
    Place(Place),
    /// A cookie that the shop has set by then.
    Cookie(String),
}

/// How an answer that is not the last is known, and how that is asked for.
#[derive(Clone, Debug)]
pub(in crate::shop) struct Poll {
    when: When,
    /// Where the answer says whom to ask.
    pub(in crate::shop) at: Option<Place>,
    /// Whom to ask, where the map says it.
    pub(in crate::shop) request: Option<Request>,
    /// How often.
    pub(in crate::shop) every: Duration,
    /// For how long.
    pub(in crate::shop) within: Duration,
}

impl Script {
    /// The calls of `map`, whose members stand in these `lines`; buyers have these `columns`, and products these
    /// `values`.
    ///
    /// # Errors
    /// Names the member that makes no sense, and why.
    pub(super) fn new(
        map: &Members,
        lines: &Lines,
        columns: &[String],
        values: &[String],
    ) -> Result<Self, Fault> {
        let mut names = Known::new(columns)?;
        names.0.extend(values.iter().cloned());
        let before = steps("before", &map.before, lines, &mut names)?;
        let search = map.search.as_ref().map(|search| {
            let call = Call {
                name: "search".to_owned(),
                line: lines.line("search"),
                request: Request::new(&search.call()).map_err(|fault| within("search", fault))?,
                takes: Vec::new(),
                expected: None,
                kept: Vec::new(),
                refusals: Refusals::default(),
                again: None,
                holds: false,
                is_graphql: false,
            };
            names.clone().enter(call).map(|(_, call)| call)
        });
        let search = search.transpose()?;
        Ok(Self { before, sequences: sequences(map, lines, &names)?, search })
    }

    /// The calls of `action`, where the map has them.
    pub(in crate::shop) fn sequence(&self, action: Action) -> Option<&Sequence> {
        self.sequences.iter().find_map(|(other, sequence)| (*other == action).then_some(sequence))
    }

    /// Whether one of these `names` stands in what a client sends; what is only looked at does not count.
    pub(super) fn sends_any(&self, names: &[String]) -> bool {
        let calls = self.sequences.iter().flat_map(|(_, sequence)| sequence.calls());
        let requests = self.before.iter().chain(calls).flat_map(Call::requests);
        let mut sent = requests.flat_map(Request::names);
        sent.any(|sent| names.iter().any(|name| name == sent))
    }

    /// How long what one client does at once may take where each answer may take `limit`.
    pub(in crate::shop) fn patience(&self, limit: Duration) -> Duration {
        let time = |calls: Vec<&Call>| {
            let polls = calls.iter().filter_map(|call| call.again.as_ref());
            let polls: Duration = polls.map(|poll| poll.within).sum();
            limit.saturating_mul(u32::try_from(calls.len()).unwrap_or(u32::MAX)) + polls
        };
        let sequences = self.sequences.iter().map(|(_, sequence)| time(sequence.calls().collect()));
        let ahead = self.before.iter().chain(&self.search).collect();
        time(ahead) + sequences.max().unwrap_or_default() + limit
    }
}

/// The calls of each operation that changes what is left, where what comes ahead of all gives these `names`.
fn sequences(
    map: &Members,
    lines: &Lines,
    names: &Known,
) -> Result<Vec<(Action, Sequence)>, Fault> {
    let Members { buy, hold, confirm, .. } = map;
    let (mut sequences, none) = (Vec::new(), &OneOrMany::default());
    let parts = Parts {
        table: "buy",
        call: buy.call(),
        take: &buy.take,
        step: &buy.step,
        again: buy.again.as_ref(),
        success: &buy.sold.status,
        refusals: Refusals::new("buy", &buy.sold_out, &buy.refused)?,
    };
    let mut bought = names.clone();
    sequences.push((Action::Buy, Sequence::new(parts, lines, &mut bought)?));
    let mut held = names.with(&[QUANTITY, SECONDS]);
    if let Some(hold) = hold {
        let parts = Parts {
            table: "hold",
            call: hold.call(),
            take: &hold.take,
            step: &hold.step,
            again: hold.again.as_ref(),
            success: &hold.done.status,
            refusals: Refusals::new("hold", &hold.sold_out, &hold.refused)?,
        };
        sequences.push((Action::Hold, Sequence::new(parts, lines, &mut held)?));
    }
    if let Some(confirm) = confirm {
        let parts = Parts {
            table: "confirm",
            call: confirm.call(),
            take: &confirm.take,
            step: &confirm.step,
            again: confirm.again.as_ref(),
            success: &confirm.sold.status,
            refusals: Refusals::new("confirm", none, &confirm.refused)?,
        };
        let mut confirmed = held.clone();
        sequences.push((Action::Confirm, Sequence::new(parts, lines, &mut confirmed)?));
        // What is refunded may have been bought in either way.
        bought.0.retain(|name| confirmed.0.contains(name));
    }
    for (action, table, change) in map.changes() {
        let parts = Parts {
            table,
            call: change.call(),
            take: &change.take,
            step: &change.step,
            again: change.again.as_ref(),
            success: &change.done.status,
            refusals: Refusals::new(table, none, &change.refused)?,
        };
        let mut names = match action {
            Action::Release => held.clone(),
            Action::Refund => bought.clone(),
            _ => names.with(&[QUANTITY]),
        };
        sequences.push((action, Sequence::new(parts, lines, &mut names)?));
    }
    Ok(sequences)
}

/// The tables of one operation, taken apart.
struct Parts<'a> {
    table: &'a str,
    call: CallMembers<'a>,
    take: &'a BTreeMap<String, String>,
    step: &'a [Step],
    again: Option<&'a Again>,
    /// The statuses of success.
    success: &'a [u16],
    refusals: Refusals,
}

impl Sequence {
    fn new(parts: Parts<'_>, lines: &Lines, names: &mut Known) -> Result<Self, Fault> {
        let Parts { table, call, take, step, again, success, refusals } = parts;
        let mut steps = steps(&format!("{table}.step"), step, lines, names)?;
        let request = Request::new(&call).map_err(|fault| within(table, fault))?;
        let last = Call {
            name: table.to_owned(),
            line: lines.line(&format!("{table}.path")),
            again: again.map(|again| Poll::new(table, again, &request)).transpose()?,
            request,
            takes: takes(table, take)?,
            expected: None,
            kept: success.to_vec(),
            refusals,
            holds: true,
            is_graphql: call.graphql.is_some(),
        };
        let (page, last) = names.enter(last)?;
        steps.extend(page);
        Ok(Self { steps, last })
    }

    /// All of them.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().chain([&self.last])
    }

    /// Whether one of them sends `name`.
    pub(in crate::shop) fn sends(&self, name: &str) -> bool {
        self.calls().flat_map(Call::requests).any(|request| request.names().contains(&name))
    }
}

impl Call {
    /// Whether an answer of this status is read as it is, and not followed elsewhere.
    pub(in crate::shop) fn keeps(&self, status: u16) -> bool {
        self.kept.contains(&status)
            || self.refusals.names(status)
            || self.again.as_ref().is_some_and(|poll| poll.when.names(status))
    }

    /// Every request that it makes.
    fn requests(&self) -> impl Iterator<Item = &Request> {
        let poll = self.again.as_ref().and_then(|again| again.request.as_ref());
        [&self.request].into_iter().chain(poll)
    }
}

impl Poll {
    fn new(name: &str, again: &Again, request: &Request) -> Result<Self, Fault> {
        let name = format!("{name}.again");
        let time = |member: &str, text: &str| {
            duration::parse(text).map_err(named(&format!("{name}.{member}")))
        };
        if again.at.is_none() && again.path.is_none() && !request.is_safe() {
            let reason = "say where the answer names whom to ask, as in `at = \"header:location\"`, or \
                          `path`: the call itself would be made twice";
            return Err((name, reason.to_owned()));
        }
        let path = again.path.as_ref().map(|path| {
            let page = Step { path: path.clone(), ..empty() };
            Request::new(&page.call()).map_err(|fault| within(&name, fault))
        });
        Ok(Self {
            when: When::new(&name, &again.status, &again.condition)?,
            at: optional(&format!("{name}.at"), again.at.as_deref())?,
            request: path.transpose()?,
            every: time("every", &again.every)?.max(EVERY_MIN),
            within: time("within", &again.within)?,
        })
    }

    /// Whether an answer is not the last.
    pub(in crate::shop) fn holds(&self, status: u16, looked: &Looked<'_>) -> bool {
        self.when.holds(status, looked)
    }
}

/// A step that sends nothing in particular.
fn empty() -> Step {
    Step {
        method: None,
        path: String::new(),
        headers: BTreeMap::new(),
        body: None,
        form: None,
        json: None,
        graphql: None,
        take: BTreeMap::new(),
        status: vec![200],
        condition: BTreeMap::new(),
        again: None,
        sold_out: OneOrMany::default(),
        refused: OneOrMany::default(),
        hold: false,
    }
}

fn steps(
    table: &str,
    steps: &[Step],
    lines: &Lines,
    names: &mut Known,
) -> Result<Vec<Call>, Fault> {
    let mut calls = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let name = format!("{table}[{}]", place + 1);
        let request = Request::new(&step.call()).map_err(|fault| within(&name, fault))?;
        let call = Call {
            line: lines.line(&name),
            again: step
                .again
                .as_ref()
                .map(|again| Poll::new(&name, again, &request))
                .transpose()?,
            request,
            takes: takes(&name, &step.take)?,
            expected: Some(When::new(&name, &step.status, &step.condition)?),
            kept: step.status.clone(),
            refusals: Refusals::new(&name, &step.sold_out, &step.refused)?,
            holds: step.hold,
            is_graphql: step.graphql.is_some(),
            name,
        };
        let (page, call) = names.enter(call)?;
        calls.extend(page);
        calls.push(call);
    }
    Ok(calls)
}

fn takes(name: &str, take: &BTreeMap<String, String>) -> Result<Vec<Take>, Fault> {
    let takes = take.iter().map(|(taken, from)| {
        let member = format!("{name}.take.{taken}");
        let is_name = !taken.is_empty()
            && taken.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || OWN_NAMES.contains(&taken.as_str()) {
            return Err((member, "expected a name of its own, as in `cart`".to_owned()));
        }
        let from = match from.strip_prefix("cookie:") {
            Some("") => return Err((member, "`cookie:` names no cookie".to_owned())),
            Some(cookie) => Source::Cookie(cookie.to_owned()),
            None => Source::Place(Place::parse(from).map_err(|reason| {
                (member.clone(), reason.replace("and `header:…`", "`header:…` and `cookie:…`"))
            })?),
        };
        Ok(Take { name: taken.clone(), from })
    });
    takes.collect()
}

fn within(name: &str, (member, reason): (&'static str, String)) -> Fault {
    (format!("{name}.{member}"), reason)
}

/// The names that stand for something, as far as the calls have gone.
#[derive(Clone, Debug)]
struct Known(BTreeSet<String>);

impl Known {
    fn new(columns: &[String]) -> Result<Self, Fault> {
        if let Some(column) = columns.iter().find(|column| OWN_NAMES.contains(&column.as_str())) {
            let reason = format!("a column is called `{column}`, which stands for something else");
            return Err(("buyers".to_owned(), reason));
        }
        let own = OWN_NAMES.into_iter().map(str::to_owned);
        Ok(Self(own.chain(columns.iter().cloned()).collect()))
    }

    /// The same, and `more`.
    fn with(&self, more: &[&str]) -> Self {
        Self(self.0.iter().cloned().chain(more.iter().map(|name| (*name).to_owned())).collect())
    }

    /// Goes over `call`. What it both sends and takes is taken first, from a look at the page that it is sent
    /// to, as a form's hidden field is.
    fn enter(&mut self, call: Call) -> Result<(Option<Call>, Call), Fault> {
        let sent: BTreeSet<String> = call.request.names().into_iter().map(str::to_owned).collect();
        let (of_page, of_answer): (Vec<Take>, Vec<Take>) =
            call.takes.iter().cloned().partition(|take| sent.contains(&take.name));
        let page = (!of_page.is_empty()).then(|| Call {
            request: call.request.page(),
            takes: of_page,
            expected: Some(
                When::new(&call.name, &(200..300).collect::<Vec<_>>(), &BTreeMap::new())
                    .expect("statuses are statuses"),
            ),
            kept: Vec::new(),
            again: None,
            holds: false,
            is_graphql: false,
            ..call.clone()
        });
        if let Some(page) = &page {
            self.check(page)?;
            self.take(page);
        }
        let call = Call { takes: of_answer, ..call };
        self.check(&call)?;
        self.take(&call);
        if let Some(poll) = &call.again {
            let member = format!("{}.again", call.name);
            poll.request.iter().try_for_each(|request| self.check_names(&member, request))?;
        }
        Ok((page, call))
    }

    fn check(&self, call: &Call) -> Result<(), Fault> {
        self.check_names(&call.name, &call.request)
    }

    fn check_names(&self, member: &str, request: &Request) -> Result<(), Fault> {
        let is_known = |name: &str| self.0.contains(name) || name.starts_with(VARIABLE);
        match request.names().into_iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err((
                member.to_owned(),
                format!(
                    "`${{{name}}}`: nothing gives it a value: there are `${{key}}`, `${{client}}`, \
                     `${{number}}`, `${{env:NAME}}`, columns of `buyers`, and what `take` took before"
                ),
            )),
        }
    }

    fn take(&mut self, call: &Call) {
        self.0.extend(call.takes.iter().map(|take| take.name.clone()));
    }
}

//! Reads a map from its file, and refuses one that makes no sense.

use std::{borrow::Cow, collections::BTreeMap, env, fs, io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    buyers::{Buyers, BuyersError},
    kinds,
    lines::Lines,
    members::{Members, Product},
    reader::MapReader,
    request::{Filled, Request},
    rules::Fault,
    script::{OWN_NAMES, PRODUCT, QUANTITY, SECONDS, Script, Sequence, VARIABLE},
    spelling,
    text::Meaning,
};
use crate::{
    duration,
    history::Numbering,
    plan::Action,
    shop::{
        secret::Secret,
        wire::{Parts, Template},
    },
};

/// How a shop is spoken to; travels to worker processes as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Map {
    /// What the file says.
    pub(crate) members: Members,
    /// The file, for people.
    pub(in crate::shop) name: String,
    lines: Lines,
    /// Who buys.
    pub(in crate::shop) buyers: Buyers,
    /// The variables of the environment that it names.
    variables: BTreeMap<String, Secret>,
    /// Which of its products is bought.
    product: usize,
    /// The first of those who buy that, by the number that they have in its calls.
    pub(in crate::shop) first_client: u32,
}

/// Why a file is no map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MapError {
    /// It cannot be read.
    #[error("cannot read the map `{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It is no TOML, or has other members than a map.
    #[error("`{path}` is no map of a shop: {reason}")]
    Toml {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        reason: String,
    },
    /// A value in it makes no sense.
    #[error("`{path}`{}: `{member}`: {reason}", at(*line))]
    Value {
        /// The file.
        path: String,
        /// The line.
        line: Option<usize>,
        /// Where in it.
        member: String,
        /// What is wrong.
        reason: String,
    },
    /// Its buyers are none.
    #[error(transparent)]
    Buyers(#[from] BuyersError),
    /// There are more clients than buyers.
    #[error(
        "`{path}` has fewer buyers ({rows}) than there are clients ({clients})\n\
         hint: a row for each of them, or fewer clients: `-c {rows}`"
    )]
    FewBuyers {
        /// The buyers' file.
        path: String,
        /// How many there are.
        rows: usize,
        /// How many clients want one.
        clients: u32,
    },
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

/// Reads the map at `path`.
///
/// # Errors
/// There is none, or something in it makes no sense.
pub(crate) fn read_map(path: &Path) -> Result<Map, MapError> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|source| MapError::Io { path: name.clone(), source })?;
    let mut map = parse(&name, &text, |variable| env::var(variable).ok())?;
    if let Some(buyers) = &map.members.buyers {
        map.buyers = Buyers::read(&path.parent().unwrap_or(Path::new("")).join(buyers))?;
    }
    map.check()?;
    Ok(map)
}

fn parse(
    path: &str,
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Map, MapError> {
    let lines = Lines::of(text);
    kinds::check(text).map_err(|(member, reason)| MapError::Value {
        path: path.to_owned(),
        line: lines.line(&member),
        member,
        reason,
    })?;
    let members: Members = toml::from_str(text).map_err(|error| MapError::Toml {
        path: path.to_owned(),
        reason: spelling::reason(&error, text),
    })?;
    let mut map = Map {
        members,
        name: path.to_owned(),
        lines,
        buyers: Buyers::default(),
        variables: BTreeMap::new(),
        product: 0,
        first_client: 0,
    };
    for (member, name) in map.variable_names() {
        let value = variable(&name)
            .ok_or_else(|| format!("the environment has no variable `{name}` that is a text"));
        let value = value.and_then(|value| {
            let is_odd = value.contains("${") || value.chars().any(char::is_control);
            let odd = || format!("the variable `{name}` has a `${{` or a control character in it");
            if is_odd { Err(odd()) } else { Ok(value) }
        });
        let value = value.map_err(|reason| map.fault((member, reason)))?;
        map.variables.insert(name, Secret(value));
    }
    Ok(map)
}

impl Map {
    /// Refuses what makes no sense.
    fn check(&self) -> Result<(), MapError> {
        self.check_products().map_err(|fault| self.fault(fault))?;
        let script = self.checked_script().map_err(|fault| self.fault(fault))?;
        self.check_product_names(&script).map_err(|fault| self.fault(fault))?;
        if self.members.buy.quantity == 0 {
            let reason = "a purchase of no tickets is none".to_owned();
            return Err(self.fault(("buy.quantity".to_owned(), reason)));
        }
        self.check_holds(&script).map_err(|fault| self.fault(fault))?;
        if let Some(host) = &self.members.host {
            host_name(host).map_err(|reason| self.fault(("host".to_owned(), reason)))?;
        }
        MapReader::new(&self.members).map_err(|fault| self.fault(fault))?;
        if !self.is_flow() {
            let buy = script.sequence(Action::Buy).map(|sequence| &sequence.last);
            for call in [buy, script.search.as_ref()].into_iter().flatten() {
                self.check_hot(&call.request)
                    .map_err(|reason| self.fault((call.name.clone(), reason)))?;
            }
        }
        Ok(())
    }

    /// What may be meant otherwise than it is said: lower-case fragments.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Members { buy, confirm, .. } = &self.members;
        let confirm = confirm
            .as_ref()
            .map(|confirm| ("confirm", &confirm.sold, &[][..], &confirm.refused.0[..]));
        let buy = ("buy", &buy.sold, &buy.sold_out.0[..], &buy.refused.0[..]);
        let warnings = [buy].into_iter().chain(confirm);
        let warnings = warnings.filter_map(|(table, sold, sold_out, refused)| {
            let others =
                sold_out.iter().map(|rule| ("sold_out", &rule.status, &rule.condition));
            let others = others.chain(
                refused.iter().map(|rule| ("refused", &rule.status, &rule.condition)),
            );
            // What only has to be there is there where it has to be something.
            let is_there = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
            let mut taken = others.filter_map(|(name, other, condition)| {
                let takes_all = sold.condition.iter().all(|(place, value)| {
                    *value == Value::Bool(true) && condition.get(place).is_some_and(is_there)
                });
                let status = sold.status.iter().find(|status| other.contains(status))?;
                takes_all.then_some((name, status))
            });
            let (name, status) = taken.next()?;
            let line = at(self.lines.line(&format!("{table}.sold")));
            let answers = match sold.condition.is_empty() {
                true => format!("every answer with status {status}, also those of `{table}.{name}`"),
                false => format!("every answer with status {status} that is one of `{table}.{name}`"),
            };
            Some(format!(
                "`{}`{line}: `{table}.sold` comes first and takes {answers}: say in its `where` what only a \
                 sale says",
                self.name
            ))
        });
        warnings.collect()
    }

    /// Refuses products that are none, or say not the same of themselves.
    fn check_products(&self) -> Result<(), Fault> {
        let products = &self.members.product;
        let names = |product: &Product| product.values.keys().cloned().collect::<Vec<_>>();
        for (place, product) in products.iter().enumerate() {
            let Product { name, weight, initial, values } = product;
            let member = format!("product[{}]", place + 1);
            let fault = |reason: String| Err((member.clone(), reason));
            if name.trim().is_empty() || name.contains(char::is_control) {
                return fault("it has no name".to_owned());
            }
            if products[..place].iter().any(|other| other.name == *name) {
                return fault(format!("two products are called `{name}`"));
            }
            if !(1..=1000).contains(weight) {
                return fault("its weight is a number from 1 to 1000".to_owned());
            }
            if initial.is_some_and(|initial| i64::try_from(initial).is_err()) {
                return fault(format!("its `initial` is more than {}", i64::MAX));
            }
            let is_odd = |(name, value): (&String, &Value)| {
                let is_plain = value.is_string() || value.is_number();
                let is_taken = OWN_NAMES.contains(&name.as_str()) || name == PRODUCT;
                (!is_plain || is_taken).then(|| name.clone())
            };
            if let Some(odd) = values.iter().find_map(is_odd) {
                return fault(format!(
                    "`{odd}`: expected a name of its own, and a text or a number for it"
                ));
            }
            if names(product) != names(&products[0]) {
                return fault(format!("it names other things than `{}` does", products[0].name));
            }
        }
        Ok(())
    }

    /// Refuses products that no call tells apart: all would be one.
    fn check_product_names(&self, script: &Script) -> Result<(), Fault> {
        let products = &self.members.product;
        let Some(product) = products.first() else { return Ok(()) };
        let names: Vec<String> = self.product_values().into_keys().collect();
        if (products.len() == 1 && product.values.is_empty()) || script.sends_any(&names) {
            return Ok(());
        }
        let shown: Vec<String> = names.iter().map(|name| format!("`${{{name}}}`")).collect();
        let reason = format!(
            "no call says which product it is for\nhint: let `[buy]` or a call before it send {}",
            shown.join(" or ")
        );
        Err(("product".to_owned(), reason))
    }

    /// What it sells, where that is more than one thing: each with its weight.
    pub(crate) fn products(&self) -> Vec<(&str, u32)> {
        let products = self.members.product.iter();
        products.map(|product| (product.name.as_str(), product.weight)).collect()
    }

    /// The product that is bought, where there are several.
    pub(crate) fn product(&self) -> Option<&str> {
        self.members.product.get(self.product).map(|product| product.name.as_str())
    }

    /// How many of that there are at the start, where the map says it.
    pub(crate) fn initial(&self) -> Option<u64> {
        self.members.product.get(self.product)?.initial
    }

    /// The same for the product at `place`, which is bought by clients from `first_client` on.
    pub(crate) fn of_product(&self, place: usize, first_client: u32) -> Self {
        Self { product: place, first_client, ..self.clone() }
    }

    /// What names stand for in the calls for that product.
    pub(in crate::shop) fn product_values(&self) -> BTreeMap<String, Value> {
        let Some(product) = self.members.product.get(self.product) else { return BTreeMap::new() };
        let own = (PRODUCT.to_owned(), Value::from(product.name.as_str()));
        product.values.clone().into_iter().chain([own]).collect()
    }

    /// Refuses holds whose end nobody knows, and ends of none.
    fn check_holds(&self, script: &Script) -> Result<(), Fault> {
        let Members { hold, confirm, release, restock, .. } = &self.members;
        let ends = [("confirm", confirm.is_some()), ("release", release.is_some())];
        let end = ends.into_iter().find(|(_, is_there)| *is_there);
        if let (None, Some((end, _))) = (hold, end) {
            return Err((end.to_owned(), "there is no `[hold]` before it".to_owned()));
        }
        let sends = |action, name| {
            script.sequence(action).is_some_and(|sequence: &Sequence| sequence.sends(name))
        };
        if restock.is_some() && !sends(Action::Restock, QUANTITY) {
            let reason = "it must send `${quantity}`, how many tickets are put on sale".to_owned();
            return Err(("restock".to_owned(), reason));
        }
        let Some(hold) = hold else { return Ok(()) };
        match (&hold.lasts, sends(Action::Hold, SECONDS)) {
            (None, false) => {
                let reason = "say how long tickets are put aside, as in `lasts = \"15m\"`, or send \
                              `${seconds}`";
                Err(("hold".to_owned(), reason.to_owned()))
            }
            (Some(_), true) => {
                let reason = "it is said by `${seconds}` already";
                Err(("hold.lasts".to_owned(), reason.to_owned()))
            }
            (Some(lasts), false) => duration::whole_seconds(lasts)
                .map(drop)
                .map_err(|reason| ("hold.lasts".to_owned(), reason)),
            (None, true) => Ok(()),
        }
    }

    /// The name under which the shop is asked, as its requests have it and as its certificate must.
    pub(in crate::shop) fn host(&self) -> Option<(&str, String)> {
        let host = self.members.host.as_deref()?;
        Some((host, host_name(host).ok()?))
    }

    /// For how many seconds tickets are put aside, where that is not asked for.
    pub(crate) fn hold_seconds(&self) -> Option<u64> {
        duration::whole_seconds(self.members.hold.as_ref()?.lasts.as_deref()?).ok()
    }

    /// Whether it says how `action` is carried out.
    pub(crate) fn has(&self, action: Action) -> bool {
        let Members { search, hold, confirm, release, refund, restock, .. } = &self.members;
        match action {
            Action::Buy => true,
            Action::Search => search.is_some(),
            Action::Hold => hold.is_some(),
            Action::Confirm => confirm.is_some(),
            Action::Release => release.is_some(),
            Action::Refund => refund.is_some(),
            Action::Restock => restock.is_some(),
        }
    }

    /// Whether a hold says how many tickets it is of.
    pub(crate) fn sends_hold_quantity(&self) -> bool {
        self.script().sequence(Action::Hold).is_some_and(|hold| hold.sends(QUANTITY))
    }

    fn check_hot(&self, request: &Request) -> Result<(), String> {
        let filled = self.filled(request).ok_or("a name in it stands for nothing")?;
        let Filled { method, path, fields, body } = &filled;
        let body = body.as_deref();
        let (is_own, first_client) = (false, 0);
        let parts = Parts { method, path, host: "host", fields, body, is_own, first_client };
        Template::new(&parts).map(drop)
    }

    fn fault(&self, (member, reason): Fault) -> MapError {
        let (path, line) = (self.name.clone(), self.lines.line(&member));
        MapError::Value { path, line, member, reason }
    }

    fn checked_script(&self) -> Result<Script, Fault> {
        let values: Vec<String> = self.product_values().into_keys().collect();
        Script::new(&self.members, &self.lines, self.buyers.columns(), &values)
    }

    /// Its calls.
    pub(in crate::shop) fn script(&self) -> Script {
        self.checked_script().expect("a map is checked when it is read")
    }

    /// What reads the answers.
    pub(in crate::shop) fn reader(&self) -> MapReader {
        let reader = MapReader::new(&self.members).expect("a map is checked when it is read");
        let secrets = self.secrets().map(|(name, secret)| (name, Secret(secret.to_owned())));
        reader.with_secrets(secrets.collect())
    }

    /// The variables that its calls name, each with where. A call that makes no sense is found later.
    fn variable_names(&self) -> Vec<(String, String)> {
        let mut names = Vec::new();
        for (name, call) in self.members.calls() {
            let Ok(request) = Request::new(&call) else { continue };
            let variables =
                request.names().into_iter().filter_map(|name| name.strip_prefix(VARIABLE));
            names.extend(variables.map(|variable| (name.clone(), variable.to_owned())));
        }
        names
    }

    /// The file that it came from.
    pub(crate) fn file(&self) -> &str {
        &self.name
    }

    /// Whether a purchase takes more than one call as cheap as it gets.
    pub(crate) fn is_flow(&self) -> bool {
        let Members { buyers, before, buy, search, hold, confirm, release, refund, .. } =
            &self.members;
        let values = self.product_values();
        let is_plain = |request: Request| {
            request.names().iter().all(|name| {
                OWN_NAMES.contains(name) || name.starts_with(VARIABLE) || values.contains_key(*name)
            })
        };
        let calls = [Some(buy.call()), search.as_ref().map(|search| search.call())];
        buyers.is_some()
            || !before.is_empty()
            // What comes later goes by what an answer gave.
            || (hold.is_some() || confirm.is_some() || release.is_some() || refund.is_some())
            || !buy.step.is_empty()
            || buy.again.is_some()
            || !buy.take.is_empty()
            || !calls.into_iter().flatten().all(|call| Request::new(&call).is_ok_and(is_plain))
    }

    /// What ticket numbers promise: what a shop takes back it may sell again under the same name.
    pub(crate) fn numbering(&self) -> Numbering {
        match self.members.numbering {
            Numbering::Unique if self.has(Action::Refund) => Numbering::Seats,
            numbering => numbering,
        }
    }

    /// How long a count must stand still before it is believed, where that is said.
    pub(crate) fn settle(&self) -> Option<Duration> {
        self.reader().settle()
    }

    /// How long one purchase may take where each answer may take `limit`.
    pub(crate) fn patience(&self, limit: Duration) -> Duration {
        if self.is_flow() { self.script().patience(limit) } else { limit }
    }

    /// Whether there is a buyer for each of so many clients.
    ///
    /// # Errors
    /// There are fewer.
    pub(crate) fn check_clients(&self, clients: u32) -> Result<(), MapError> {
        let rows = self.buyers.count();
        // Between the clients of two products there is a number that tries the next one out.
        let more = u32::try_from(self.members.product.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let clients = clients.saturating_add(more);
        match &self.members.buyers {
            Some(path) if rows < usize::try_from(clients).unwrap_or(usize::MAX) => {
                Err(MapError::FewBuyers { path: path.clone(), rows, clients })
            }
            _ => Ok(()),
        }
    }

    /// The variables of the environment that it names.
    pub(in crate::shop) fn variables(&self) -> BTreeMap<String, Secret> {
        self.variables.clone()
    }

    /// Shows none of these variables of the environment either: they stand in calls that are not in the map.
    pub(crate) fn keep_secret(&mut self, variables: &[(String, Secret)]) {
        self.variables.extend(variables.iter().cloned());
    }

    /// What is to be shown to nobody, each with the name that is shown for it.
    pub(in crate::shop) fn secrets(&self) -> impl Iterator<Item = (String, &str)> {
        let shown = |name: &String| format!("${{{VARIABLE}{name}}}");
        self.variables.iter().map(move |(name, Secret(value))| (shown(name), value.as_str()))
    }

    /// How it is asked to sell, where that is one call; what sets one apart is still to be filled in.
    pub(in crate::shop) fn buy_call(&self) -> Option<Filled> {
        self.filled(&Request::new(&self.members.buy.call()).ok()?)
    }

    /// How it is asked what is left, in the same way.
    pub(in crate::shop) fn search_call(&self) -> Option<Filled> {
        self.filled(&Request::new(&self.members.search.as_ref()?.call()).ok()?)
    }

    fn filled(&self, request: &Request) -> Option<Filled> {
        let values = self.product_values();
        let meanings = |name: &str| {
            if OWN_NAMES.contains(&name) {
                return Some(Meaning::Later);
            }
            if let Some(value) = values.get(name) {
                return Some(Meaning::Value(Cow::Owned(value.clone())));
            }
            let Secret(value) = self.variables.get(name.strip_prefix(VARIABLE)?)?;
            Some(Meaning::Value(Cow::Owned(value.as_str().into())))
        };
        request.fill(&meanings).ok()
    }

    /// Whether each `action` carries a key of its own, the same in every retry.
    pub(crate) fn sends_keys(&self, action: Action) -> bool {
        self.script().sequence(action).is_some_and(|sequence| sequence.sends("key"))
    }
}

/// The name in `host`, which may have a port behind it.
fn host_name(host: &str) -> Result<String, String> {
    let url = Url::parse(&format!("http://{host}")).ok();
    let is_more =
        host.contains(['/', '?', '#', '@', '\\', '$']) || host.contains(char::is_whitespace);
    let name = url.filter(|_| !is_more).and_then(|url| Some(url.host()?.to_string()));
    name.map(|name| name.trim_matches(['[', ']']).to_owned()).ok_or_else(|| {
        "expected a name, with a port where it has one, as in `shop.example:8443`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
[buy]
path = "/orders"
sold = { status = [200] }
sold_out = { status = [410] }
"#;

    fn parsed(text: &str) -> Result<Map, MapError> {
        let variable = |name: &str| (name == "TOKEN").then(|| "s3cret \"x\"".to_owned());
        let map = parse("shop.toml", text, variable)?;
        map.check()?;
        Ok(map)
    }

    #[test]
    fn sale_that_takes_what_is_sold_out_is_warned_of() {
        let warned = |sold: &str, sold_out: &str| {
            let text = format!(
                "[buy]\npath = '/'\nsold = {{ status = [303]{sold} }}\nsold_out = {{ status = [303]{sold_out} }}"
            );
            !parsed(&text).unwrap().warnings().is_empty()
        };
        let there = ", where = { 'header:Location' = true }";
        let gone = ", where = { 'header:Location' = '/gone' }";
        assert!(warned("", gone) && warned(there, gone) && warned(there, there));
        assert!(!warned(there, "") && !warned(gone, there));
        assert!(!warned(there, ", where = { 'header:Location' = false }"));
    }

    #[test]
    fn a_map_needs_little() {
        let map = parsed(MINIMAL).unwrap();
        assert_eq!(map.buy_call().map(|call| call.method).as_deref(), Some("POST"));
        assert_eq!(map.members.numbering, Numbering::Unique);
        assert!(map.members.search.is_none() && !map.is_flow());
        let again: Map = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
        assert_eq!(again, map);
    }

    #[test]
    fn a_key_stands_in_the_path_in_a_header_or_in_the_body_of_a_purchase() {
        for (from, to, sends_keys) in [
            ("", "", false),
            ("/orders", "/orders/${client}", false),
            ("/orders", "/orders/${key}", true),
            ("sold_out", "headers = { X-Id = 'id ${key}' }\nsold_out", true),
            ("sold_out", "body = '{\"id\": \"${key}\"}'\nsold_out", true),
            ("[buy]", "[search]\npath = '/${key}'\nremaining = '/left'\n[buy]", false),
        ] {
            let map = parsed(&MINIMAL.replacen(from, to, 1)).unwrap();
            assert_eq!(map.sends_keys(Action::Buy), sends_keys, "{to}");
        }
    }

    #[test]
    fn what_a_map_wants_says_which_lane_it_takes() {
        for (text, is_flow) in [
            ("", false),
            ("json = { who = '${client}', key = '${key}' }", false),
            ("headers = { Authorization = 'Bearer ${env:TOKEN}' }", false),
            ("form = { a = '1' }", false),
            ("take = { order = '/id' }", true),
            ("again = { status = [202], at = 'header:location' }", true),
            ("step = [{ path = '/cart' }]", true),
        ] {
            let map = parsed(&MINIMAL.replacen("sold =", &format!("{text}\nsold ="), 1)).unwrap();
            assert_eq!(map.is_flow(), is_flow, "{text}");
            assert!(!format!("{map:?}").contains("s3cret"));
        }
        let map =
            MINIMAL.replacen("sold =", "json = { t = '${env:TOKEN}', c = '${client}' }\nsold =", 1);
        let call = parsed(&map).unwrap().buy_call().unwrap();
        assert_eq!(call.body.as_deref(), Some(r#"{"c":"${client}","t":"s3cret \"x\""}"#));
    }

    #[test]
    fn a_value_that_nothing_gives_is_named_with_its_line() {
        for (text, named) in [
            ("step = [{ path = '/cart/${cart}' }]\n", "`shop.toml`:4: `buy.step[1]`: `${cart}`"),
            ("headers = { A = '${email}' }\n", "`shop.toml`:2: `buy`: `${email}`"),
            ("headers = { A = '${env:NONE}' }\n", "`shop.toml`:2: `buy`: the environment has no"),
            ("take = { key = '/a' }\n", "`shop.toml`:4: `buy.take.key`"),
            ("take = { a = 'b' }\n", "`header:…` and `cookie:…`"),
            ("again = { status = [202] }\n", "`shop.toml`:4: `buy.again`: say where"),
            ("again = { status = [202], at = '/a', every = 'x' }\n", "`buy.again.every`"),
            ("body = 'x'\njson = 1\n", "only one of"),
            ("sold_out = []\n", "duplicate key"),
        ] {
            let text = MINIMAL.replacen("sold =", &format!("{text}sold ="), 1);
            let error = parsed(&text).expect_err(&text).to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_sale_that_takes_what_is_refused_is_warned_of() {
        let with = |confirm: &str| {
            let hold = "[hold]\npath = '/h'\nlasts = '9s'\ntake = { hold = '/id' }\nsold_out = { status = [409] }\n";
            let confirm = format!("[confirm]\npath = '/h/${{hold}}'\n{confirm}\n");
            parsed(&format!("{MINIMAL}{hold}{confirm}")).unwrap().warnings()
        };
        let sold = "sold = { status = [200] }\n";
        let warnings = with(&format!("{sold}refused = {{ status = [410, 200] }}"));
        assert!(warnings[0].contains("`confirm.sold` comes first"), "{warnings:?}");
        assert!(warnings[0].contains("`confirm.refused`"), "{warnings:?}");
        assert_eq!(with(&format!("{sold}refused = {{ status = [410] }}")), [""; 0]);
        let text = MINIMAL.replace("status = [410]", "status = [410, 200]");
        assert!(parsed(&text).unwrap().warnings()[0].contains("`buy.sold_out`"));
    }

    #[test]
    fn a_product_may_stand_in_any_call_that_a_client_makes() {
        let products = "product = [{ name = 'a' }, { name = 'b' }]\n[buy]";
        for (from, to) in [
            ("/orders", "/orders/${product}"),
            ("sold =", "step = [{ path = '/${product}' }]\nsold ="),
            ("[buy]", "before = [{ path = '/${product}' }]\n[buy]"),
        ] {
            let text = MINIMAL.replacen(from, to, 1).replacen("[buy]", products, 1);
            assert!(parsed(&text).is_ok(), "{to}");
        }
        let alone = MINIMAL.replacen("[buy]", "[[product]]\nname = 'a'\n[buy]", 1);
        assert!(parsed(&alone).is_ok(), "there is nothing to be told apart");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let with =
            |from: &str, to: &str| parsed(&MINIMAL.replace(from, to)).expect_err(to).to_string();
        for (from, to, named) in [
            ("[buy]", "[buy", "line 2"),
            ("path", "paht", "paht"),
            ("/orders", "orders", "`orders`"),
            ("/orders", "/orders/${seat}", "${seat}"),
            ("status = [200]", "status = [200], ticket = 'seat'", "buy.sold.ticket"),
            ("status = [200]", "status = []", "buy.sold.status"),
            ("status = [410]", "status = [99]", "buy.sold_out.status"),
            ("status = [410]", "status = [410], where = { seat = 1 }", "buy.sold_out.where"),
            ("sold_out", "method = 'post'\nsold_out", "`post`"),
            ("sold_out", "method = 'HEAD'\nsold_out", "`HEAD`"),
            (
                "[buy]",
                "[search]\nmethod = 'HEAD'\npath = '/'\nremaining = '/a'\n[buy]",
                "`search.method`",
            ),
            ("sold_out", "headers = { Host = 'x' }\nsold_out", "`Host`"),
            ("[buy]", "host = 'http://x'\n[buy]", "`shop.toml`:2: `host`"),
            ("[buy]", "[release]\npath = '/'\n[buy]", "`release`: there is no `[hold]`"),
            ("[buy]", "[[search]]\n[buy]", "`shop.toml`:2: `search`: expected one table"),
            (
                "[buy]",
                "[buy.step]\npath = '/'\n[buy]",
                "`shop.toml`:2: `buy.step`: expected a list of tables",
            ),
            ("[buy]", "buyers = 7\n[buy]", "`buyers = \"7\"`"),
            (
                "status = [200]",
                "status = [200], where = { '/a' = [1] }",
                "`shop.toml`:4: `buy.sold.where`: `/a`: expected a text, a number",
            ),
            (
                "status = [200]",
                "status = [200], where = { '/a' = 2026-01-01 }",
                "`shop.toml`:4: `buy.sold.where./a`: expected no date",
            ),
            (
                "[buy]",
                "product = [{ name = 'a' }, { name = 'b' }]\n[buy]",
                "`shop.toml`:2: `product`: no call says which product",
            ),
            ("[buy]", "[[product]]\nname = 'a'\nsku = 7\n[buy]", "send `${product}` or `${sku}`"),
        ] {
            let error = with(from, to);
            assert!(error.contains("shop.toml") && error.contains(named), "{to}: {error}");
        }
    }
}

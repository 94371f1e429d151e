//! Reads the answers of a mapped shop.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    change::ChangeReader,
    count::{Count, Counted},
    finding::{Finding, Misread, member_in, stands},
    members::{Members, OneOrMany},
    place::{Looked, Place, Texts},
    rules::{Fault, When, may_pass, named, optional, turns_away},
    sale::SaleReader,
};
use crate::{
    duration,
    history::{Answer, Outcome},
    plan::Action,
    shop::{
        answer::{NoStock, Stock},
        secret::{Secret, masked},
        wire::Reply,
    },
};

/// How much is kept of an answer that no rule knows, in characters.
const UNREAD_MAX: usize = 200;

/// How much is shown of one that does not say what is left.
const SHOWN_MAX: usize = 400;

/// Reads the answers of one shop.
#[derive(Clone, Debug)]
pub(in crate::shop) struct MapReader {
    /// How many tickets a purchase is of.
    quantity: u64,
    buy: SaleReader,
    confirm: Option<SaleReader>,
    changes: Vec<(Action, ChangeReader)>,
    search: Option<SearchReader>,
    /// What is to be shown to nobody, each with the name that is shown for it.
    secrets: Vec<(String, Secret)>,
}

/// Where an answer to a search says what.
#[derive(Clone, Debug)]
struct SearchReader {
    when: When,
    remaining: Count,
    held: Option<Place>,
    sold: Option<Place>,
    revision: Option<Place>,
    settle: Option<Duration>,
}

impl MapReader {
    /// For the shop that `map` describes.
    ///
    /// # Errors
    /// Names the member of the map that makes no sense, and why.
    pub(super) fn new(map: &Members) -> Result<Self, Fault> {
        let search = map.search.as_ref().map(|search| -> Result<_, Fault> {
            let when = When::new("search", &search.status, &BTreeMap::new())?;
            let remaining = Count::parse(&search.remaining).map_err(named("search.remaining"))?;
            let settle = search.settle.as_deref().map(duration::parse).transpose();
            Ok(SearchReader {
                when,
                remaining: remaining.with_words(words(&search.words)?).clamped(search.clamped),
                held: optional("search.held", search.held.as_deref())?,
                settle: settle.map_err(named("search.settle"))?,
                sold: optional("search.sold", search.sold.as_deref())?,
                revision: optional("search.revision", search.revision.as_deref())?,
            })
        });
        let (buy, none) = (&map.buy, &OneOrMany::default());
        let confirm = map.confirm.as_ref().map(|confirm| {
            SaleReader::new("confirm", map.numbering, &confirm.sold, (none, &confirm.refused))
        });
        let mut changes = Vec::new();
        if let Some(hold) = &map.hold {
            let refusals = (&hold.sold_out, &hold.refused);
            changes.push((Action::Hold, ChangeReader::new("hold", &hold.done, refusals)?));
        }
        for (action, table, change) in map.changes() {
            let reader = ChangeReader::new(table, &change.done, (none, &change.refused))?;
            changes.push((action, reader));
        }
        let refusals = (&buy.sold_out, &buy.refused);
        Ok(Self {
            quantity: buy.quantity,
            buy: SaleReader::new("buy", map.numbering, &buy.sold, refusals)?,
            confirm: confirm.transpose()?,
            changes,
            search: search.transpose()?,
            secrets: Vec::new(),
        })
    }

    /// The same, which shows none of these `secrets`.
    pub(super) fn with_secrets(self, secrets: Vec<(String, Secret)>) -> Self {
        Self { secrets, ..self }
    }

    /// `text` with a name for each secret in it.
    pub(in crate::shop) fn masked(&self, text: &str) -> String {
        masked(text, self.secrets.iter().map(|(name, secret)| (secret.0.as_str(), name.as_str())))
    }

    /// How long a count must stand still before it is believed, where that is said.
    pub(in crate::shop) fn settle(&self) -> Option<Duration> {
        self.search.as_ref()?.settle
    }

    /// Reads an answer to a purchase.
    pub(in crate::shop) fn purchase(&self, reply: Reply<'_>) -> Answer {
        let texts = Texts::of(reply.head, reply.body);
        let looked = texts.look();
        let status = reply.status;
        let known = self.buy.known(self.quantity, status, &looked);
        known.unwrap_or_else(|| {
            let mut answer = unread(status, &looked);
            answer.unread = answer.unread.map(|text| Box::new(self.masked(&text)));
            if matches!(status, 400..=499) {
                Answer { outcome: Outcome::Refused, ..answer }
            } else {
                answer
            }
        })
    }

    /// What an answer to the last call of `action` says that one of the rules knows; a hold is of so many
    /// tickets.
    pub(in crate::shop) fn known(
        &self,
        action: Action,
        held: u64,
        status: u16,
        looked: &Looked<'_>,
    ) -> Option<Answer> {
        match action {
            Action::Buy => self.buy.known(self.quantity, status, looked),
            Action::Confirm => self.confirm.as_ref()?.known(held, status, looked),
            _ => self.change(action)?.known(status, looked),
        }
    }

    /// What is wrong with an answer to the last call of `action` that sells, and says its tickets otherwise than the
    /// map does.
    pub(in crate::shop) fn misread(
        &self,
        action: Action,
        held: u64,
        status: u16,
        looked: &Looked<'_>,
    ) -> Option<Misread> {
        match action {
            Action::Buy => self.buy.misread(self.quantity, status, looked),
            Action::Confirm => self.confirm.as_ref()?.misread(held, status, looked),
            _ => None,
        }
    }

    fn change(&self, action: Action) -> Option<&ChangeReader> {
        self.changes.iter().find_map(|(other, reader)| (*other == action).then_some(reader))
    }

    /// Reads an answer to a search.
    pub(in crate::shop) fn stock(&self, reply: Reply<'_>) -> Result<Stock, NoStock> {
        let SearchReader { when, remaining, held, sold, revision, .. } =
            self.search.as_ref().ok_or_else(|| "the map of this shop has no search".to_owned())?;
        let texts = Texts::of(reply.head, reply.body);
        let looked = texts.look();
        let no_stock = |reason: String, hint: Option<String>| {
            let (reason, hint) = (self.masked(&reason), hint.map(|hint| self.masked(&hint)));
            let beginning = self.masked(&looked.beginning(SHOWN_MAX));
            NoStock { reason, hint, answer: Some((reply.status, beginning)) }
        };
        if !when.holds(reply.status, &looked) {
            return Err(no_stock(
                status_to(reply.status, &looked),
                Some(way_on(reply.status, &looked)),
            ));
        }
        let remaining = match remaining.read(&looked) {
            Counted::Number(number) => number,
            Counted::Some(word) => {
                let reason = format!("`{word}` says that some are left, and not how many");
                return Err(no_stock(reason, None));
            }
            Counted::Nothing => {
                let Misread { reason, hint } = no_count(remaining, &looked);
                return Err(no_stock(reason, Some(hint)));
            }
        };
        let number = |place: &Option<Place>| place.as_ref()?.number(&looked);
        Ok(Stock { held: number(held), remaining, sold: number(sold), revision: number(revision) })
    }

    /// The places for the last call of `action` and what stands there, for people.
    pub(in crate::shop) fn findings(
        &self,
        action: Action,
        status: u16,
        looked: &Looked<'_>,
    ) -> Vec<Finding> {
        match action {
            Action::Buy => self.buy.findings(status, looked),
            Action::Search => self.search_findings(status, looked),
            Action::Confirm => {
                let findings = self.confirm.as_ref().map(|reader| reader.findings(status, looked));
                findings.unwrap_or_default()
            }
            Action::Hold | Action::Release | Action::Refund | Action::Restock => {
                let findings = self.change(action).map(|reader| reader.findings(status, looked));
                findings.unwrap_or_default()
            }
        }
    }

    fn search_findings(&self, status: u16, looked: &Looked<'_>) -> Vec<Finding> {
        let Some(search) = &self.search else { return Vec::new() };
        let mut findings = Finding::of_rule(&search.when, status, looked);
        let number =
            |name: &str, place: &Option<Place>| Finding::of_number(name, place.as_ref(), looked);
        findings.extend(Finding::of_count("search.remaining", Some(&search.remaining), looked));
        findings.extend(number("search.held", &search.held));
        findings.extend(number("search.sold", &search.sold));
        findings.extend(number("search.revision", &search.revision));
        findings
    }
}

/// A status, and where an answer of it leads.
pub(in crate::shop) fn status_to(status: u16, looked: &Looked<'_>) -> String {
    match looked.field("location").filter(|_| matches!(status, 300..=399)) {
        Some(location) => format!("status {status}, which leads to `{location}`"),
        None => format!("status {status}"),
    }
}

/// What to change in `[search]` where it was answered with this `status`.
fn way_on(status: u16, looked: &Looked<'_>) -> String {
    match (status, looked.field("location")) {
        (300..=399, Some(location)) if location.starts_with('/') => {
            format!("ask there: `path = \"{location}\"` in `[search]` of the map")
        }
        (300..=399, Some(location)) => {
            format!("give the shop's URL and the `path` of `[search]` as in `{location}`")
        }
        (401 | 403, _) => {
            "send what lets it in, as `headers = { Authorization = \"Bearer ${env:TOKEN}\" }` in \
                           `[search]` of the map"
                .to_owned()
        }
        (404 | 405, _) => "mend `path` or `method` of `[search]` in the map".to_owned(),
        (200..=299, _) => {
            format!("if the answer is good, say `status = [{status}]` in `[search]` of the map")
        }
        _ => "see why the shop answers so".to_owned(),
    }
}

/// What is wrong where an answer does not say the `count` of what is left.
fn no_count(count: &Count, looked: &Looked<'_>) -> Misread {
    let Some(place) = count.missing(looked) else {
        let reason = "its sum is too large for a count".to_owned();
        return Misread { reason, hint: "mend `remaining` of `[search]` in the map".to_owned() };
    };
    let found = place.find(looked);
    let no_number = if found.is_some() { ", and no count" } else { "" };
    let reason = format!("`search.remaining`: {}{no_number}", stands(place, looked));
    let text = place.to_string();
    let spaced = text.replace("-/", " - /").replace("+/", " + /");
    let better = found.as_ref().and_then(|found| member_in(place, found));
    let hint = match better {
        _ if matches!(place, Place::Pointer(_)) && spaced != text => {
            format!("a sum has spaces around its signs: `remaining = \"{spaced}\"`")
        }
        Some(better) => format!("name a member of it, as `remaining = \"{better}\"`"),
        None => "say where this answer has it: `remaining` of `[search]` in the map".to_owned(),
    };
    Misread { reason, hint }
}

/// What is to be thought of an answer that no rule knows.
pub(in crate::shop) fn unread(status: u16, looked: &Looked<'_>) -> Answer {
    let reason = match looked.is_empty() {
        true => format!("status {status}"),
        false => format!("status {status}, which no rule of the map knows"),
    };
    let unread = (!looked.is_empty()).then(|| Box::new(looked.beginning(UNREAD_MAX)));
    let (is_passing, is_turned_away) = (may_pass(status, looked), turns_away(status, looked));
    Answer { is_passing, is_turned_away, unread, ..Answer::unknown(reason) }
}

/// What words mean: a number, or `true` for some.
fn words(words: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Option<i64>>, Fault> {
    let words = words.iter().map(|(word, meaning)| {
        let meaning = match meaning {
            Value::Bool(true) => None,
            Value::Number(number) if number.is_i64() => number.as_i64(),
            _ => {
                let reason = "expected how many that is, or `true` for some".to_owned();
                return Err((format!("search.words.{word}"), reason));
            }
        };
        Ok((word.clone(), meaning))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"
numbering = "unique"

[buy]
path = "/orders"

[buy.sold]
status = [200]
where = { "/state" = "confirmed" }
ticket = "/seat"
remaining = "header:x-left"

[buy.sold_out]
status = [200]
where = { "regex:no seats" = true }

[buy.refused]
status = [503]
where = { "/retry" = true }

[search]
path = "/stock"
remaining = '''regex:left: (\d+)'''
"#;

    fn reader() -> MapReader {
        MapReader::new(&toml::from_str(MAP).unwrap()).unwrap()
    }

    fn reply<'a>(status: u16, body: &'a str) -> Reply<'a> {
        let head = b"HTTP/1.1 200 OK\r\nX-Left: 4\r\n\r\n";
        Reply { status, received_ns: 0, head, body: body.as_bytes() }
    }

    fn purchase(status: u16, body: &str) -> Answer {
        reader().purchase(reply(status, body))
    }

    #[test]
    fn sales_are_told_from_refusals_of_the_same_status() {
        let sale = purchase(200, r#"{"state": "confirmed", "seat": 7}"#);
        assert_eq!((sale.outcome, sale.tickets.run()), (Outcome::Sold, Some((7, 7))));
        assert_eq!(sale.remaining, Some(4));
        assert_eq!(purchase(200, "sorry, no seats").outcome, Outcome::SoldOut);
        assert_eq!(purchase(200, r#"{"state": "pending"}"#).outcome, Outcome::Unknown);
        assert_eq!(purchase(200, r#"{"state": "confirmed"}"#).outcome, Outcome::Unknown);
    }

    #[test]
    fn what_no_rule_knows_keeps_how_it_begins() {
        let unread = |status, body| purchase(status, body).unread.map(|unread| *unread);
        let long = "é".repeat(300);
        assert_eq!(unread(422, r#" {"error": 7}"#).as_deref(), Some(r#"{"error": 7}"#));
        assert_eq!(unread(500, &long).map(|text| text.chars().count()), Some(200));
        assert_eq!(unread(422, " "), None);
        assert_eq!(unread(503, r#"{"retry": true}"#), None);
    }

    #[test]
    fn other_answers_are_refused_where_nothing_can_have_happened() {
        assert_eq!(purchase(422, "").outcome, Outcome::Refused);
        assert_eq!(purchase(503, r#"{"retry": true}"#).outcome, Outcome::Refused);
        assert_eq!(purchase(503, "").outcome, Outcome::Unknown);
        assert_eq!(purchase(500, "").outcome, Outcome::Unknown);
    }

    #[test]
    fn tickets_have_names_where_only_sameness_counts() {
        let seat = |name: &str| {
            let body = format!(r#"{{"state": "confirmed", "seat": "{name}"}}"#);
            purchase(200, &body).tickets
        };
        assert_eq!(seat("A-17"), seat("A-17"));
        assert_ne!(seat("A-17"), seat("A-18"));
        assert_eq!(seat("17").run(), Some((17, 17)));
        assert_ne!(seat("17"), seat("017"));
        let consecutive = with("\"unique\"", "\"consecutive\"");
        let body = r#"{"state": "confirmed", "seat": "A-17"}"#;
        assert_eq!(consecutive.purchase(reply(200, body)).outcome, Outcome::Unknown);
    }

    #[test]
    fn a_search_says_what_is_left() {
        let found = reader().stock(reply(200, "seats left: 12"));
        assert_eq!(found, Ok(Stock { remaining: 12, sold: None, held: None, revision: None }));
        assert!(reader().stock(reply(200, "none")).is_err());
        assert!(reader().stock(reply(404, "left: 12")).is_err());
    }

    fn with(from: &str, to: &str) -> MapReader {
        assert!(MAP.contains(from), "{from}");
        MapReader::new(&toml::from_str(&MAP.replacen(from, to, 1)).unwrap()).unwrap()
    }

    #[test]
    fn several_tickets_come_as_a_list() {
        let several = with("path = \"/orders\"", "path = \"/orders\"\nquantity = 2");
        let sale = |seats: &str| {
            let body = format!(r#"{{"state": "confirmed", "seat": {seats}}}"#);
            several.purchase(reply(200, &body))
        };
        assert_eq!(sale(r#"["A-1", 7.0]"#).tickets.len(), 2);
        for seats in ["7", "[]", "[null, 1]", r#"["A-1", "A-2", "A-3"]"#] {
            assert_eq!(sale(seats).outcome, Outcome::Unknown, "{seats}");
        }
        let pattern = with("ticket = \"/seat\"", "tickets = 'regex:seat (\\w+)'");
        let body = r#"{"state": "confirmed", "text": "seat A1"}"#;
        assert_eq!(pattern.purchase(reply(200, body)).tickets.len(), 1);
    }

    #[test]
    fn a_purchase_that_is_filled_in_part_is_a_sale_of_what_is_listed() {
        let sold = |reader: &MapReader, seats: &str| {
            let body = format!(r#"{{"state": "confirmed", "seat": {seats}, "text": "seat A1"}}"#);
            let Answer { outcome, quantity, tickets, .. } = reader.purchase(reply(200, &body));
            (outcome, quantity, tickets.len())
        };
        let of_three = "path = \"/orders\"\nquantity = 3";
        let reader = with("path = \"/orders\"", of_three);
        assert_eq!(sold(&reader, r#"["A", "B", "C"]"#), (Outcome::Sold, None, 3));
        assert_eq!(sold(&reader, r#"["A", "B"]"#), (Outcome::Sold, Some(2), 2));
        // An order number may stand for all three.
        assert_eq!(sold(&reader, "7").0, Outcome::Unknown);
        for (pattern, answer) in [
            ("tickets = 'regex:seat (\\w+)'", (Outcome::Sold, Some(1), 1)),
            ("ticket = 'regex:seat (\\w+)'", (Outcome::Unknown, None, 0)),
        ] {
            let map = MAP.replacen("path = \"/orders\"", of_three, 1);
            let map = map.replacen("ticket = \"/seat\"", pattern, 1);
            let reader = MapReader::new(&toml::from_str(&map).unwrap()).unwrap();
            assert_eq!(sold(&reader, "7"), answer, "{pattern}");
        }
        // The first purchase shows whether the map finds them all.
        let texts =
            Texts::of(b"HTTP/1.1 200 OK\r\n\r\n", br#"{"state": "confirmed", "seat": ["A"]}"#);
        assert!(reader.misread(Action::Buy, 1, 200, &texts.look()).is_some());
    }

    #[test]
    fn an_answer_is_read_however_it_was_written() {
        use std::io::Write as _;

        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(br#"{"state": "confirmed", "seat": "A-17"}"#).unwrap();
        let body = packed.finish().unwrap();
        let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
        let answer = reader().purchase(Reply { status: 200, received_ns: 0, head, body: &body });
        assert_eq!(answer.outcome, Outcome::Sold);
        // A page in Latin-1.
        let body = b"Pl\xe4tze: left: 12";
        let found = reader().stock(Reply { status: 200, received_ns: 0, head: b"", body });
        assert_eq!(found.map(|stock| stock.remaining), Ok(12));
        let counted = with("'''regex:left: (\\d+)'''", "\"/left\"");
        for (text, left) in
            [(r#"{"left": -3}"#, -3), (r#"{"left": 12.0}"#, 12), (r#"{"left": "7"}"#, 7)]
        {
            assert_eq!(counted.stock(reply(200, text)).unwrap().remaining, left, "{text}");
        }
    }

    #[test]
    fn an_error_page_is_no_sale_for_what_it_does_not_say() {
        let state = "where = { \"/state\" = \"confirmed\" }";
        let lacks = "where = { \"/error\" = false }";
        let reader = with(state, lacks);
        let sale = r#"{"seat": 7}"#;
        assert_eq!(reader.purchase(reply(200, sale)).outcome, Outcome::Sold);
        for body in ["<h1>Oops</h1>", r#"{"message": "boom"}"#] {
            assert_eq!(reader.purchase(reply(200, body)).outcome, Outcome::Unknown, "{body}");
        }
        // Which has no ticket to miss.
        let blind = with(&format!("{state}\nticket = \"/seat\""), lacks);
        let error = blind.purchase(reply(200, r#"{"message": "boom"}"#));
        assert_eq!(error.outcome, Outcome::Unknown);
    }

    #[test]
    fn who_says_when_to_come_back_is_asked_again() {
        let head = b"HTTP/1.1 409 Conflict\r\nRetry-After: 0\r\n\r\n";
        let busy = Reply { status: 409, received_ns: 0, head, body: b"busy" };
        let returned = reader().purchase(busy);
        assert_eq!((returned.outcome, returned.is_passing), (Outcome::Refused, true));
    }

    #[test]
    fn who_is_told_to_come_back_was_turned_away_and_who_is_declined_was_not() {
        let answered = |status, head: &'static [u8], body: &'static str| {
            let reply = Reply { status, received_ns: 0, head, body: body.as_bytes() };
            let Answer { outcome, is_turned_away, .. } = reader().purchase(reply);
            (outcome, is_turned_away)
        };
        let bare: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
        let later: &[u8] = b"HTTP/1.1 200 OK\r\nRetry-After: 1\r\n\r\n";
        let retry = r#"{"retry": true}"#;
        for (status, head, body, is_turned_away) in [
            (408, bare, "", true),
            (425, bare, "", true),
            (429, bare, "", true),
            (409, later, "", true),
            (503, later, retry, true),
            (503, bare, retry, false),
            (402, bare, "", false),
            (422, bare, "", false),
        ] {
            let expected = (Outcome::Refused, is_turned_away);
            assert_eq!(answered(status, head, body), expected, "{status} {body}");
        }
        let again = with("where = { \"/retry\" = true }", "again = true");
        assert!(again.purchase(reply(503, "")).is_turned_away);
    }

    const CHANGES: &str = r#"
[hold]
path = "/holds"
json = { seats = "${quantity}", seconds = "${seconds}" }
take = { hold = "/id" }
done = { status = [201], where = { "/ok" = true }, remaining = "/left - 1" }
sold_out = { status = [409], remaining = "/left" }

[confirm]
path = "/holds/${hold}"
sold = { status = [200], tickets = "/seats" }
refused = { status = [410] }

[release]
path = "/holds/${hold}"
refused = { status = [200], where = { "/ok" = false } }
"#;

    #[test]
    fn holds_and_their_ends_are_read() {
        let reader = with("[search]", &format!("{CHANGES}\n[search]"));
        let read = |action, status, body: &str| {
            let json = serde_json::from_str(body).unwrap_or_default();
            let looked = Looked { text: body.into(), json, fields: "" };
            reader.known(action, 2, status, &looked)
        };
        let held = read(Action::Hold, 201, r#"{"ok": true, "left": 5}"#).unwrap();
        assert_eq!((held.outcome, held.remaining), (Outcome::Done, Some(4)));
        assert!(read(Action::Hold, 201, r#"{"ok": false}"#).is_none());
        let sold_out = read(Action::Hold, 409, r#"{"left": 1}"#).unwrap();
        assert_eq!((sold_out.outcome, sold_out.remaining), (Outcome::SoldOut, Some(1)));
        let sold = read(Action::Confirm, 200, r#"{"seats": ["A", "B"]}"#).unwrap();
        assert_eq!((sold.outcome, sold.tickets.len()), (Outcome::Sold, 2));
        let one = read(Action::Confirm, 200, r#"{"seats": ["A"]}"#).unwrap();
        assert_eq!(one.outcome, Outcome::Unknown);
        assert_eq!(read(Action::Confirm, 410, "").unwrap().outcome, Outcome::Refused);
        // Any status of success will do, but what is refused goes first.
        assert_eq!(read(Action::Release, 204, "").unwrap().outcome, Outcome::Done);
        // It may come back at any time.
        let taken_on = read(Action::Release, 202, r#"{"left": 5}"#).unwrap();
        assert_eq!((taken_on.outcome, taken_on.is_passing), (Outcome::Unknown, false));
        let refused = read(Action::Release, 200, r#"{"ok": false}"#).unwrap();
        assert_eq!(refused.outcome, Outcome::Refused);
        assert!(read(Action::Refund, 200, "{}").is_none());
    }
}

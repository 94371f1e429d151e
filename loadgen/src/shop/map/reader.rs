//! Reads the answers of a mapped shop.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    members::Map,
    place::{Held, Looked, Place, Texts},
};
use crate::{
    history::{Answer, Numbering, Outcome, Ticket},
    shop::{
        answer::Stock,
        wire::{Reply, is_passing},
    },
};

/// How much is kept of an answer that no rule knows, in characters.
const UNREAD_MAX: usize = 200;

/// When an answer is of some kind: its status, and what stands in it.
#[derive(Clone, Debug)]
struct When {
    status: Vec<u16>,
    condition: Vec<(Place, Value)>,
    /// Whether the rule names something else that must be there: a ticket.
    says_more: bool,
}

/// Reads the answers of one shop.
#[derive(Clone, Debug)]
pub(in crate::shop) struct MapReader {
    numbering: Numbering,
    sold: When,
    tickets: Option<TicketPlace>,
    quantity: u64,
    remaining: Option<Place>,
    revision: Option<Place>,
    sold_out: When,
    sold_out_remaining: Option<Place>,
    sold_out_revision: Option<Place>,
    refused: Option<When>,
    search: Option<SearchReader>,
}

/// Where a sale says its tickets.
#[derive(Clone, Debug)]
enum TicketPlace {
    One(Place),
    List(Place),
}

/// Where an answer to a search says what.
#[derive(Clone, Debug)]
struct SearchReader {
    when: When,
    remaining: Place,
    sold: Option<Place>,
    revision: Option<Place>,
}

type Fault = (&'static str, String);

impl MapReader {
    /// For the shop that `map` describes.
    ///
    /// # Errors
    /// Names the member of the map that makes no sense, and why.
    pub(in crate::shop) fn new(map: &Map) -> Result<Self, Fault> {
        let (sold, sold_out) = (&map.buy.sold, &map.buy.sold_out);
        let search = map.search.as_ref().map(|search| {
            let when = When::new(("search.status", &search.status), ("search", &BTreeMap::new()))?;
            let remaining = Place::parse(&search.remaining).map_err(named("search.remaining"))?;
            Ok(SearchReader {
                when,
                remaining,
                sold: place("search.sold", search.sold.as_deref())?,
                revision: place("search.revision", search.revision.as_deref())?,
            })
        });
        Ok(Self {
            numbering: map.numbering,
            sold: When {
                says_more: sold.ticket.is_some() || sold.tickets.is_some(),
                ..When::new(("buy.sold.status", &sold.status), ("buy.sold.where", &sold.condition))?
            },
            tickets: match (&sold.ticket, &sold.tickets) {
                (Some(_), Some(_)) => {
                    return Err(("buy.sold", "`ticket` and `tickets` are one".to_owned()));
                }
                (Some(one), None) => {
                    Some(TicketPlace::One(Place::parse(one).map_err(named("buy.sold.ticket"))?))
                }
                (None, Some(list)) => {
                    Some(TicketPlace::List(Place::parse(list).map_err(named("buy.sold.tickets"))?))
                }
                (None, None) => None,
            },
            quantity: map.buy.quantity,
            remaining: place("buy.sold.remaining", sold.remaining.as_deref())?,
            revision: place("buy.sold.revision", sold.revision.as_deref())?,
            sold_out: When::new(
                ("buy.sold_out.status", &sold_out.status),
                ("buy.sold_out.where", &sold_out.condition),
            )?,
            sold_out_remaining: place("buy.sold_out.remaining", sold_out.remaining.as_deref())?,
            sold_out_revision: place("buy.sold_out.revision", sold_out.revision.as_deref())?,
            refused: map
                .buy
                .refused
                .as_ref()
                .map(|refused| {
                    When::new(
                        ("buy.refused.status", &refused.status),
                        ("buy.refused.where", &refused.condition),
                    )
                })
                .transpose()?,
            search: search.transpose()?,
        })
    }

    /// Whether some rule matches `reply` to a purchase.
    pub(in crate::shop) fn has_rule_for(&self, reply: Reply<'_>) -> bool {
        let texts = Texts::of(reply.head, reply.body);
        let looked = texts.look();
        let rules = [Some(&self.sold), Some(&self.sold_out), self.refused.as_ref()];
        rules.into_iter().flatten().any(|when| when.holds(reply.status, &looked))
    }

    /// Reads an answer to a purchase.
    pub(in crate::shop) fn purchase(&self, reply: Reply<'_>) -> Answer {
        let texts = Texts::of(reply.head, reply.body);
        let looked = texts.look();
        let status = reply.status;
        if self.sold.holds(status, &looked) {
            self.sale(&looked)
        } else if self.sold_out.holds(status, &looked) {
            Answer {
                remaining: count(self.sold_out_remaining.as_ref(), &looked),
                revision: number(self.sold_out_revision.as_ref(), &looked),
                ..Answer::new(Outcome::SoldOut)
            }
        } else {
            let is_refused = self.refused.as_ref().is_some_and(|when| when.holds(status, &looked));
            let is_known = is_refused || looked.is_empty();
            let reason = match is_known {
                true => format!("status {status}"),
                false => format!("status {status}, which no rule of the map knows"),
            };
            let answer = if is_refused || matches!(status, 400..=499) {
                Answer::refused(reason)
            } else {
                Answer::unknown(reason)
            };
            // Who says when to come back expects that.
            let is_passing = is_passing(status) || looked.has_field("retry-after");
            let unread = (!is_known).then(|| Box::new(looked.beginning(UNREAD_MAX)));
            Answer { is_passing, unread, ..answer }
        }
    }

    fn sale(&self, looked: &Looked<'_>) -> Answer {
        let mut answer = Answer {
            remaining: count(self.remaining.as_ref(), looked),
            revision: number(self.revision.as_ref(), looked),
            ..Answer::new(Outcome::Sold)
        };
        if let Some(place) = &self.tickets {
            let tickets = match place {
                TicketPlace::One(place) => place.ticket(looked),
                TicketPlace::List(place) => place.tickets(looked),
            };
            let Some(tickets) = tickets else {
                return Answer::unknown("sold, but without its ticket");
            };
            let is_number = |ticket: &Ticket| matches!(ticket, Ticket::Number(_));
            if self.numbering == Numbering::Consecutive && !tickets.iter().all(is_number) {
                return Answer::unknown("sold, but with a name where numbers run");
            }
            if tickets.len() as u64 != self.quantity {
                let (got, asked) = (tickets.len(), self.quantity);
                return Answer::unknown(format!("sold, but with {got} tickets for {asked}"));
            }
            answer.tickets = tickets.into_iter().collect();
        }
        answer
    }

    /// Reads an answer to a search.
    pub(in crate::shop) fn stock(&self, reply: Reply<'_>) -> Result<Stock, String> {
        let SearchReader { when, remaining, sold, revision } =
            self.search.as_ref().ok_or("the map of this shop has no search")?;
        let texts = Texts::of(reply.head, reply.body);
        let looked = texts.look();
        if !when.holds(reply.status, &looked) {
            return Err(format!("status {}", reply.status));
        }
        let remaining = remaining.count(&looked);
        Ok(Stock {
            held: None,
            remaining: remaining.ok_or("an answer that does not say what is left")?,
            sold: number(sold.as_ref(), &looked),
            revision: number(revision.as_ref(), &looked),
        })
    }
}

impl When {
    fn new(
        (status_name, status): (&'static str, &[u16]),
        (condition_name, condition): (&'static str, &BTreeMap<String, Value>),
    ) -> Result<Self, Fault> {
        if status.is_empty() || status.iter().any(|status| !(100..600).contains(status)) {
            return Err((status_name, "expected status codes, as in `[200, 201]`".to_owned()));
        }
        let condition = condition
            .iter()
            .map(|(place, value)| {
                let place = Place::parse(place).map_err(named(condition_name))?;
                Ok((place, value.clone()))
            })
            .collect::<Result<_, Fault>>()?;
        Ok(Self { status: status.to_vec(), condition, says_more: false })
    }

    /// Whether an answer is of this kind. What only lacks something is so where the rule says more: else an
    /// error, which lacks it too, would be.
    fn holds(&self, status: u16, looked: &Looked<'_>) -> bool {
        let mut is_shown = self.says_more || self.condition.is_empty();
        for (place, wanted) in &self.condition {
            match place.holds(looked, wanted) {
                Held::Yes => is_shown = true,
                Held::Absent => {}
                Held::No => return false,
            }
        }
        is_shown && self.status.contains(&status)
    }
}

fn place(member: &'static str, text: Option<&str>) -> Result<Option<Place>, Fault> {
    text.map(Place::parse).transpose().map_err(named(member))
}

fn named(member: &'static str) -> impl Fn(String) -> Fault {
    move |reason| (member, reason)
}

fn number(place: Option<&Place>, looked: &Looked<'_>) -> Option<u64> {
    place?.number(looked)
}

fn count(place: Option<&Place>, looked: &Looked<'_>) -> Option<i64> {
    place?.count(looked)
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
        let consecutive = MapReader { numbering: Numbering::Consecutive, ..reader() };
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
        for seats in [r#"["A-1"]"#, "7", "[]", "[null, 1]"] {
            assert_eq!(sale(seats).outcome, Outcome::Unknown, "{seats}");
        }
        let pattern = with("ticket = \"/seat\"", "tickets = 'regex:seat (\\w+)'");
        let body = r#"{"state": "confirmed", "text": "seat A1"}"#;
        assert_eq!(pattern.purchase(reply(200, body)).tickets.len(), 1);
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
        let reader =
            with("where = { \"/state\" = \"confirmed\" }", "where = { \"/error\" = false }");
        let sale = r#"{"seat": 7}"#;
        assert_eq!(reader.purchase(reply(200, sale)).outcome, Outcome::Sold);
        for body in ["<h1>Oops</h1>", r#"{"message": "boom"}"#] {
            assert_eq!(reader.purchase(reply(200, body)).outcome, Outcome::Unknown, "{body}");
        }
        // Which has no ticket to miss.
        let sold = When { says_more: false, ..reader.sold.clone() };
        let blind = MapReader { tickets: None, sold, ..reader };
        let error = blind.purchase(reply(200, r#"{"message": "boom"}"#));
        assert_eq!(error.outcome, Outcome::Unknown);
    }

    #[test]
    fn who_says_when_to_come_back_is_asked_again() {
        let head = b"HTTP/1.1 409 Conflict\r\nRetry-After: 0\r\n\r\n";
        let busy = Reply { status: 409, received_ns: 0, head, body: b"busy" };
        let returned = reader().purchase(busy);
        assert_eq!((returned.outcome, returned.is_passing), (Outcome::Refused, true));
        assert!(!reader().has_rule_for(busy));
    }
}

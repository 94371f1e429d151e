//! Reads the answers of a mapped shop.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    file::Map,
    place::{Looked, Place, is_same},
};
use crate::{
    history::{Answer, Numbering, Outcome, Tickets},
    target::{
        answer::is_passing,
        reply::Reply,
        returned::{Returned, Stock},
    },
};

/// When an answer is of some kind: its status, and what stands in it.
#[derive(Clone, Debug)]
struct When {
    status: Vec<u16>,
    condition: Vec<(Place, Value)>,
}

/// Reads the answers of one shop.
#[derive(Clone, Debug)]
pub(in crate::target) struct Reader {
    numbering: Numbering,
    sold: When,
    ticket: Option<Place>,
    remaining: Option<Place>,
    revision: Option<Place>,
    sold_out: When,
    sold_out_remaining: Option<Place>,
    sold_out_revision: Option<Place>,
    refused: Option<When>,
    search: Option<(When, Place, Option<Place>)>,
}

type Fault = (&'static str, String);

impl Reader {
    /// For the shop that `map` describes.
    ///
    /// # Errors
    /// Names the member of the map that makes no sense, and why.
    pub(in crate::target) fn new(map: &Map) -> Result<Self, Fault> {
        let (sold, sold_out) = (&map.buy.sold, &map.buy.sold_out);
        let search = map.search.as_ref().map(|search| {
            let when = When::new(("search.status", &search.status), ("search", &BTreeMap::new()))?;
            let remaining = Place::parse(&search.remaining).map_err(named("search.remaining"))?;
            Ok((when, remaining, place("search.revision", search.revision.as_deref())?))
        });
        Ok(Self {
            numbering: map.numbering,
            sold: When::new(
                ("buy.sold.status", &sold.status),
                ("buy.sold.where", &sold.condition),
            )?,
            ticket: place("buy.sold.ticket", sold.ticket.as_deref())?,
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

    /// Reads an answer to a purchase.
    pub(in crate::target) fn purchase(&self, reply: Reply<'_>) -> Returned {
        let looked = look(reply);
        let status = reply.status;
        let answer = if self.sold.holds(status, &looked) {
            self.sale(&looked)
        } else if self.sold_out.holds(status, &looked) {
            Answer {
                remaining: number(self.sold_out_remaining.as_ref(), &looked),
                revision: number(self.sold_out_revision.as_ref(), &looked),
                ..Answer::new(Outcome::SoldOut)
            }
        } else {
            let is_refused = self.refused.as_ref().is_some_and(|when| when.holds(status, &looked));
            let reason = format!("status {status}");
            let answer = if is_refused || matches!(status, 400..=499) {
                Answer::refused(reason)
            } else {
                Answer::unknown(reason)
            };
            return Returned { is_passing: is_passing(status), ..Returned::answered(answer) };
        };
        Returned::answered(answer)
    }

    fn sale(&self, looked: &Looked<'_>) -> Answer {
        let mut answer = Answer {
            remaining: number(self.remaining.as_ref(), looked),
            revision: number(self.revision.as_ref(), looked),
            ..Answer::new(Outcome::Sold)
        };
        if let Some(place) = &self.ticket {
            match place.find(looked).and_then(|value| self.ticket_number(&value)) {
                Some(number) => answer.tickets = Tickets::one(number),
                None => return Answer::unknown("sold, but without its ticket number"),
            }
        }
        answer
    }

    /// The number of a ticket. A name is as good as a number where numbers say nothing but which.
    fn ticket_number(&self, value: &Value) -> Option<u64> {
        let text = match value {
            Value::Number(number) => return number.as_u64(),
            Value::String(text) => text.trim(),
            _ => return None,
        };
        match (text.parse().ok(), self.numbering) {
            (None, Numbering::Unique) if !text.is_empty() => Some(fingerprint(text)),
            (number, _) => number,
        }
    }

    /// Reads an answer to a search.
    pub(in crate::target) fn stock(&self, reply: Reply<'_>) -> Result<Stock, String> {
        let (when, remaining, revision) =
            self.search.as_ref().ok_or("the map of this shop has no search")?;
        let looked = look(reply);
        if !when.holds(reply.status, &looked) {
            return Err(format!("status {}", reply.status));
        }
        let remaining = remaining.number(&looked);
        Ok(Stock {
            remaining: remaining.ok_or("an answer that does not say what is left")?,
            sold: None,
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
        Ok(Self { status: status.to_vec(), condition })
    }

    fn holds(&self, status: u16, looked: &Looked<'_>) -> bool {
        self.status.contains(&status)
            && self
                .condition
                .iter()
                .all(|(place, wanted)| is_same(place.find(looked).as_ref(), wanted))
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

fn look(reply: Reply<'_>) -> Looked<'_> {
    Looked {
        text: str::from_utf8(reply.body).unwrap_or_default(),
        json: serde_json::from_slice(reply.body).unwrap_or_default(),
        fields: str::from_utf8(reply.head).unwrap_or_default(),
    }
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo), with the highest bit set: above every number that counts.
fn fingerprint(text: &str) -> u64 {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    hash | 1 << 63
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

    fn reader() -> Reader {
        Reader::new(&toml::from_str(MAP).unwrap()).unwrap()
    }

    fn reply<'a>(status: u16, body: &'a str) -> Reply<'a> {
        let head = b"HTTP/1.1 200 OK\r\nX-Left: 4\r\n\r\n";
        Reply { status, received_ns: 0, head, body: body.as_bytes() }
    }

    fn purchase(status: u16, body: &str) -> Answer {
        reader().purchase(reply(status, body)).answer
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
    fn other_answers_are_refused_where_nothing_can_have_happened() {
        assert_eq!(purchase(422, "").outcome, Outcome::Refused);
        assert_eq!(purchase(503, r#"{"retry": true}"#).outcome, Outcome::Refused);
        assert_eq!(purchase(503, "").outcome, Outcome::Unknown);
        assert_eq!(purchase(500, "").outcome, Outcome::Unknown);
    }

    #[test]
    fn names_of_tickets_stand_for_numbers_where_only_sameness_counts() {
        let seat = |name: &str| {
            let body = format!(r#"{{"state": "confirmed", "seat": "{name}"}}"#);
            purchase(200, &body).tickets
        };
        assert_eq!(seat("A-17"), seat("A-17"));
        assert_ne!(seat("A-17"), seat("A-18"));
        assert_eq!(seat("17").run(), Some((17, 17)));
        let consecutive = Reader { numbering: Numbering::Consecutive, ..reader() };
        assert_eq!(consecutive.ticket_number(&Value::from("A-17")), None);
    }

    #[test]
    fn a_search_says_what_is_left() {
        let found = reader().stock(reply(200, "seats left: 12"));
        assert_eq!(found, Ok(Stock { remaining: 12, sold: None, revision: None }));
        assert!(reader().stock(reply(200, "none")).is_err());
        assert!(reader().stock(reply(404, "left: 12")).is_err());
    }
}

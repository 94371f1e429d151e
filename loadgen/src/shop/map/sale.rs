//! Reads what a sale says, and what says that there is none.

use super::{
    count::Count,
    finding::Finding,
    members::{OneOrMany, Refused, Sold, SoldOut},
    place::{Looked, Place},
    rules::{Fault, Refusals, When, named, optional, optional_count},
};
use crate::history::{Answer, Numbering, Outcome, Ticket};

/// Reads the answers of a call that sells.
#[derive(Clone, Debug)]
pub(super) struct SaleReader {
    /// Its table in the map.
    table: &'static str,
    numbering: Numbering,
    sold: When,
    tickets: Option<TicketPlace>,
    remaining: Option<Count>,
    revision: Option<Place>,
    refusals: Refusals,
}

/// Where a sale says its tickets.
#[derive(Clone, Debug)]
enum TicketPlace {
    One(Place),
    List(Place),
}

impl SaleReader {
    /// Reads what the table `table` says; ticket numbers promise `numbering`.
    ///
    /// # Errors
    /// Names the member of the map that makes no sense, and why.
    pub(super) fn new(
        table: &'static str,
        numbering: Numbering,
        sold: &Sold,
        (sold_out, refused): (&OneOrMany<SoldOut>, &OneOrMany<Refused>),
    ) -> Result<Self, Fault> {
        let name = format!("{table}.sold");
        let tickets = match (&sold.ticket, &sold.tickets) {
            (Some(_), Some(_)) => return Err((name, "`ticket` and `tickets` are one".to_owned())),
            (Some(one), None) => {
                let place = Place::parse(one).map_err(named(&format!("{name}.ticket")))?;
                Some(TicketPlace::One(place))
            }
            (None, Some(list)) => {
                let place = Place::parse(list).map_err(named(&format!("{name}.tickets")))?;
                Some(TicketPlace::List(place))
            }
            (None, None) => None,
        };
        Ok(Self {
            table,
            numbering,
            sold: When::new(&name, &sold.status, &sold.condition)?
                .that_says_more(tickets.is_some()),
            tickets,
            remaining: optional_count(&format!("{name}.remaining"), sold.remaining.as_deref())?,
            revision: optional(&format!("{name}.revision"), sold.revision.as_deref())?,
            refusals: Refusals::new(table, sold_out, refused)?,
        })
    }

    /// Whether some rule matches an answer.
    pub(super) fn has_rule_for(&self, status: u16, looked: &Looked<'_>) -> bool {
        self.refusals.rules().chain([&self.sold]).any(|when| when.holds(status, looked))
    }

    /// What an answer says that one of the rules knows, where it was asked for so many tickets.
    pub(super) fn known(&self, quantity: u64, status: u16, looked: &Looked<'_>) -> Option<Answer> {
        if self.sold.holds(status, looked) {
            return Some(self.sale(quantity, looked));
        }
        self.refusals.read(status, looked)
    }

    fn sale(&self, quantity: u64, looked: &Looked<'_>) -> Answer {
        let mut answer = Answer {
            remaining: self.remaining.as_ref().and_then(|count| count.number(looked)),
            revision: self.revision.as_ref().and_then(|place| place.number(looked)),
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
            if tickets.len() as u64 != quantity {
                let got = tickets.len();
                return Answer::unknown(format!("sold, but with {got} tickets for {quantity}"));
            }
            answer.tickets = tickets.into_iter().collect();
        }
        answer
    }

    /// Its places and what stands there, for people.
    pub(super) fn findings(&self, status: u16, looked: &Looked<'_>) -> Vec<Finding> {
        let mut findings = Finding::of_rule(&self.sold, status, looked);
        for rule in self.refusals.rules() {
            findings.extend(Finding::of_rule(rule, status, looked));
        }
        if self.sold.holds(status, looked) {
            let member = |name: &str| format!("{}.sold.{name}", self.table);
            let (name, place) = match &self.tickets {
                Some(TicketPlace::One(place)) => ("ticket", Some(place)),
                Some(TicketPlace::List(place)) => ("tickets", Some(place)),
                None => ("", None),
            };
            let tickets = place.and_then(|place| place.tickets(looked)).map(|tickets| {
                tickets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            });
            findings.extend(place.map(|place| Finding::new(&member(name), place, tickets)));
            let (remaining, revision) = (self.remaining.as_ref(), self.revision.as_ref());
            findings.extend(Finding::of_count(&member("remaining"), remaining, looked));
            findings.extend(Finding::of_number(&member("revision"), revision, looked));
        } else {
            let told = self.refusals.sold_out_count(status, looked);
            findings.extend(
                told.and_then(|(name, count)| Finding::of_count(&name, Some(count), looked)),
            );
        }
        findings
    }
}

//! Reads what a sale says, and what says that there is none.

use super::{
    count::Count,
    finding::{Finding, Misread, kind, member_in, stands},
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
            let fewer = self.fewer(place, quantity, looked);
            answer.quantity = fewer;
            match self.tickets(place, fewer.unwrap_or(quantity), looked) {
                Ok(tickets) => answer.tickets = tickets.into_iter().collect(),
                Err(misread) => return Answer::unknown(misread.reason),
            }
        }
        answer
    }

    /// How many were sold, where a purchase of `quantity` was filled in part: then the list at `at` is shorter. One ticket
    /// that is no list may as well stand for all of them, and what a hold was confirmed for is no fewer.
    fn fewer(&self, at: &TicketPlace, quantity: u64, looked: &Looked<'_>) -> Option<u64> {
        let tickets = match at {
            _ if self.table != "buy" => return None,
            TicketPlace::One(place) | TicketPlace::List(place) if place.is_list(looked) => {
                place.tickets(looked)?
            }
            TicketPlace::List(place @ Place::Pattern(_)) => place.tickets(looked)?,
            TicketPlace::One(_) | TicketPlace::List(_) => return None,
        };
        Some(tickets.len() as u64).filter(|sold| (1..quantity).contains(sold))
    }

    /// The tickets of a sale of `quantity`, which stand at `at`.
    fn tickets(
        &self,
        at: &TicketPlace,
        quantity: u64,
        looked: &Looked<'_>,
    ) -> Result<Vec<Ticket>, Misread> {
        let (member, place, tickets) = match at {
            TicketPlace::One(place) => ("ticket", place, place.ticket(looked)),
            TicketPlace::List(place) => ("tickets", place, place.tickets(looked)),
        };
        let misread = |reason, hint| Err(Misread { reason, hint });
        let Some(tickets) = tickets else {
            let reason = format!("sold, but without its ticket: {}", stands(place, looked));
            let better = place.find(looked).and_then(|found| member_in(place, &found));
            let hint = match better {
                Some(better) => format!("name a member of it, as `{member} = \"{better}\"`"),
                None => {
                    format!("say where this answer has it: `{member}` of `[{}.sold]`", self.table)
                }
            };
            return misread(reason, hint);
        };
        let is_number = |ticket: &Ticket| matches!(ticket, Ticket::Number(_));
        if self.numbering == Numbering::Consecutive && !tickets.iter().all(is_number) {
            let hint = "say `numbering = \"unique\"` at the top of the map".to_owned();
            return misread("sold, but with a name where numbers run".to_owned(), hint);
        }
        if tickets.len() as u64 != quantity {
            let got = tickets.len();
            let hint = match self.table {
                "buy" => format!("say how many a purchase is of: `quantity = {got}` in `[buy]`"),
                _ => format!("say how many a hold is of: `--hold-quantity {got}`"),
            };
            let tickets = if got == 1 { "ticket" } else { "tickets" };
            return misread(format!("sold, but with {got} {tickets} for {quantity}"), hint);
        }
        Ok(tickets)
    }

    /// What is wrong with a sale of `quantity` that says its tickets otherwise than the map does.
    pub(super) fn misread(
        &self,
        quantity: u64,
        status: u16,
        looked: &Looked<'_>,
    ) -> Option<Misread> {
        let place = self.tickets.as_ref().filter(|_| self.sold.holds(status, looked))?;
        self.tickets(place, quantity, looked).err()
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
            findings.extend(place.map(|place| {
                let found = match place.tickets(looked) {
                    Some(tickets) => {
                        Some(tickets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                    }
                    None => place
                        .find(looked)
                        .map(|found| format!("{}, which is no ticket", kind(&found))),
                };
                Finding::new(&member(name), place, found)
            }));
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

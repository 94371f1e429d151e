//! Operations: who called, what was asked and what was answered.
//!
//! Ticket numbers stand as they do in the history, since people look for them there.

use super::{numbers::grouped, text::clipped_to, verdicts::json_name};
use crate::history::{Operation, OperationKind, Outcome, Ticket, Tickets};

/// The most tickets that are named of one sale, and how many characters of each.
const TICKETS_MAX: usize = 4;
const NAME_MAX: usize = 40;

/// Who called, by the name that the judge's stories have for it.
pub(crate) fn who(process: u32) -> String {
    format!("worker {process}")
}

/// What was asked for, as in "buy 2".
pub(crate) fn asked(operation: &Operation) -> String {
    let name = json_name(&operation.op);
    operation.quantity.map_or_else(|| name.clone(), |quantity| format!("{name} {quantity}"))
}

/// What was answered, as in "sold ticket 8, 2 left".
pub(crate) fn answered(operation: &Operation) -> String {
    let mut text = match operation.outcome {
        Outcome::Sold => format!("sold {}", named(&operation.tickets)),
        Outcome::Found => "found".to_owned(),
        Outcome::Done => match operation.op {
            OperationKind::Hold => "held",
            OperationKind::Release => "released",
            OperationKind::Refund => "refunded",
            OperationKind::Restock => "added",
            OperationKind::Buy | OperationKind::Search | OperationKind::Confirm => "done",
        }
        .to_owned(),
        Outcome::SoldOut => "sold out".to_owned(),
        Outcome::Refused => "refused".to_owned(),
        Outcome::Unknown => "no answer".to_owned(),
    };
    if let Some(remaining) = operation.remaining {
        let comma = if operation.outcome == Outcome::Found { "" } else { "," };
        text.push_str(&format!("{comma} {remaining} left"));
    }
    text
}

/// The same with the revision that it rests on.
pub(crate) fn answered_in_full(operation: &Operation) -> String {
    let revision = operation.revision.map(|revision| format!(", revision {revision}"));
    answered(operation) + &revision.unwrap_or_default()
}

fn named(tickets: &Tickets) -> String {
    let name = |ticket| match ticket {
        Ticket::Number(number) => number.to_string(),
        Ticket::Name(name) => format!("“{}”", clipped_to(&name, NAME_MAX)),
    };
    let shown: Vec<String> = tickets.iter().take(TICKETS_MAX).map(name).collect();
    match (tickets.run(), shown.as_slice()) {
        (_, []) => "no ticket".to_owned(),
        (_, [one]) => format!("ticket {one}"),
        (Some((first, last)), _) => format!("tickets {first} to {last}"),
        (None, shown) if tickets.len() > shown.len() => {
            let more = grouped(tickets.len() - shown.len());
            format!("tickets {} and {more} more", shown.join(", "))
        }
        (None, shown) => format!("tickets {}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Answer;

    #[test]
    fn a_sale_of_many_tickets_stays_short() {
        let said = |tickets: Tickets| {
            let answer = Answer { tickets, remaining: Some(2), ..Answer::new(Outcome::Sold) };
            answered(&Operation::buy(1, 1, 2, answer))
        };
        assert_eq!(said(Tickets::default()), "sold no ticket, 2 left");
        assert_eq!(said(Tickets::one(8)), "sold ticket 8, 2 left");
        assert_eq!(said((1..=90_000).collect()), "sold tickets 1 to 90000, 2 left");
        assert_eq!(said([4, 6].into_iter().collect()), "sold tickets 4, 6, 2 left");
        let jumping = (1..=90_000).map(|step| step * 2).collect();
        assert_eq!(said(jumping), "sold tickets 2, 4, 6, 8 and 89,996 more, 2 left");
    }

    #[test]
    fn a_quantity_stands_where_the_call_names_one() {
        let buy = Operation::buy(1, 1, 2, Answer::new(Outcome::Sold));
        assert_eq!(asked(&buy), "buy 1");
        let search = Operation { quantity: None, op: OperationKind::Search, ..buy };
        assert_eq!(asked(&search), "search");
    }
}

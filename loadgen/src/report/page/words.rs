//! Numbers, times and operations as people read them.

use crate::history::{Operation, OperationKind, Outcome, Ticket, Tickets};

/// The longest text of a history that is shown whole, in characters.
const TEXT_MAX: usize = 400;
/// The most ticket numbers that are shown of one sale.
const TICKETS_MAX: usize = 4;

/// `text`, cut where it is too long to be read.
pub(super) fn clipped(text: &str) -> String {
    clipped_to(text, TEXT_MAX)
}

/// How many characters of a ticket's name are shown.
const NAME_MAX: usize = 40;

/// `text`, cut after so many characters.
pub(super) fn clipped_to(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A fragment as a sentence: with a capital letter and a full stop.
pub(super) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let stop = if fragment.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
}

/// Groups digits by commas, from five digits on, and writes a real minus.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let sign = if number < 0 { "−" } else { "" };
    if digits.len() < 5 {
        return format!("{sign}{digits}");
    }
    let mut text = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole number that came out of a scale.
pub(super) fn grouped_f64(number: f64) -> String {
    // Counts are below 2^64, where a float of this size is a whole number as it stands.
    #[expect(clippy::cast_possible_truncation, reason = "far below what 128 bits hold")]
    let whole = number.round() as i128;
    grouped(whole)
}

/// A number with its noun, as in "1 ticket" and "2 tickets".
pub(super) fn counted(number: impl Into<i128>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// How many of something.
pub(super) fn as_count(number: usize) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}

/// Who called, by the name that the judge's stories have for it.
pub(super) fn who(process: u32) -> String {
    format!("worker {process}")
}

/// A time in nanoseconds with the unit that suits it and at most four digits.
pub(super) fn time(ns: f64) -> String {
    let (value, unit) = match ns.abs() {
        size if size < 1e3 => (ns, "ns"),
        size if size < 1e6 => (ns / 1e3, "µs"),
        size if size < 1e10 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{} {unit}", trimmed(value, decimals))
}

/// A time of a clock in whole nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "people read four digits of it")]
pub(super) fn time_ns(ns: u64) -> String {
    time(ns as f64)
}

/// `value` with at most so many decimals, none of them a zero at the end.
pub(super) fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => &text,
    };
    match text.strip_prefix('-') {
        Some("0") => "0".to_owned(),
        Some(size) => format!("−{size}"),
        None => text.to_owned(),
    }
}

/// What was asked for, as in "buy 2".
pub(super) fn asked(operation: &Operation) -> String {
    let verb = match operation.op {
        OperationKind::Buy => "buy",
        OperationKind::Search => "search",
        OperationKind::Hold => "hold",
        OperationKind::Confirm => "confirm",
        OperationKind::Release => "release",
        OperationKind::Refund => "refund",
        OperationKind::Restock => "restock",
    };
    match operation.quantity {
        Some(quantity) => format!("{verb} {}", grouped(quantity)),
        None => verb.to_owned(),
    }
}

/// What was answered, as in "sold ticket 8, 2 left".
pub(super) fn answered(operation: &Operation) -> String {
    let mut text = match operation.outcome {
        Outcome::Sold => format!("sold{}", numbers(&operation.tickets)),
        Outcome::Found => "found".to_owned(),
        Outcome::Done => "done".to_owned(),
        Outcome::SoldOut => "sold out".to_owned(),
        Outcome::Refused => "refused".to_owned(),
        Outcome::Unknown => "no answer".to_owned(),
    };
    if let Some(remaining) = operation.remaining {
        let comma = if operation.outcome == Outcome::Found { "" } else { "," };
        text.push_str(&format!("{comma} {} left", grouped(remaining)));
    }
    text
}

fn numbers(tickets: &Tickets) -> String {
    let name = |ticket| match ticket {
        Ticket::Number(number) => grouped(number),
        Ticket::Name(name) => format!("“{}”", clipped_to(&name, NAME_MAX)),
    };
    let shown: Vec<String> = tickets.iter().take(TICKETS_MAX).map(name).collect();
    match (tickets.run(), shown.as_slice()) {
        (_, []) => String::new(),
        (_, [one]) => format!(" ticket {one}"),
        (Some((first, last)), _) => format!(" tickets {} to {}", grouped(first), grouped(last)),
        (None, shown) if tickets.len() > shown.len() => {
            let more = as_count(tickets.len() - shown.len());
            format!(" tickets {} and {} more", shown.join(", "), grouped(more))
        }
        (None, shown) => format!(" tickets {}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Answer;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let texts = [0.0, 12.0, 1500.0, 31_260_000.0, 999_000_000.0, 12e9].map(time);
        assert_eq!(texts, ["0 ns", "12 ns", "1.5 µs", "31.3 ms", "999 ms", "12 s"]);
    }

    #[test]
    fn numbers_are_grouped_and_have_a_real_minus() {
        assert_eq!(
            [-90, 9999, -12345].map(|number: i64| grouped(number)),
            ["−90", "9999", "−12,345"]
        );
        assert_eq!([trimmed(-0.001, 2), trimmed(-1.50, 2)], ["0", "−1.5"]);
    }

    #[test]
    fn a_sale_of_many_tickets_stays_short() {
        let sale = |tickets: Tickets| {
            let answer = Answer { tickets, remaining: Some(2), ..Answer::new(Outcome::Sold) };
            answered(&Operation::buy(1, 1, 2, answer))
        };
        assert_eq!(sale(Tickets::one(8)), "sold ticket 8, 2 left");
        assert_eq!(sale((1..=90_000).collect()), "sold tickets 1 to 90,000, 2 left");
        let jumping = (1..=90_000).map(|step| step * 2).collect();
        assert_eq!(sale(jumping), "sold tickets 2, 4, 6, 8 and 89,996 more, 2 left");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(clipped_to("äöü", 2), "äö…");
        assert_eq!(clipped_to("äöü", 3), "äöü");
    }
}

//! Numbers as people read them.

/// A number for scripts (`value`) and for people (`text`).
pub struct Figure {
    /// The bare number.
    pub value: u64,
    /// Its digits, in groups.
    pub text: String,
}

impl From<u64> for Figure {
    fn from(value: u64) -> Self {
        Self { value, text: grouped(value) }
    }
}

impl Figure {
    /// How much room the text takes, by which the style sets it smaller; `sizeOf` in the script.
    pub fn size(&self) -> &'static str {
        match self.text.len() {
            0..6 => "short",
            6..10 => "long",
            _ => "longest",
        }
    }
}

/// Groups digits by commas, from five digits on (1234, but 12,345); `grouped` in the script.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "Ticket 3", "Tickets 3 and 4" or "Tickets 3 to 6": `quantity` numbers in a row; `ticketsNamed` in the
/// script.
pub fn tickets(first: u64, quantity: u64) -> String {
    let last = first + quantity.saturating_sub(1);
    match quantity {
        0 | 1 => format!("Ticket {first}"),
        2 => format!("Tickets {first} and {last}"),
        _ => format!("Tickets {first} to {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_five_on() {
        let texts = [0, 999, 9_999, 10_000, 123_456, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "9999", "10,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn tickets_are_named_by_their_first_and_last() {
        assert_eq!(tickets(3, 1), "Ticket 3");
        assert_eq!(tickets(3, 2), "Tickets 3 and 4");
        assert_eq!(tickets(3, 4), "Tickets 3 to 6");
    }
}

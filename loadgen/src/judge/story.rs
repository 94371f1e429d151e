//! Violations in plain sentences.

use std::fmt;

use super::{
    finding::Step,
    model::Misfit,
    request::{FINAL, Requests},
    ties::Broken,
    told::quantity,
};
use crate::history::{Operation, OperationKind, Outcome, Ticket};

/// Tells what operations did, with times since the first call.
pub(super) struct Teller<'a> {
    requests: &'a Requests<'a>,
    start: u64,
}

impl<'a> Teller<'a> {
    pub(super) fn new(requests: &'a Requests<'a>) -> Self {
        let calls = requests.evidence.operations.iter().map(|one| one.call_ns);
        Self { requests, start: calls.min().unwrap_or(0) }
    }

    /// Two sales got one number.
    pub(super) fn duplicate(&self, ticket: &Ticket, [first, second]: [u32; 2]) -> Vec<String> {
        if first == second {
            return vec![format!("{} was given ticket {ticket} twice.", self.who(first))];
        }
        let both = format!(
            "{} and {} both got ticket {ticket}.",
            self.who(first),
            lower(&self.who(second))
        );
        vec![both, self.times([first, second], "so it had already been given out")]
    }

    /// Two changes got one revision.
    pub(super) fn same_revision(&self, revision: u64, [first, second]: [u32; 2]) -> Vec<String> {
        vec![
            format!("{} {}.", self.who(first), self.what(first)),
            format!("{} {}.", self.who(second), self.what(second)),
            format!(
                "Both were told revision {revision}, but one revision is one change: one of the two is not in the ledger."
            ),
        ]
    }

    /// A change that the end does not know.
    pub(super) fn beyond_the_end(&self, place: u32, revision: u64, end: u64) -> Vec<String> {
        vec![
            format!("{} {}, as revision {revision}.", self.who(place), self.what(place)),
            format!(
                "After everybody had ended the ledger was at revision {end}, so this change is lost."
            ),
        ]
    }

    /// `sales` are more than the count fell by.
    pub(super) fn lost_update(&self, stock: u128, left: u128, sales: &[usize]) -> Vec<String> {
        let sold = stock.saturating_sub(left);
        let mut story = vec![format!(
            "Of {} {} after everybody had ended, so no more than {sold} can have been sold.",
            count(stock, "ticket"),
            were(left, "left")
        )];
        story.extend(self.each_of_few(sales));
        story.push(match sales {
            [_] => "This sale alone is more: somebody wrote over what it had written.".to_owned(),
            _ => format!(
                "These {} sales are more: one wrote over what another had written.",
                sales.len()
            ),
        });
        story
    }

    /// `sales` are more than there was to sell.
    pub(super) fn oversell(&self, most: u128, sales: &[usize]) -> Vec<String> {
        let mut story = vec![format!("No more than {most} could be sold.")];
        story.extend(self.each_of_few(sales));
        story.push(match sales {
            [_] => "This sale alone is more than that.".to_owned(),
            _ => format!("These {} sales alone are more than that.", sales.len()),
        });
        story
    }

    /// What each of `places` did, where they are few enough to be told.
    fn each_of_few(&self, places: &[usize]) -> Option<String> {
        let told = |place: &usize| {
            let place = u32::try_from(*place).ok()?;
            Some(format!("{} {}", lower(&self.who(place)), self.what(place)))
        };
        let told: Option<Vec<String>> = places.iter().take(FEW_MAX + 1).map(told).collect();
        let told = told.filter(|told| (1..=FEW_MAX).contains(&told.len()))?.join("; ");
        Some(format!("{}.", upper(&told)))
    }

    /// Refused although enough was left to the end.
    pub(super) fn false_sold_out(&self, place: u32, left: u64) -> Vec<String> {
        let asked = quantity(&self.requests.evidence.operations[place as usize]).unwrap_or(1);
        vec![
            format!(
                "{} asked for {} and was told sold out.",
                self.who(place),
                count(asked, "ticket")
            ),
            format!(
                "But {} at the end, and the count only falls, so enough was there.",
                were(left, "left")
            ),
        ]
    }

    /// One request got two answers.
    pub(super) fn answered_twice(&self, [first, second]: [u32; 2]) -> Vec<String> {
        vec![
            format!("{} {}.", self.who(first), self.what(first)),
            format!("Under the same key {} {}.", lower(&self.who(second)), self.what(second)),
            "One key is one request, and every try must get the first answer.".to_owned(),
        ]
    }

    /// `before` must stand before `after`, and the clock says otherwise.
    pub(super) fn backwards(&self, before: u32, after: u32) -> Vec<String> {
        if before == FINAL {
            return vec![
                format!(
                    "{} {}, answered at {}.",
                    self.who(after),
                    self.what(after),
                    self.answered(after)
                ),
                format!("After everybody had ended {}.", self.what(before)),
                "The end knows nothing of this sale: somebody wrote over it.".to_owned(),
            ];
        }
        let (first, second) = (self.who(after), self.who(before));
        vec![
            format!("{first} {}, answered at {}.", self.what(after), self.answered(after)),
            format!(
                "{second} {}, called at {}, which is later.",
                self.what(before),
                self.called(before)
            ),
            format!(
                "By what they were told {} comes before {}, but it was called only after the other had its answer, so no order explains both.",
                lower(&second),
                lower(&first)
            ),
        ]
    }

    /// An answer that does not fit what came before it.
    pub(super) fn misfit(&self, before: Option<u32>, place: u32, misfit: Misfit) -> Vec<String> {
        let mut story = Vec::new();
        if let Some(before) = before {
            story.push(format!("{} {}.", self.who(before), self.what(before)));
        }
        // What does not fit a refusal says what was told.
        if !matches!(misfit, Misfit::Enough { .. }) {
            story.push(format!("{} {}.", self.who(place), self.what(place)));
        }
        story.push(self.of_misfit(place, misfit));
        story
    }

    /// What does not fit in the answer at `place`.
    pub(super) fn of_misfit(&self, place: u32, misfit: Misfit) -> String {
        let who = self.who(place);
        match misfit {
            Misfit::TooFew { remaining, quantity } => {
                let asked = count(quantity, "ticket");
                format!("{who} was sold {asked}, but only {remaining} can have been left.")
            }
            Misfit::Enough { remaining, quantity: needed } => {
                let asked =
                    self.requests.evidence.operations.get(place as usize).and_then(quantity);
                let asked = asked.unwrap_or(needed);
                // As many as others can have had aside do not count as left.
                let aside = match needed.saturating_sub(asked) {
                    0 => String::new(),
                    aside => format!(", of which others can have had {aside} at most"),
                };
                format!(
                    "{who} was told sold out, but {} for {asked}{aside}.",
                    were(remaining, "left")
                )
            }
            Misfit::Remaining { told, expected } if place == FINAL => {
                format!("At the end {}, but {expected} must have been.", were(told, "left"))
            }
            Misfit::Remaining { told, expected } => {
                format!(
                    "{who} was told that {}, but {expected} must have been.",
                    were(told, "left")
                )
            }
            Misfit::Held { told, expected } => {
                format!("At the end {}, but {expected} must have been.", were(told, "put aside"))
            }
            Misfit::Scattered => {
                format!(
                    "The tickets that {} got are no numbers that follow each other.",
                    lower(&who)
                )
            }
            Misfit::Tickets { told, expected } => {
                format!("{who} was given ticket {told}, but ticket {expected} was next.")
            }
            Misfit::Revision { told, expected } if place == FINAL => {
                format!("At the end the revision was {told}, but {expected} must have been.")
            }
            Misfit::Revision { told, expected } => {
                format!("{who} was told revision {told}, but revision {expected} was next.")
            }
            Misfit::Numbers { told, asked } => {
                format!("{who} asked for {} and was given {told}.", count(asked, "ticket"))
            }
            Misfit::Nothing => {
                format!("Nothing before it can have led to what {} did.", lower(&who))
            }
        }
    }

    /// A hold whose tickets did not come back.
    pub(super) fn kept(&self, hold: u32) -> Vec<String> {
        let operation = self.requests.evidence.operations.get(hold as usize);
        let by = operation.and_then(|one| one.links.as_ref()?.lapses_by_ns);
        let by = by.map_or(String::new(), |by| format!(" by {}", self.ms(by)));
        vec![
            format!("{} {}.", self.who(hold), self.what(hold)),
            format!(
                "Nobody confirmed or released it, so it must have lapsed{by}; but what was left and the \
                 revisions have no place for that: these tickets can be sold to nobody."
            ),
        ]
    }

    /// What is told of one hold or one sale, and cannot be.
    pub(super) fn broken_hold(&self, broken: Broken, [first, second]: [u32; 2]) -> Vec<String> {
        let both =
            [first, second].map(|place| format!("{} {}.", self.who(place), self.what(place)));
        let last = match broken {
            Broken::OneName(_) => "Both were given the same one.".to_owned(),
            Broken::BothEnds(_) => {
                "Both are of one hold, and of a hold one thing can become at most.".to_owned()
            }
            Broken::MoreThanMade { made, .. } => {
                format!("No more than the {made} that it had can become anything.")
            }
            Broken::Late { .. } => format!(
                "That was called at {}, when the hold must have lapsed: its tickets were anybody's.",
                self.called(second)
            ),
        };
        both.into_iter().chain([last]).collect()
    }

    /// Something that nobody here can have done.
    pub(super) fn gap(&self, before: Option<u32>, after: u32, step: Step) -> Vec<String> {
        let mut story = Vec::new();
        story.push(match before {
            Some(before) => format!("{} {}.", self.who(before), self.what(before)),
            None => "At the start nothing was sold.".to_owned(),
        });
        story.push(format!("Next, {} {}.", lower(&self.who(after)), self.what(after)));
        let has_lapses = !self.requests.ties.lapses.is_empty();
        let nor_lapsed = if has_lapses { ", nor any hold have lapsed by then" } else { "" };
        let (between, taken, so) = match step {
            Step::Revision(revision) => {
                let early = if has_lapses { ", or a hold ended ahead of its time" } else { "" };
                let so = format!("more was done than this history knows{early}");
                (format!("Revision {revision} lies in between"), "have done it", so)
            }
            Step::Tickets(first, last) => {
                let between = if first == last {
                    format!("Ticket {first} lies in between")
                } else {
                    format!("Tickets {first} to {last} lie in between")
                };
                (between, "have taken it", "the count fell by more than was sold here".to_owned())
            }
            Step::Sales(sold) => {
                let between = match sold {
                    1 => "1 ticket was taken in between".to_owned(),
                    _ => format!("{sold} tickets were taken in between"),
                };
                (between, "have done it", "the count fell by more than was sold here".to_owned())
            }
        };
        story.push(format!(
            "{between}, and nobody in this history can {taken} in time{nor_lapsed}: {so}."
        ));
        story
    }

    /// Operations of which no order fits.
    pub(super) fn stuck(&self, window: &[u32]) -> Vec<String> {
        let mut story: Vec<String> = window
            .iter()
            .take(4)
            .map(|place| {
                format!(
                    "{} {}, between {} and {}.",
                    self.who(*place),
                    self.what(*place),
                    self.called(*place),
                    self.answered(*place)
                )
            })
            .collect();
        if window.len() > 4 {
            let more = window.len() - 4;
            let were = if more == 1 { "was" } else { "were" };
            story.push(format!("{more} more {were} under way near them."));
        }
        story.push("No order of these explains all answers and agrees with the clock.".to_owned());
        story
    }

    /// How the times of two operations lie to each other.
    fn times(&self, [first, second]: [u32; 2], so: &str) -> String {
        let operations = self.requests.evidence.operations;
        let answered = operations[first as usize].return_ns.unwrap_or(u64::MAX);
        if answered < operations[second as usize].call_ns {
            return format!(
                "{} called at {}, after {} had its answer at {}, {so}.",
                self.who(second),
                self.called(second),
                lower(&self.who(first)),
                self.answered(first)
            );
        }
        format!(
            "Their calls at {} and {} were under way at once, and neither saw what the other wrote.",
            self.called(first),
            self.called(second)
        )
    }

    fn who(&self, place: u32) -> String {
        match self.requests.evidence.operations.get(place as usize) {
            Some(operation) => format!("Worker {}", operation.process),
            None => "At the end".to_owned(),
        }
    }

    fn what(&self, place: u32) -> String {
        match self.requests.evidence.operations.get(place as usize) {
            Some(operation) => what(operation),
            None => {
                let header = self.requests.evidence.header;
                let left = header.left.map(|left| were(left, "left"));
                let revision =
                    header.left_revision.map(|revision| format!("the revision was {revision}"));
                let said: Vec<String> = left.into_iter().chain(revision).collect();
                said.join(" and ")
            }
        }
    }

    fn called(&self, place: u32) -> String {
        let operation = self.requests.evidence.operations.get(place as usize);
        operation.map_or("the end".to_owned(), |one| self.ms(one.call_ns))
    }

    fn answered(&self, place: u32) -> String {
        let operation = self.requests.evidence.operations.get(place as usize);
        let at = operation.and_then(|one| one.return_ns);
        at.map_or("the end".to_owned(), |at| self.ms(at))
    }

    /// Nanoseconds of the run's clock as milliseconds since the first call.
    fn ms(&self, at: u64) -> String {
        let micros = at.saturating_sub(self.start) / 1000;
        let text = format!("{}.{:03}", micros / 1000, micros % 1000);
        format!("{} ms", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn what(operation: &Operation) -> String {
    let tickets = match operation.tickets.run() {
        Some((first, last)) if first == last => format!("ticket {first}"),
        Some((first, last)) => format!("tickets {first} to {last}"),
        None if (1..=FEW_MAX).contains(&operation.tickets.len()) => {
            let names: Vec<String> =
                operation.tickets.iter().map(|ticket| format!("`{ticket}`")).collect();
            format!("{} {}", if names.len() == 1 { "ticket" } else { "tickets" }, names.join(", "))
        }
        None => count(quantity(operation).unwrap_or(0), "ticket"),
    };
    let done = match (operation.op, operation.outcome) {
        (_, Outcome::Unknown) => "has no answer".to_owned(),
        (_, Outcome::SoldOut) => "was told sold out".to_owned(),
        (OperationKind::Search, _) => "searched".to_owned(),
        (OperationKind::Buy, _) => format!("got {tickets}"),
        (OperationKind::Hold, _) => format!("put {tickets} aside"),
        (OperationKind::Confirm, _) => format!("confirmed {tickets}"),
        (OperationKind::Release, _) => format!("released {tickets}"),
        (OperationKind::Refund, _) => format!("gave back {tickets}"),
        (OperationKind::Restock, _) => format!("added {tickets}"),
    };
    let remaining = operation.remaining.map(|remaining| format!("{remaining} left"));
    let revision = operation.revision.map(|revision| format!("revision {revision}"));
    let said: Vec<String> = remaining.into_iter().chain(revision).collect();
    if said.is_empty() { done } else { format!("{done} ({})", said.join(", ")) }
}

/// A number with its noun, as in "1 ticket" and "2 tickets".
pub(super) fn count(number: impl fmt::Display, noun: &str) -> String {
    let number = number.to_string();
    format!("{number} {noun}{}", if number == "1" { "" } else { "s" })
}

/// What so many were, as in "1 was left" and "2 were left".
pub(super) fn were(number: impl fmt::Display, what: &str) -> String {
    let number = number.to_string();
    format!("{number} {} {what}", if number == "1" { "was" } else { "were" })
}

/// How many operations a sentence can list.
const FEW_MAX: usize = 4;

/// The beginning of a sentence.
fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A name as it stands inside a sentence.
fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

//! What a worker process writes down: the operation that a client has open, and entries on those that
//! have ended, or were never begun.
//!
//! Every entry is a few words, one behind the other, and then as many bytes as they say. An answer is
//! written as it came. Only what no answer says, as where there was none, where there were several
//! attempts, or where a file is sold from, is written by `serde`: its encodings cost more than all
//! else that a worker does between two requests.

use std::borrow::Cow;

use crate::{history::Answer, plan::Action, shop::Reply};

/// An operation that a client has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Which of the client's operations it is, from 0.
    pub(crate) number: u64,
    /// What it does.
    pub(crate) action: Action,
    /// Which of the client's operations made the hold or the sale that it is about.
    pub(crate) of: Option<u64>,
    /// Whether it is measured, and not part of the warm-up.
    pub(crate) is_counted: bool,
    /// When it was due, in nanoseconds of the run's clock.
    pub(crate) due_ns: u64,
    /// When it is sent, on the same clock.
    pub(crate) sent_ns: u64,
}

/// What has happened to a client of a worker; the bytes of it need not be read by another version.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry<'a> {
    /// An operation ended.
    Ended {
        /// Whose.
        client: u32,
        /// Which.
        begun: Begun,
        /// How.
        end: End<'a>,
    },
    /// An operation is not begun, since all is over.
    Unsent {
        /// When it was due, in nanoseconds of the run's clock.
        due_ns: u64,
        /// Until when it waited, on the same clock.
        now_ns: u64,
    },
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End<'a> {
    /// With this reply; what it says is still to be read.
    Reply(Reply<'a>),
    /// So, at an instant in nanoseconds of the run's clock.
    Answer(Answer, u64),
}

/// Why bytes are no entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoEntry {
    /// They end in the middle of one.
    #[error("it is cut")]
    Cut,
    /// There are no entries of this kind.
    #[error("it is of the kind {0}")]
    Kind(u64),
    /// No operation has this number.
    #[error("it is of operation {0}")]
    Number(u64),
    /// There is no such action.
    #[error("what it did makes no sense: {0}")]
    Action(u64),
    /// It ended in no way that there is.
    #[error("how it ended makes no sense: {0}")]
    Answer(#[from] postcard::Error),
}

/// How many words an entry begins with.
const WORDS: usize = 7;

/// How many bytes those are.
const WORDS_LENGTH: usize = WORDS * size_of::<u64>();

/// No client begins so many operations.
const NUMBER_MAX: u64 = 1 << 48;

const REPLY: u64 = 1;
const ANSWER: u64 = 2;
const UNSENT: u64 = 3;

const KIND: u64 = 0x0f;
const IS_COUNTED: u64 = 0x10;
/// Where the action's place among all of them stands.
const ACTION: u32 = 5;
const ACTIONS: u64 = 0x07;

/// An entry as it is written.
#[derive(Debug)]
pub(super) struct Encoded<'a> {
    /// Its words: what it is, with the status and the client; the operation's number, and that of the one
    /// that it is about; when it was due, sent and answered; the lengths of both parts.
    pub(super) words: [u64; WORDS],
    /// The bytes behind them.
    pub(super) parts: [Cow<'a, [u8]>; 2],
}

impl Encoded<'_> {
    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        WORDS_LENGTH + self.parts[0].len() + self.parts[1].len()
    }
}

impl<'a> Entry<'a> {
    /// The bytes that say it.
    pub(super) fn encode(&'a self) -> Encoded<'a> {
        match self {
            Self::Ended { client, begun, end: End::Reply(reply) } => {
                let first = REPLY | flags(begun) | u64::from(reply.status) << 16;
                let parts = [Cow::Borrowed(reply.head), Cow::Borrowed(reply.body)];
                encoded(first, *client, begun, reply.received_ns, parts)
            }
            Self::Ended { client, begun, end: End::Answer(answer, answered_ns) } => {
                let first = ANSWER | flags(begun);
                encoded(first, *client, begun, *answered_ns, [Cow::default(), plain(answer)])
            }
            Self::Unsent { due_ns, now_ns } => {
                let words = [UNSENT, 0, 0, *due_ns, 0, *now_ns, 0];
                Encoded { words, parts: [Cow::default(), Cow::default()] }
            }
        }
    }

    /// The entry that `bytes` begin with, and what is behind it.
    ///
    /// # Errors
    /// They begin with none.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), NoEntry> {
        let (words, rest) = bytes.split_first_chunk::<WORDS_LENGTH>().ok_or(NoEntry::Cut)?;
        let (words, _) = words.as_chunks();
        let [first, number, of, due_ns, sent_ns, answered_ns, lengths] =
            std::array::from_fn(|place| u64::from_ne_bytes(words[place]));
        let [client, low] = halves(first);
        let [head, body] = halves(lengths).map(|length| length as usize);
        let (head, rest) = rest.split_at_checked(head).ok_or(NoEntry::Cut)?;
        let (body, rest) = rest.split_at_checked(body).ok_or(NoEntry::Cut)?;
        let begun = begun(first, (number, of), due_ns, sent_ns)?;
        let entry = match first & KIND {
            REPLY => {
                let status = u16::try_from(low >> 16).expect("16 bits are 16 bits");
                let reply = Reply { status, received_ns: answered_ns, head, body };
                Self::Ended { client, begun, end: End::Reply(reply) }
            }
            ANSWER => {
                let end = End::Answer(postcard::from_bytes(body)?, answered_ns);
                Self::Ended { client, begun, end }
            }
            UNSENT => Self::Unsent { due_ns, now_ns: answered_ns },
            kind => return Err(NoEntry::Kind(kind)),
        };
        Ok((entry, rest))
    }
}

/// How many words an operation that is open has.
pub(super) const OPEN_WORDS: usize = 4;

impl Begun {
    /// The words that say that it is open. The last one is never 0, and no two operations of a client
    /// have the same.
    pub(super) fn encode(&self) -> [u64; OPEN_WORDS] {
        [self.due_ns, self.sent_ns, about(self), (self.number + 1) << 8 | flags(self)]
    }

    /// The operation that these words say, if any.
    pub(super) fn decode([due_ns, sent_ns, of, last]: [u64; OPEN_WORDS]) -> Option<Self> {
        begun(last, ((last >> 8).checked_sub(1)?, of), due_ns, sent_ns).ok()
    }
}

fn flags(begun: &Begun) -> u64 {
    let place = Action::ALL.iter().position(|action| *action == begun.action).unwrap_or(0) as u64;
    let action = place << ACTION;
    if begun.is_counted { action | IS_COUNTED } else { action }
}

/// The operation that `begun` is about: 0 for none, else one more than its number.
fn about(begun: &Begun) -> u64 {
    begun.of.map_or(0, |of| of + 1)
}

fn begun(
    flags: u64,
    (number, of): (u64, u64),
    due_ns: u64,
    sent_ns: u64,
) -> Result<Begun, NoEntry> {
    if number >= NUMBER_MAX {
        return Err(NoEntry::Number(number));
    }
    if of > NUMBER_MAX {
        return Err(NoEntry::Number(of));
    }
    let action = Action::ALL.get((flags >> ACTION & ACTIONS) as usize).copied();
    let action = action.ok_or(NoEntry::Action(flags))?;
    let is_counted = flags & IS_COUNTED != 0;
    Ok(Begun { number, action, of: of.checked_sub(1), is_counted, due_ns, sent_ns })
}

fn encoded<'a>(
    first: u64,
    client: u32,
    begun: &Begun,
    answered_ns: u64,
    parts: [Cow<'a, [u8]>; 2],
) -> Encoded<'a> {
    let first = first | u64::from(client) << 32;
    let [head, body] = parts.each_ref().map(|part| part.len() as u64);
    let lengths = head << 32 | body;
    let Begun { number, due_ns, sent_ns, .. } = *begun;
    let words = [first, number, about(begun), due_ns, sent_ns, answered_ns, lengths];
    Encoded { words, parts }
}

fn plain(answer: &Answer) -> Cow<'static, [u8]> {
    Cow::Owned(postcard::to_stdvec(answer).expect("an answer has plain values only"))
}

/// The upper half of `word` and the lower one.
pub(super) fn halves(word: u64) -> [u32; 2] {
    let half = |bits| u32::try_from(bits).expect("32 bits are 32 bits");
    [half(word >> 32), half(word & u64::from(u32::MAX))]
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::{CriticalSection, Missing, Outcome};

    fn answer() -> impl Strategy<Value = Answer> {
        let section = prop::option::of(any::<(u64, u64)>());
        let numbers = any::<(Option<i64>, Option<u64>, Option<bool>, bool)>();
        let tickets = prop::collection::vec(any::<u64>(), 0..4);
        (section, numbers, tickets, any::<Option<String>>()).prop_map(
            |(section, (remaining, revision, missing, is_passing), tickets, reason)| Answer {
                outcome: if reason.is_some() { Outcome::Unknown } else { Outcome::Sold },
                quantity: (tickets.len() > 2).then_some(tickets.len() as u64),
                tickets: tickets.into_iter().collect(),
                remaining,
                revision,
                section: section.map(|(read_ns, write_ns)| CriticalSection { read_ns, write_ns }),
                reason,
                unread: None,
                missing: missing
                    .map(|sent| if sent { Missing::Unanswered } else { Missing::Unsent }),
                is_passing,
                is_turned_away: is_passing,
            },
        )
    }

    fn some_begun() -> impl Strategy<Value = Begun> {
        let numbers = (0..NUMBER_MAX, prop::option::of(0..NUMBER_MAX));
        let action = prop::sample::select(Action::ALL.to_vec());
        (numbers, action, any::<bool>(), any::<[u64; 2]>()).prop_map(
            |((number, of), action, is_counted, [due_ns, sent_ns])| Begun {
                number,
                action,
                of,
                is_counted,
                due_ns,
                sent_ns,
            },
        )
    }

    /// Any entry, all of its parts.
    pub(in super::super) fn some_entry() -> impl Strategy<Value = Entry<'static>> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| &*bytes.leak());
        prop_oneof![
            (some_begun(), any::<(u32, u16, u64)>(), bytes(), bytes()).prop_map(
                |(begun, (client, status, received_ns), head, body)| {
                    let reply = Reply { status, received_ns, head, body };
                    Entry::Ended { client, begun, end: End::Reply(reply) }
                }
            ),
            (some_begun(), any::<(u32, u64)>(), answer()).prop_map(
                |(begun, (client, answered_ns), answer)| {
                    Entry::Ended { client, begun, end: End::Answer(answer, answered_ns) }
                }
            ),
            any::<(u64, u64)>().prop_map(|(due_ns, now_ns)| Entry::Unsent { due_ns, now_ns }),
        ]
    }

    fn bytes(entry: &Entry<'_>) -> Vec<u8> {
        let Encoded { words, parts } = entry.encode();
        words.iter().flat_map(|word| word.to_ne_bytes()).chain(parts.concat()).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in prop::collection::vec(some_entry(), 0..8)) {
            let written: Vec<u8> = entries.iter().flat_map(bytes).collect();
            let mut rest = &written[..];
            for entry in &entries {
                prop_assert_eq!(entry.encode().length(), bytes(entry).len());
                let (read, behind) = Entry::decode(rest).unwrap();
                prop_assert_eq!(&read, entry);
                rest = behind;
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn half_an_entry_is_none(entry in some_entry(), part in 0.0..1.0) {
            let bytes = bytes(&entry);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "a part of a few hundred bytes")]
            let half = &bytes[..(bytes.len() as f64 * part) as usize];
            prop_assert_eq!(Entry::decode(half), Err(NoEntry::Cut));
        }

        #[test]
        fn garbage_is_an_entry_or_none(
            kind in 0_u64..6,
            words in any::<[u64; 4]>(),
            lengths in any::<[bool; 2]>(),
            rest in prop::collection::vec(any::<u8>(), 60),
        ) {
            let [head, body] = lengths.map(|is_some| if is_some { 30 } else { 0 });
            let [number, due_ns, sent_ns, answered_ns] = words;
            let first = [number << 8 | kind, number >> 8, number >> 9];
            let last = [due_ns, sent_ns, answered_ns, head << 32 | body];
            let words = first.into_iter().chain(last);
            let mut bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
            bytes.extend(rest);
            match Entry::decode(&bytes) {
                Ok((entry, _)) => {
                    prop_assert!((REPLY..=UNSENT).contains(&kind));
                    prop_assert_eq!(matches!(entry, Entry::Unsent { .. }), kind == UNSENT);
                }
                Err(NoEntry::Number(_)) => prop_assert!(number >> 8 >= NUMBER_MAX),
                Err(NoEntry::Kind(_)) => prop_assert!(!(REPLY..=UNSENT).contains(&kind)),
                Err(NoEntry::Answer(_)) => prop_assert_eq!(kind, ANSWER),
                Err(NoEntry::Action(_)) => prop_assert!(false, "every entry has flags of none"),
                Err(NoEntry::Cut) => prop_assert!(false, "there are bytes enough"),
            }
        }

        #[test]
        fn what_is_open_is_read(begun in some_begun()) {
            prop_assert_eq!(Begun::decode(begun.encode()), Some(begun));
        }
    }

    #[test]
    fn a_number_that_no_operation_has_is_none() {
        let begun = Begun {
            number: NUMBER_MAX,
            action: Action::Buy,
            of: None,
            is_counted: true,
            due_ns: 0,
            sent_ns: 0,
        };
        assert_eq!(Begun::decode(begun.encode()), None);
        let reply = Reply { status: 201, received_ns: 0, head: &[], body: &[] };
        let entry = bytes(&Entry::Ended { client: 0, begun, end: End::Reply(reply) });
        assert_eq!(Entry::decode(&entry), Err(NoEntry::Number(NUMBER_MAX)));
    }

    #[test]
    fn a_row_that_nobody_has_written_says_nothing() {
        assert_eq!(Begun::decode([0; OPEN_WORDS]), None);
    }
}

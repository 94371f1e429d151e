//! What stands in the bodies: what a client may send, and what it is answered.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type},
};

use crate::{
    counter::{Count, Counter, lesson::Section},
    domain::{COUNT_MAX, KEY_CHARS_MAX, Order},
    http::message::{
        headers::IDEMPOTENCY_KEY,
        problem::{Code, Problem},
        token::Token,
    },
};

/// For how long tickets are held where nobody says, in seconds.
pub const HOLD_SECONDS: u64 = 120;

/// The longest `buyer`, in characters.
pub const BUYER_CHARS_MAX: usize = 200;

/// The answer to `GET /search`, and the data of `GET /live`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountAnswer {
    /// How many tickets are left.
    pub count: u64,
    /// How many were sold, and not refunded.
    pub sold: u64,
    /// How many are held and not yet bought.
    pub held: u64,
    /// The number of the last change; null in the lesson's modes, which count no changes.
    #[schema(required)]
    pub revision: Option<u64>,
    /// How sales are kept apart.
    #[schema(schema_with = lockings)]
    pub locking: &'static str,
    /// How many were refunded, once there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub refunded: u64,
    /// How many were admitted, once there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub admitted: u64,
    /// Whether the sale is open: told where it is not.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub open: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as `serde` calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A [`CountAnswer`] as it is sent.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The body.
    pub text: Bytes,
    /// The `ETag`: the revision in quotes.
    pub tag: Option<HeaderValue>,
}

impl CountAnswer {
    /// The answer that `counter` has this `count`.
    pub fn of(counter: &Counter, count: Count) -> Self {
        let Count { remaining: count, sold, held, refunded, admitted, is_closed, revision, .. } =
            count;
        let (locking, open) = (counter.locking(), !is_closed);
        Self { count, sold, held, revision, locking, refunded, admitted, open }
    }

    /// This answer as it is sent.
    ///
    /// # Errors
    /// Where it has no JSON form.
    pub fn shown(&self) -> serde_json::Result<Shown> {
        let tag = self.revision.and_then(|revision| format!("\"{revision}\"").try_into().ok());
        Ok(Shown { text: text(self)?, tag })
    }
}

/// The JSON text of an answer.
///
/// # Errors
/// Where it has no JSON form.
pub fn text(answer: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut text = serde_json::to_vec(answer)?;
    // So that a shell's prompt does not stick to it.
    text.push(b'\n');
    Ok(text.into())
}

/// The answer to a `POST /buy` that sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SaleAnswer {
    /// The ticket numbers.
    pub tickets: Tickets,
    /// How many were left right after this sale.
    pub remaining: u64,
    /// The sale's place in the order of all changes; null in the lesson's modes.
    #[schema(required)]
    pub revision: Option<u64>,
    /// What proves the sale; null in the lesson's modes.
    #[schema(required)]
    pub receipt: Option<Token>,
    /// When the count was read and written; in the lesson's modes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub section: Option<SectionAnswer>,
}

impl SaleAnswer {
    /// The JSON text of this answer.
    ///
    /// # Errors
    /// Where it has no JSON form.
    pub fn text(&self) -> serde_json::Result<Bytes> {
        match *self {
            Self {
                tickets, remaining, revision: Some(revision), receipt: Some(receipt), ..
            } if self.section.is_none() => sale_text(tickets, remaining, revision, &receipt),
            _ => text(self),
        }
    }
}

/// What `serde` would write, without asking of each letter whether it needs an escape.
fn sale_text(
    tickets: Tickets,
    remaining: u64,
    revision: u64,
    receipt: &Token,
) -> serde_json::Result<Bytes> {
    // The longest number and a comma for each ticket, and all the rest.
    const TICKET_BYTES: usize = 21;
    const REST_BYTES: usize = 128;
    let quantity = usize::try_from(tickets.quantity).unwrap_or_default();
    let mut text = Vec::with_capacity(quantity * TICKET_BYTES + REST_BYTES);
    text.extend_from_slice(b"{\"tickets\":[");
    for ticket in tickets.numbers() {
        if ticket != tickets.first {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &ticket)?;
    }
    text.extend_from_slice(b"],\"remaining\":");
    serde_json::to_writer(&mut text, &remaining)?;
    text.extend_from_slice(b",\"revision\":");
    serde_json::to_writer(&mut text, &revision)?;
    text.extend_from_slice(b",\"receipt\":\"");
    text.extend_from_slice(receipt.as_bytes());
    text.extend_from_slice(b"\"}\n");
    Ok(text.into())
}

/// Ticket numbers in a row; in JSON the list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tickets {
    /// The first number.
    pub first: u64,
    /// How many they are.
    pub quantity: u64,
}

impl Tickets {
    /// The numbers with spaces between them.
    pub fn text(self) -> String {
        self.numbers().map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The numbers, in their order.
    pub fn numbers(self) -> std::ops::Range<u64> {
        self.first..self.first + self.quantity
    }
}

impl Serialize for Tickets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.numbers())
    }
}

impl PartialSchema for Tickets {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        ArrayBuilder::new().items(number).min_items(Some(1)).unique_items(true).into()
    }
}

impl ToSchema for Tickets {}

/// The critical section of a sale in the lesson's modes, in nanoseconds of the machine's monotonic
/// clock (`CLOCK_MONOTONIC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SectionAnswer {
    /// Right before the count was read.
    pub read_ns: u64,
    /// Right after it was written, or found to be too low.
    pub write_ns: u64,
}

impl From<Section> for SectionAnswer {
    fn from(Section { read_ns, write_ns }: Section) -> Self {
        Self { read_ns, write_ns }
    }
}

/// The answer to a `POST /restock`, a refund, and the release of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StockAnswer {
    /// How many tickets are left.
    pub remaining: u64,
    /// The number of this change.
    pub revision: u64,
}

/// The answer to a `POST /holds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HoldAnswer {
    /// What the hold is confirmed or released by.
    pub hold: Token,
    /// How many tickets are held.
    pub quantity: u64,
    /// From when on they cannot be bought by whoever holds them, as RFC 3339 has it.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// How many were left right after.
    pub remaining: u64,
    /// The number of this change.
    pub revision: u64,
}

/// The answer to the admission of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdmissionAnswer {
    /// The ticket numbers.
    pub tickets: Tickets,
    /// When they were used, as RFC 3339 has it.
    #[schema(format = DateTime)]
    pub admitted_at: String,
    /// The number of this change.
    pub revision: u64,
}

/// The answer to a `POST /sale`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenAnswer {
    /// Whether tickets are to be had.
    pub open: bool,
    /// How many are left.
    pub remaining: u64,
    /// The number of the last change.
    pub revision: u64,
}

/// A time of the ledger as RFC 3339 has it; whatever is later than its last year is its end.
pub fn rfc3339(at_ms: u64) -> String {
    /// 9999-12-31T23:59:59.999Z.
    const LAST_MS: u64 = 253_402_300_799_999;
    let at = UNIX_EPOCH + Duration::from_millis(at_ms.min(LAST_MS));
    humantime::format_rfc3339_millis(at).to_string()
}

/// The answer to `GET /receipts/{receipt}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptAnswer {
    /// The sale.
    #[serde(flatten)]
    pub sale: SaleAnswer,
    /// Who bought, in the buyer's own words.
    #[schema(required)]
    pub buyer: Option<String>,
    /// When, as RFC 3339 has it.
    #[schema(format = DateTime)]
    pub at: String,
    /// What became of it: `sold`, `admitted` or `refunded`.
    #[schema(schema_with = statuses)]
    pub status: &'static str,
    /// When it was used, as RFC 3339 has it; there once it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub admitted_at: Option<String>,
}

/// The body of `POST /buy`.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyMembers<'a> {
    /// How many tickets: 1 where nobody says.
    #[serde(borrow, default, deserialize_with = "even_null")]
    #[schema(value_type = u64, required = false, minimum = 1, default = 1)]
    quantity: Option<&'a RawValue>,
    /// Who buys, in the buyer's own words, without control characters.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$")]
    buyer: Option<&'a RawValue>,
}

/// The body of `POST /holds`.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldMembers<'a> {
    /// How many tickets: 1 where nobody says.
    #[serde(borrow, default, deserialize_with = "even_null")]
    #[schema(value_type = u64, required = false, minimum = 1, default = 1)]
    quantity: Option<&'a RawValue>,
    /// For how long, in seconds.
    #[serde(borrow, default, deserialize_with = "even_null")]
    #[schema(value_type = u64, required = false, minimum = 1)]
    seconds: Option<&'a RawValue>,
    /// For whom, in the buyer's own words, without control characters.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$")]
    buyer: Option<&'a RawValue>,
}

/// The body of `POST /sale`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenMembers<'a> {
    /// Whether tickets are to be had.
    #[serde(borrow, default, deserialize_with = "even_null")]
    #[schema(value_type = bool, required)]
    open: Option<&'a RawValue>,
}

/// The body of a call that needs none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoMembers {}

/// The body of `POST /restock`.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestockMembers<'a> {
    /// How many tickets more.
    #[serde(borrow, default, deserialize_with = "even_null")]
    #[schema(value_type = u64, required, minimum = 1)]
    quantity: Option<&'a RawValue>,
}

fn lockings() -> Schema {
    names(["group", "file", "mutex", "none"])
}

fn statuses() -> Schema {
    names(["sold", "admitted", "refunded"])
}

/// The schema of a text that is one of `names`.
fn names<const N: usize>(names: [&str; N]) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
}

/// Reads the body of `POST /buy`; an empty one buys one ticket.
///
/// # Errors
/// A [`Problem`] that names the member and what is expected.
pub fn parse_order(body: &[u8], max_per_order: u64) -> Result<Order, Problem> {
    if body.is_empty() {
        return Ok(Order { quantity: 1, buyer: None });
    }
    let members: BuyMembers<'_> = object(body)?;
    let one = |value| whole_number("quantity", value, max_per_order);
    let quantity = members.quantity.map_or(Ok(1), one)?;
    let buyer = members.buyer.map(buyer).transpose()?.flatten();
    Ok(Order { quantity, buyer })
}

/// Reads the body of `POST /holds`: what is to be held, and for how many seconds; an empty one holds
/// one ticket for [`HOLD_SECONDS`].
///
/// # Errors
/// A [`Problem`] that names the member and what is expected.
pub fn parse_hold(
    body: &[u8],
    max_per_order: u64,
    hold_seconds_max: u64,
) -> Result<(Order, u64), Problem> {
    let usual = HOLD_SECONDS.min(hold_seconds_max);
    if body.is_empty() {
        return Ok((Order { quantity: 1, buyer: None }, usual));
    }
    let members: HoldMembers<'_> = object(body)?;
    let number = |name, max| move |value| whole_number(name, value, max);
    let quantity = members.quantity.map_or(Ok(1), number("quantity", max_per_order))?;
    let seconds = members.seconds.map_or(Ok(usual), number("seconds", hold_seconds_max))?;
    let buyer = members.buyer.map(buyer).transpose()?.flatten();
    Ok((Order { quantity, buyer }, seconds))
}

/// Reads the body of `POST /sale`: whether the sale is to be open.
///
/// # Errors
/// A [`Problem`] that names the member and what is expected.
pub fn parse_open(body: &[u8]) -> Result<bool, Problem> {
    let members: OpenMembers<'_> = object(body)?;
    match members.open.map(RawValue::get) {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err(invalid("`open` must be true or false, as in {\"open\": false}".to_owned())),
    }
}

/// Reads the body of a call that needs none: it is empty, or an object without members.
///
/// # Errors
/// A [`Problem`] that names a member.
pub fn parse_nothing(body: &[u8]) -> Result<(), Problem> {
    if body.is_empty() {
        return Ok(());
    }
    object(body).map(|NoMembers {}| ())
}

/// Reads the body of `POST /restock`.
///
/// # Errors
/// A [`Problem`] that names the member and what is expected.
pub fn parse_restock(body: &[u8]) -> Result<u64, Problem> {
    let members: RestockMembers<'_> = object(body)?;
    let missing = || invalid("no `quantity`; expected for example {\"quantity\": 50}".to_owned());
    whole_number("quantity", members.quantity.ok_or_else(missing)?, COUNT_MAX)
}

/// A member that is null is there: it is no quantity.
fn even_null<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// Reads the header `Idempotency-Key`.
///
/// # Errors
/// A [`Problem`] for a key that is empty, too long, not printable ASCII, or there twice.
pub fn parse_key(headers: &HeaderMap) -> Result<Option<Box<str>>, Problem> {
    let mut keys = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| is_key(key));
    match (key, keys.next()) {
        (Some(key), None) => Ok(Some(key.into())),
        _ => Err(invalid(format!(
            "the header `Idempotency-Key` must be there once, with 1 to {KEY_CHARS_MAX} printable \
             ASCII characters"
        ))),
    }
}

/// Whether `text` may be an idempotency key.
pub fn is_key(text: &str) -> bool {
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    printable && (1..=KEY_CHARS_MAX).contains(&text.len())
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // `serde` would take `[1]` for an object with its members in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid("the body is not a JSON object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| invalid(format!("the body: {error}")))
}

/// Reads how many tickets are meant, from 1 to `max`.
///
/// # Errors
/// A [`Problem`] that says what is expected.
pub fn parse_quantity(text: &str, max: u64) -> Result<u64, Problem> {
    parse_whole_number("quantity", text, max)
}

fn whole_number(name: &str, value: &RawValue, max: u64) -> Result<u64, Problem> {
    parse_whole_number(name, value.get(), max)
}

fn parse_whole_number(name: &str, text: &str, max: u64) -> Result<u64, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && (1..=max).contains(&number) => Ok(number),
        _ => {
            let shown: String = text.chars().take(40).collect();
            let expected = format!("expected a whole number from 1 to {max}");
            Err(invalid(format!("`{name}` is `{shown}`; {expected}")))
        }
    }
}

fn buyer(value: &RawValue) -> Result<Option<Box<str>>, Problem> {
    let text: Option<Box<str>> = serde_json::from_str(value.get()).map_err(|_| no_buyer())?;
    text.as_deref().map(checked_buyer).transpose()
}

/// Who buys, of a text that may say so, without the white space around it: by form and as JSON it is the same buyer.
///
/// # Errors
/// A [`Problem`] that says what is expected.
pub fn checked_buyer(text: &str) -> Result<Box<str>, Problem> {
    let buyer = text.trim();
    let length = buyer.chars().take(BUYER_CHARS_MAX + 1).count();
    if !(1..=BUYER_CHARS_MAX).contains(&length) || text.chars().any(char::is_control) {
        return Err(no_buyer());
    }
    Ok(buyer.into())
}

fn no_buyer() -> Problem {
    invalid(format!(
        "`buyer` must be a text of 1 to {BUYER_CHARS_MAX} characters without control characters"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_without_a_body_or_with_less_is_for_one() {
        for body in ["", "{}", " {\"buyer\": null}\n"] {
            let order = parse_order(body.as_bytes(), 10).unwrap();
            assert_eq!(order, Order { quantity: 1, buyer: None }, "{body}");
        }
    }

    #[test]
    fn an_order_says_how_many_and_for_whom() {
        let body = "{\"quantity\": 10, \"buyer\": \"user \\u0034711\"}";
        let order = parse_order(body.as_bytes(), 10).unwrap();
        assert_eq!(order, Order { quantity: 10, buyer: Some("user 4711".into()) });
    }

    #[track_caller]
    fn refuses(body: &str, part: &str) {
        let problem = format!("{:?}", parse_order(body.as_bytes(), 10).unwrap_err());
        assert!(problem.contains("InvalidRequest") && problem.contains(part), "{problem}");
    }

    #[test]
    fn what_is_no_order_is_refused_by_name() {
        for quantity in ["0", "-1", "1.5", "\\\"1\\\"", "11", "null", "true", "1e1", "[1]"] {
            let body = format!("{{\"quantity\": {}}}", quantity.replace('\\', ""));
            refuses(
                &body,
                &format!("`quantity` is `{quantity}`; expected a whole number from 1 to 10"),
            );
        }
        refuses(&format!("{{\"quantity\": 1{}}}", "0".repeat(30)), "`quantity` is `1000");
        refuses("{\"quantiy\": 2}", "unknown field `quantiy`, expected `quantity` or `buyer`");
        refuses("{\"quantity\": 1, \"quantity\": 2}", "duplicate field `quantity`");
        refuses("[1]", "not a JSON object");
        refuses("quantity=1", "not a JSON object");
        refuses("{\"quantity\": 1", "EOF while parsing");
        refuses("{\"buyer\": 5}", "`buyer` must be a text");
        refuses("{\"buyer\": \"\"}", "`buyer` must be a text");
        refuses("{\"buyer\": \"a\\nb\"}", "`buyer` must be a text");
        refuses(&format!("{{\"buyer\": \"{}\"}}", "x".repeat(201)), "`buyer` must be a text");
    }

    #[test]
    fn a_sale_is_told_as_serde_would_tell_it() {
        let seal = crate::http::message::token::Seal::new(&[7; 32], &[]);
        for (first, quantity, remaining, revision) in
            [(1, 1, 0, 1), (9, 3, 10, 99), (COUNT_MAX - 9, 10, COUNT_MAX, u64::MAX), (5, 0, 7, 8)]
        {
            let sale = SaleAnswer {
                tickets: Tickets { first, quantity },
                remaining,
                revision: Some(revision),
                receipt: Some(seal.token(crate::http::message::token::Kind::Sale, revision)),
                section: None,
            };
            assert_eq!(sale.text().unwrap(), text(&sale).unwrap());
        }
    }

    #[test]
    fn a_restock_must_say_how_many() {
        assert_eq!(parse_restock(b"{\"quantity\": 50}").unwrap(), 50);
        assert!(parse_restock(b"{}").is_err());
        assert!(parse_restock(b"").is_err());
    }
}

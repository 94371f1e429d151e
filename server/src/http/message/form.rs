//! An order as a browser sends it from the page's own form (`application/x-www-form-urlencoded`).

use serde::Deserialize;
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::{
    domain::Order,
    http::message::{
        problem::{Code, Problem},
        wire,
    },
};

/// The members of a form, as they are described.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a form is read by its names")]
pub struct FormMembers {
    /// How many tickets: 1 where nobody says.
    #[schema(required = false, minimum = 1, default = 1)]
    quantity: u64,
    /// Who buys, in the buyer's own words, without control characters; empty: nobody says.
    #[schema(required = false, max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    buyer: String,
    /// What `Idempotency-Key` is to other clients.
    #[schema(required = false, min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    key: String,
}

/// An order by form.
#[derive(Debug, PartialEq, Eq)]
pub struct FormOrder {
    /// What is bought.
    pub order: Order,
    /// What makes a second press of the button known as one: a form has no headers.
    pub key: Option<Box<str>>,
}

/// Reads a form: `quantity`, which is 1 where it is not there, `buyer`, where an empty field is none,
/// and `key`, which is what `Idempotency-Key` is to other clients.
///
/// # Errors
/// A [`Problem`] that names the member and what is expected.
pub fn parse(body: &[u8], max_per_order: u64) -> Result<FormOrder, Problem> {
    let (mut quantity, mut buyer, mut key) = (None, None, None);
    for (name, value) in form_urlencoded::parse(body) {
        let member = match &*name {
            "quantity" => &mut quantity,
            "buyer" => &mut buyer,
            "key" => &mut key,
            unknown => {
                let unknown: String = unknown.chars().take(40).collect();
                let hint = match unknown.starts_with('{') {
                    true => "; JSON needs `Content-Type: application/json`",
                    false => "",
                };
                let detail = format!(
                    "the form: unknown member `{unknown}`, expected `quantity`, `buyer` or `key`{hint}"
                );
                return Err(invalid(detail));
            }
        };
        if member.replace(value).is_some() {
            return Err(invalid(format!("the form: `{name}` is there twice")));
        }
    }
    let quantity = quantity.map_or(Ok(1), |text| wire::parse_quantity(&text, max_per_order))?;
    let buyer = buyer.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let buyer = buyer.map(wire::checked_buyer).transpose()?;
    let key = key.map(|key| Box::from(&*key));
    if key.as_deref().is_some_and(|key| !wire::is_key(key)) {
        return Err(invalid("the form: `key` is no idempotency key".to_owned()));
    }
    Ok(FormOrder { order: Order { quantity, buyer }, key })
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<FormOrder, Problem> {
        parse(body.as_bytes(), 10)
    }

    #[test]
    fn a_form_is_read_as_browsers_send_it() {
        let sent = "key=k-1&quantity=2&buyer=+Zo%C3%AB+%26+%F0%9F%8E%AB%3Cscript%3E+";
        let buyer = Some("Zoë & 🎫<script>".into());
        let expected = FormOrder { order: Order { quantity: 2, buyer }, key: Some("k-1".into()) };
        assert_eq!(read(sent).unwrap(), expected);
    }

    #[test]
    fn an_empty_field_is_no_name_and_an_empty_form_buys_one() {
        let one = FormOrder { order: Order { quantity: 1, buyer: None }, key: None };
        assert_eq!(read("").unwrap(), one);
        assert_eq!(read("quantity=1&buyer=++").unwrap(), one);
    }

    #[test]
    fn what_is_no_order_is_refused_by_name() {
        for (body, part) in [
            ("quantity=", "`quantity` is ``; expected a whole number from 1 to 10"),
            ("quantity=11", "`quantity` is `11`"),
            ("quantity=%2B1", "`quantity` is `+1`"),
            ("quantiy=2", "unknown member `quantiy`"),
            ("quantity=1&quantity=2", "`quantity` is there twice"),
            ("buyer=a%0Ab", "`buyer` must be a text"),
            ("key=", "no idempotency key"),
            ("{\"quantity\": 1}", "unknown member `{\"quantity\": 1}`"),
            ("{\"quantity\": 1}", "`key`; JSON needs `Content-Type: application/json`"),
        ] {
            let problem = read(body).unwrap_err();
            assert!(problem.detail().contains(part), "{body}: {problem:?}");
        }
    }
}

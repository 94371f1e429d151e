//! Fills the template of a ticket.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};

use crate::http::{
    message::wire::{ReceiptAnswer, Tickets},
    page::{
        document::{Assets, EVENT},
        figure, qr,
    },
};

const STYLE: &str = concat!(include_str!("../kit.css"), include_str!("page.css"));
const SCRIPT: &str = concat!(include_str!("../kit.js"), include_str!("page.js"));

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(STYLE, SCRIPT));

/// What a ticket shows.
#[derive(Clone, Copy, Debug)]
pub struct TicketView<'a> {
    /// What it is for.
    pub event: Option<&'a str>,
    /// The sale that it proves.
    pub receipt: &'a ReceiptAnswer,
    /// Where it is, for the QR code.
    pub address: &'a str,
    /// Whether whoever has the receipt may refund it.
    pub may_refund: bool,
}

/// What a sale without a receipt shows.
#[derive(Clone, Copy, Debug)]
pub struct LessonTicketView<'a> {
    /// What it is for.
    pub event: Option<&'a str>,
    /// The numbers.
    pub tickets: Tickets,
}

/// Answers with the ticket of a receipt.
pub fn answer(view: &TicketView<'_>) -> Response<Body> {
    ASSETS.answer(StatusCode::OK, &page(view))
}

/// Answers with what a lesson sold to a form, which has no page of its own.
pub fn answer_lesson(view: &LessonTicketView<'_>) -> Response<Body> {
    let Tickets { first, quantity } = view.tickets;
    let page = Page {
        assets: &ASSETS,
        event: view.event.unwrap_or(EVENT),
        tickets: figure::tickets(first, quantity),
        quantity,
        status: "sold",
        status_words: "Sold",
        buyer: None,
        at: None,
        admitted_at: None,
        address: "",
        code: None,
        may_refund: false,
        back: "./",
    };
    ASSETS.answer(StatusCode::CREATED, &page)
}

fn page<'a>(view: &TicketView<'a>) -> Page<'a> {
    let ReceiptAnswer { sale, buyer, at, status, admitted_at } = view.receipt;
    let Tickets { first, quantity } = sale.tickets;
    Page {
        assets: &ASSETS,
        event: view.event.unwrap_or(EVENT),
        tickets: figure::tickets(first, quantity),
        quantity,
        status,
        status_words: status_words(status),
        buyer: buyer.as_deref(),
        at: Some(Moment::from(at.as_str())),
        admitted_at: admitted_at.as_deref().map(Moment::from),
        address: view.address,
        code: qr::data_address(view.address),
        may_refund: view.may_refund && *status == "sold",
        back: "../",
    }
}

/// What became of a sale, for people; `STATUS_WORDS` in the script.
fn status_words(status: &str) -> &'static str {
    match status {
        "admitted" => "Used",
        "refunded" => "Refunded",
        _ => "Valid",
    }
}

/// A time for scripts (`at`) and for people (`words`).
struct Moment<'a> {
    at: &'a str,
    words: String,
}

impl<'a> From<&'a str> for Moment<'a> {
    /// `2026-11-24T01:09:37.408Z` as `2026-11-24 01:09 UTC`: the script knows the time zone of its reader,
    /// and nobody else does.
    fn from(at: &'a str) -> Self {
        let words = match (at.get(..10), at.get(11..16)) {
            (Some(date), Some(time)) => format!("{date} {time} UTC"),
            _ => at.to_owned(),
        };
        Self { at, words }
    }
}

#[derive(Template)]
#[template(path = "ticket/page.html", config = "src/http/page/askama.toml")]
struct Page<'a> {
    assets: &'static Assets,
    event: &'a str,
    tickets: String,
    quantity: u64,
    status: &'a str,
    status_words: &'static str,
    buyer: Option<&'a str>,
    at: Option<Moment<'a>>,
    admitted_at: Option<Moment<'a>>,
    address: &'a str,
    /// The QR code as an address; `None` where there is no receipt.
    code: Option<String>,
    may_refund: bool,
    back: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{
        message::{
            token::{Kind, Seal},
            wire::SaleAnswer,
        },
        page::markup_tests::{assert_strict, between},
    };

    fn render(buyer: Option<&str>, quantity: u64, status: &'static str) -> String {
        let receipt = ReceiptAnswer {
            sale: SaleAnswer {
                tickets: Tickets { first: 3, quantity },
                remaining: 5,
                revision: Some(9),
                receipt: Some(Seal::new(&[7; 32], &[]).token(Kind::Sale, 9)),
                section: None,
            },
            buyer: buyer.map(str::to_owned),
            at: "2026-11-24T01:09:37.408Z".to_owned(),
            status,
            admitted_at: (status == "admitted").then(|| "2026-11-25T19:30:00.000Z".to_owned()),
        };
        let address = "a:b/receipts/c";
        let view = TicketView { event: Some("Jazz"), receipt: &receipt, address, may_refund: true };
        page(&view).render().unwrap()
    }

    #[test]
    fn ticket_says_what_a_person_at_the_door_reads() {
        let page = render(Some("Ada"), 2, "sold");
        assert_eq!(between(&page, r#"<h1 id="event">"#, "</h1>"), "Jazz");
        assert_eq!(between(&page, r#"<p id="tickets">"#, "</p>"), "Tickets 3 and 4");
        assert!(page.contains("<dd>2 people</dd>"));
        assert!(page.contains(">2026-11-24 01:09 UTC</time>"));
        assert!(page.contains(r#"data-status="sold">Valid</p>"#));
        assert!(page.contains(r#"src="data:image/svg+xml;base64,"#));
        // Neither the order of sales nor what was left is anybody's business here.
        assert!(!page.replace(ASSETS.script, "").contains("evision"));
        assert!(page.contains(r#"id="refund""#));
        let used = render(None, 1, "admitted");
        assert!(used.contains(">2026-11-25 19:30 UTC</time>") && !used.contains(r#"id="refund""#));
        assert!(render(None, 1, "refunded").contains(r#"data-status="refunded">Refunded</p>"#));
    }

    #[test]
    fn names_stand_as_they_were_given_and_run_nothing() {
        let name = |name| {
            let page = render(Some(name), 1, "sold");
            between(&page, r#"<dd id="buyer" dir="auto">"#, "</dd>").to_owned()
        };
        assert_eq!(name("<script>x</script>"), "&#60;script&#62;x&#60;/script&#62;");
        assert_eq!(name("O'Hara & \"Söhne\""), "O&#39;Hara &#38; &#34;Söhne&#34;");
        assert_eq!(name("عمر 🎫 \u{202e}abc"), "عمر 🎫 \u{202e}abc");
        assert!(!render(None, 1, "sold").contains("<dt>Name</dt>"));
    }

    #[test]
    fn page_is_strict() {
        let page = render(Some("Ada"), 1, "sold");
        assert_strict(&page, &ASSETS);
    }
}

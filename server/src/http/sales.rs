//! `GET /sales`: what was sold, for the operator, as JSON or as a table.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Response, Uri, header},
};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::{
    counter::{SaleRecord, SalesPage, SalesQuery},
    http::{
        app::App,
        connections::activity::{Activity, Sending},
        message::{
            accept::prefers_table,
            answer,
            problem::{Code, Problem},
            token::Seal,
            wire::ReceiptAnswer,
        },
    },
};

/// How many sales a page has where nobody says.
pub const PAGE_SIZE: usize = 100;

/// How many a page has at most.
pub const PAGE_SIZE_MAX: usize = 1000;

/// How many pieces of a table wait for a client that reads slowly.
const PIECES_WAITING: usize = 2;

/// The parameters of the call.
const PARAMETERS: [&str; 5] = ["page_size", "page_token", "buyer", "search", "order"];

/// The answer to `GET /sales`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SalesAnswer {
    /// The sales, oldest first unless asked otherwise.
    pub sales: Vec<ReceiptAnswer>,
    /// What asks for the next page; null where this was the last.
    #[schema(required)]
    pub next_page_token: Option<String>,
}

/// Answers `GET /sales`.
///
/// # Errors
/// A [`Problem`] that names the parameter that is wrong.
pub async fn sales(
    app: Arc<App>,
    (uri, headers): (&Uri, &HeaderMap),
    connection: Option<&Arc<Activity>>,
) -> Result<Response<Body>, Problem> {
    let asked = Asked::parse(uri)?;
    let without = || Problem::new(Code::NotFound, "this counter keeps no list of its sales");
    let seal = app.opener(without)?.clone();
    if prefers_table(headers) {
        return Ok(table(app, seal, asked, connection.map(Activity::send)));
    }
    let SalesPage { sales, next } = app.counter.sales(&asked.query).await?;
    let sales = sales.iter().filter_map(|sale| answer::receipt(sale, &seal)).collect();
    let page = SalesAnswer { sales, next_page_token: next.map(|next| next.to_string()) };
    answer::done(&page).map(|answer| answer.map(Body::new))
}

/// What a client asks for.
struct Asked {
    query: SalesQuery,
    /// Whether it asks for a page, and not for all there are.
    is_paged: bool,
}

impl Asked {
    fn parse(uri: &Uri) -> Result<Self, Problem> {
        let invalid = |detail: String| Problem::new(Code::InvalidRequest, detail);
        let query = uri.query().unwrap_or_default();
        let mut given: [Option<String>; PARAMETERS.len()] = Default::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = PARAMETERS.iter().position(|known| *known == name).ok_or_else(|| {
                invalid(format!("unknown parameter `{name}`; known are {}", PARAMETERS.join(", ")))
            })?;
            if given[place].replace(value.into_owned()).is_some() {
                return Err(invalid(format!("the parameter `{name}` is there twice")));
            }
        }
        let [page_size, page_token, buyer, search, order] = given;
        let is_paged = page_size.is_some() || page_token.is_some();
        let page_size = page_size.map_or(Ok(PAGE_SIZE), |text| {
            let number = text.parse().ok().filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
            let expected = format!("expected a whole number from 1 to {PAGE_SIZE_MAX}");
            number.ok_or_else(|| invalid(format!("`page_size` is `{text}`; {expected}")))
        })?;
        let from = page_token.map(|text| {
            let expected = "expected the `next_page_token` of the page before";
            text.parse().map_err(|_| invalid(format!("`page_token` is `{text}`; {expected}")))
        });
        let is_newest_first = match order.as_deref() {
            None | Some("oldest") => false,
            Some("newest") => true,
            Some(text) => {
                return Err(invalid(format!("`order` is `{text}`; expected `oldest` or `newest`")));
            }
        };
        let from = from.transpose()?;
        let search = search.filter(|text| !text.is_empty());
        let query = SalesQuery { from, page_size, is_newest_first, buyer, search };
        Ok(Self { query, is_paged })
    }
}

/// The sales as a table (RFC 4180): a page where one was asked for, else all there are.
fn table(app: Arc<App>, seal: Seal, asked: Asked, sending: Option<Sending>) -> Response<Body> {
    let (pieces, table) = mpsc::channel::<Result<Bytes, TableError>>(PIECES_WAITING);
    tokio::spawn(async move {
        let Asked { mut query, is_paged } = asked;
        if !is_paged {
            query.page_size = PAGE_SIZE_MAX;
        }
        let mut is_first = true;
        loop {
            let page = app.counter.sales(&query).await;
            let page = page.map_err(|refusal| TableError(refusal.to_string()));
            let next = page.as_ref().ok().and_then(|page| page.next);
            let piece = page.and_then(|page| rows(&page.sales, &seal, is_first));
            let is_over = is_paged || next.is_none() || piece.is_err();
            // Whoever has gone away wants no more.
            if pieces.send(piece).await.is_err() || is_over {
                return;
            }
            (query.from, is_first) = (next, false);
        }
    });
    let table = ReceiverStream::new(table).map(move |piece| {
        let _until_its_end = &sending;
        piece
    });
    let mut answer = Response::new(Body::from_stream(table));
    let headers = answer.headers_mut();
    let csv = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    headers.insert(header::CONTENT_TYPE, csv);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_static("attachment; filename=\"sales.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    answer
}

/// A table that breaks off: whoever reads it sees that it is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the table breaks off: {0}")]
struct TableError(String);

/// The rows of `sales`, with the names of the columns ahead of the first.
fn rows(sales: &[SaleRecord], seal: &Seal, is_first: bool) -> Result<Bytes, TableError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let error = |error: csv::Error| TableError(error.to_string());
    if is_first {
        let names = ["revision", "at", "status", "tickets", "buyer", "admitted_at", "receipt"];
        table.write_record(names).map_err(error)?;
    }
    for answer in sales.iter().filter_map(|sale| answer::receipt(sale, seal)) {
        let ReceiptAnswer { sale, buyer, at, status, admitted_at } = answer;
        let receipt = sale.receipt.map(|receipt| receipt.as_str().to_owned());
        table
            .write_record([
                &sale.revision.unwrap_or_default().to_string(),
                &at,
                status,
                &sale.tickets.text(),
                &harmless(buyer.unwrap_or_default()),
                &admitted_at.unwrap_or_default(),
                &receipt.unwrap_or_default(),
            ])
            .map_err(error)?;
    }
    table.into_inner().map(Bytes::from).map_err(|error| TableError(error.to_string()))
}

/// A cell that no spreadsheet takes for a formula: a buyer's name may be anything.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(query: &str, part: &str) {
        let uri = format!("/sales?{query}").parse().unwrap();
        let problem = Asked::parse(&uri).err().map(|problem| format!("{problem:?}"));
        assert!(problem.as_ref().is_some_and(|text| text.contains(part)), "{query}: {problem:?}");
    }

    #[test]
    fn parameters_are_read_as_a_form() {
        let uri = "/sales?buyer=Ann+%C3%9C&page_size=7&order=newest&page_token=12".parse().unwrap();
        let Asked { query, is_paged } = Asked::parse(&uri).unwrap();
        assert!(is_paged && query.is_newest_first);
        assert_eq!((query.buyer.as_deref(), query.page_size), (Some("Ann \u{dc}"), 7));
        assert_eq!(query.from, Some(12));
    }

    #[test]
    fn a_wrong_parameter_is_refused_by_name() {
        refused("page=1", "unknown parameter `page`");
        refused("buyer=a&buyer=b", "`buyer` is there twice");
        refused("page_size=0", "`page_size` is `0`");
        refused("page_size=1001", "`page_size` is `1001`");
        refused("page_token=x", "`page_token` is `x`");
        refused("order=random", "`order` is `random`");
    }

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(harmless("=1+1".to_owned()), "'=1+1");
        assert_eq!(harmless("Ann".to_owned()), "Ann");
    }
}

//! What was sold, page by page, for the operator.

use std::sync::Arc;

use crate::{
    domain::{Change, Record, SaleStatus, SoldBefore},
    ledger::{Archive, Cause},
};

/// How many records are read at once.
pub(super) const WINDOW_RECORDS: u64 = 1000;

/// How many records are read for one answer: of a rare buyer's sales a page may have few, or none.
pub(super) const SCAN_RECORDS_MAX: u64 = 50_000;

/// A sale, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleRecord {
    /// Its record: of a [`Change::Sold`].
    pub record: Record,
    /// What became of it.
    pub status: SaleStatus,
}

impl SaleRecord {
    /// What is asked for where it is refunded or admitted.
    pub(super) fn sold_before(&self) -> SoldBefore {
        let quantity = match self.record.change {
            Change::Sold { quantity, .. } => quantity,
            _ => 0,
        };
        SoldBefore { revision: self.record.revision, quantity }
    }
}

/// Which sales are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesQuery {
    /// The first revision to look at; `None` begins at the beginning, or at the end.
    pub from: Option<u64>,
    /// How many sales at most.
    pub page_size: usize,
    /// Whether the latest comes first.
    pub is_newest_first: bool,
    /// Whose: the very text.
    pub buyer: Option<String>,
    /// A text that the buyer's name has in it, in whatever case, or the number of a ticket.
    pub search: Option<String>,
}

impl SalesQuery {
    fn asks_for(&self, record: &Record) -> bool {
        let Change::Sold { first_ticket, quantity, buyer, .. } = &record.change else {
            return false;
        };
        let buyer = buyer.as_deref().unwrap_or_default();
        let is_buyers = self.buyer.as_deref().is_none_or(|asked| asked == buyer);
        let is_found = |text: &str| {
            let number = text.parse().ok();
            let has_number = number.is_some_and(|number: u64| {
                number.checked_sub(*first_ticket).is_some_and(|nth| nth < *quantity)
            });
            has_number || buyer.to_lowercase().contains(&text.to_lowercase())
        };
        is_buyers && self.search.as_deref().is_none_or(is_found)
    }
}

/// Some of the sales that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalesPage {
    /// The sales.
    pub sales: Vec<SaleRecord>,
    /// From which revision on the next page goes; `None` where this was the last.
    pub next: Option<u64>,
}

/// The page that `query` asks for, of a ledger whose last record is `last`.
///
/// # Errors
/// [`Cause`] where the records cannot be read.
pub(super) async fn page(
    archive: &Arc<dyn Archive>,
    query: &SalesQuery,
    last: u64,
    status: impl Fn(u64) -> SaleStatus,
) -> Result<SalesPage, Cause> {
    let mut page = SalesPage::default();
    let begin = query.from.unwrap_or(if query.is_newest_first { last } else { 1 });
    let mut next = begin.clamp(1, last.saturating_add(1));
    let mut scanned = 0;
    loop {
        let (first, end) = match query.is_newest_first {
            true => (next.saturating_sub(WINDOW_RECORDS - 1).max(1), next.min(last)),
            false => (next, (next + WINDOW_RECORDS - 1).min(last)),
        };
        if first > end || next == 0 {
            return Ok(page);
        }
        let mut records = Arc::clone(archive).records(first, end).await?;
        if query.is_newest_first {
            records.reverse();
        }
        for record in records {
            let revision = record.revision;
            if query.asks_for(&record) {
                if page.sales.len() == query.page_size {
                    page.next = Some(revision);
                    return Ok(page);
                }
                page.sales.push(SaleRecord { status: status(revision), record });
            }
        }
        scanned += end - first + 1;
        next = if query.is_newest_first { first - 1 } else { end + 1 };
        if scanned >= SCAN_RECORDS_MAX {
            page.next = (1..=last).contains(&next).then_some(next);
            return Ok(page);
        }
    }
}

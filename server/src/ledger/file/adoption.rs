//! Taking over what somebody outside wrote into `db.txt`.

use crate::{
    domain::{Change, Inventory, Stock},
    ledger::{
        LedgerError,
        file::{
            books::Books,
            disk::Disk,
            format::{
                head::Head,
                reconcile::{OutsideChange, most_careful_change, outside_change},
                watermark::Watermark,
            },
            layout::Layout,
            locks::Held,
            log::{
                lookup::Lookup,
                segment::{Ending, Segment},
            },
        },
    },
};

impl<D: Disk> Books<D> {
    /// Makes the outside change in the head's `bytes`, if there is one, a record of the ledger.
    pub(super) fn adopt(
        &mut self,
        held: &Held<'_, D::File>,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        let head = self.refuse_a_head_ahead(bytes)?;
        let longest = Stock { remaining: u64::MAX, sold: u64::MAX, revision: u64::MAX };
        if Head::of(longest, head.foreign.clone()).image(bytes.len()).is_none() {
            return Err(LedgerError::HeadFull { path: self.layout.head.clone() });
        }
        if let Some(OutsideChange { remaining, sold }) = self.change_in(held, &head)? {
            let was = self.inventory.stock().remaining;
            let path = self.layout.head.display();
            tracing::info!("{path}: somebody outside changed the count from {was} to {remaining}");
            let now_ms = (self.options.now_ms)();
            self.records.push(self.inventory.adjust(remaining, sold, now_ms));
        }
        self.foreign = head.foreign;
        Ok(())
    }

    fn change_in(
        &self,
        held: &Held<'_, D::File>,
        head: &Head,
    ) -> Result<Option<OutsideChange>, LedgerError> {
        let (now, mark) = (self.inventory.stock(), Watermark::read(held.servers));
        let is_same_boot = mark.boot == self.boot;
        let published = if is_same_boot { mark.applied } else { mark.synced };
        let seen = match head.revision {
            Some(revision) => self.stocks(revision, revision)?,
            None => self.stocks(published, now.revision)?,
        };
        let Some(first) = seen.first().copied() else { return Ok(None) };
        let is_current = is_same_boot && first.revision >= published;
        if head.revision.is_some() && !is_current && outside_change(head, first, now).is_none() {
            // An image of our own that a power cut or an editor brought back.
            return Ok(None);
        }
        let adopted = self.adopted_since(first.revision.max(published))?;
        let readings = seen.into_iter().flat_map(|stock| with_adopted(stock, &adopted));
        if head.revision.is_some() && is_current {
            // Nobody wrote the head since, so all that was adopted is still in its text.
            return Ok(readings.last().and_then(|seen| outside_change(head, seen, now)));
        }
        Ok(most_careful_change(head, readings, now))
    }

    /// The stocks right before and right after each adjustment behind `revision`.
    ///
    /// A turn can end between its sync and its head, or a power cut take the
    /// head back: then the ledger has adopted what still stands in `db.txt`.
    fn adopted_since(&self, revision: u64) -> Result<Vec<(Stock, Stock)>, LedgerError> {
        let now = self.inventory.stock().revision;
        let mut adopted = Vec::new();
        if revision >= now {
            return Ok(adopted);
        }
        let lookup = Lookup::new(self.disk.clone(), self.layout.clone());
        for steps in self.stocks(revision, now)?.windows(2) {
            let [before, after] = *steps else { continue };
            let record = lookup.record(after.revision)?;
            if record.is_some_and(|record| matches!(record.change, Change::Adjusted { .. })) {
                adopted.push((before, after));
            }
        }
        Ok(adopted)
    }

    /// The stocks at the revisions `from` to `to`, as far back as the ledger goes.
    fn stocks(&self, from: u64, to: u64) -> Result<Vec<Stock>, LedgerError> {
        let now = self.inventory.stock();
        if from >= now.revision {
            return Ok(vec![now]);
        }
        let folder = &self.layout.folder;
        let names = self.disk.file_names(folder).map_err(|source| LedgerError::Io {
            action: "list",
            path: folder.clone(),
            source,
        })?;
        let mut starts: Vec<_> =
            names.iter().filter_map(|name| Layout::first_revision(name)).collect();
        starts.sort_unstable();
        let first = starts.first().copied().unwrap_or_default().saturating_sub(1);
        // The last segment that begins before it has it, but for one that a
        // killed server made and nobody went on in.
        for start in starts.into_iter().rev().filter(|start| *start <= from.max(first) + 1) {
            let stocks = self.stocks_since(start, from.max(first), to)?;
            if !stocks.is_empty() {
                return Ok(stocks);
            }
        }
        Ok(Vec::new())
    }

    /// The stocks at `from` to `to`, read from the segment that begins with `start` and on.
    fn stocks_since(&self, start: u64, from: u64, to: u64) -> Result<Vec<Stock>, LedgerError> {
        let mut segment = Segment::open(&self.disk, &self.layout.segment(start))?;
        let mut position = segment.records_start();
        let mut inventory = segment.header().inventory();
        let (mut stocks, to) = (Vec::new(), to.max(from));
        let mut note = |inventory: &Inventory| {
            if inventory.stock().revision >= from {
                stocks.push(inventory.stock());
            }
        };
        note(&inventory);
        loop {
            let ending = segment.read_each(&mut position, &mut inventory, to, &mut note)?;
            let next = self.layout.segment(inventory.stock().revision + 1);
            if ending != Ending::Sealed || inventory.stock().revision >= to {
                break;
            }
            segment = Segment::open(&self.disk, &next)?;
            position = segment.records_start();
        }
        Ok(stocks)
    }
}

/// What the writer of a text can have read who saw `seen`: the text counts as
/// read later where adjustments behind `seen` have adopted what it says.
fn with_adopted(seen: Stock, adopted: &[(Stock, Stock)]) -> Vec<Stock> {
    let mut readings = vec![seen];
    let mut last = seen;
    for (before, after) in adopted.iter().filter(|(_, after)| after.revision > seen.revision) {
        let moved = |from: u64, to: u64, stock: u64| (stock + to).saturating_sub(from);
        last.remaining = moved(before.remaining, after.remaining, last.remaining);
        last.sold = moved(before.sold, after.sold, last.sold);
        readings.push(last);
    }
    readings
}

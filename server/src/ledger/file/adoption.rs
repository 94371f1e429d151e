//! Taking over what somebody outside wrote into `db.txt`.

use crate::{
    domain::{Inventory, Stock},
    ledger::{
        LedgerError,
        file::{
            books::Books,
            disk::Disk,
            head::Head,
            layout::Layout,
            locks::Held,
            mark::Mark,
            reconcile::{OutsideChange, most_careful_change, outside_change},
            segment::{Ending, Segment},
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
        let now = self.inventory.stock();
        let mark = Mark::read(held.servers);
        let seen = match head.revision {
            Some(revision) => revision,
            None if mark.boot == self.boot => mark.applied,
            None => {
                let seen = self.stocks(mark.synced, now.revision)?;
                return Ok(most_careful_change(head, seen, now));
            }
        };
        let seen = self.stocks(seen, seen)?;
        Ok(seen.first().and_then(|seen| outside_change(head, *seen, now)))
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

//! The file ledger: opening it, and a turn at it.
//!
//! # Invariants
//! - `AckAfterSync`: a turn writes its records, syncs them, and only then
//!   writes the head and returns.
//! - `PrefixRecovery`: what a crash leaves is a prefix of the records, with
//!   every acknowledged one in it.
//! - What another process left unsynced is synced before it is relied on.

use std::{io, mem, path::Path};

use crate::{
    domain::{Inventory, Record, Stock},
    ledger::{
        Draft, Ledger, LedgerError, REQUESTS_MAX,
        file::{
            disk::{Disk, DiskFile, FileLock},
            head::Head,
            layout::Layout,
            locks::{Locks, open_head},
            lookup::Lookup,
            mark::Mark,
            reader,
            reconcile::{OutsideChange, most_careful_change, outside_change},
            record_codec::LINE_BYTES_MAX,
            segment::{Ending, Position, Segment},
        },
    },
};

/// The room that a turn needs, in bytes: its records and one adjustment.
const TURN_BYTES_MAX: u64 = (REQUESTS_MAX as u64 + 1) * LINE_BYTES_MAX as u64;

/// How a file ledger is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether a turn waits until its records survive a power cut.
    pub synced: bool,
    /// The time in milliseconds since 1970 UTC.
    pub now_ms: fn() -> u64,
    /// Random bytes that nobody can guess: the key of a new counter.
    pub random: fn() -> io::Result<[u8; 32]>,
}

/// The ledger in files, opened and recovered.
pub struct FileLedger<D: Disk> {
    disk: D,
    locks: Locks<D>,
    books: Books<D>,
}

/// What this process knows of the ledger; true while both locks are held.
struct Books<D: Disk> {
    layout: Layout,
    options: Options,
    boot: String,
    segment: Segment<D::File>,
    position: Position,
    inventory: Inventory,
    records: Vec<Record>,
    /// The head as this process wrote it last, and the keys of other programs in it.
    image: Vec<u8>,
    foreign: Vec<(String, Box<str>)>,
    synced: u64,
}

impl<D: Disk> FileLedger<D> {
    /// Opens the counter at `head`, an absolute path without symbolic links, and recovers it.
    ///
    /// Waits for the locks as long as it takes. A counter without a ledger gets one.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing was changed where `db.txt` is refused.
    pub fn open(disk: &D, head: &Path, options: Options) -> Result<Self, LedgerError> {
        let layout = Layout::around(head);
        if disk.file_id(&layout.lock).is_err() {
            refuse_what_cannot_be_opened(disk, &layout)?;
        }
        let io = |action| {
            let path = layout.folder.clone();
            move |source| LedgerError::Io { action, path, source }
        };
        disk.create_dir(&layout.folder).map_err(io("create"))?;
        let mut locks = Locks::open(disk, &layout)?;
        let (books, _) = locks.hold(|servers, head| {
            let mut books = Books::open(disk, &layout, options, head)?;
            books.recover(servers, head)?;
            Ok(books)
        })?;
        Ok(Self { disk: disk.clone(), locks, books })
    }

    /// What stood on the counter when this process last looked.
    pub fn stock(&self) -> Stock {
        self.books.inventory.stock()
    }

    /// What finds single records of this ledger.
    pub fn lookup(&self) -> Lookup<D> {
        Lookup::new(self.disk.clone(), self.books.layout.clone())
    }

    /// The counter's secret key.
    pub fn key(&self) -> [u8; 32] {
        self.books.segment.header().key
    }
}

impl<D: Disk> Ledger for FileLedger<D> {
    fn turn(&mut self, decide: &mut dyn FnMut(&mut Draft<'_>)) -> Result<Stock, LedgerError> {
        let Self { locks, books, .. } = self;
        let (stock, in_place) = locks.hold(|servers, head| books.turn(servers, head, decide))?;
        if in_place {
            return Ok(stock);
        }
        // The records are durable; now the file that took the place of db.txt
        // has to learn of them. Should that fail, the next turn does it.
        tracing::warn!("{} was replaced during a sale", books.layout.head.display());
        let brought_over = locks.hold(|servers, head| books.turn(servers, head, &mut |_| {}));
        Ok(brought_over.map_or(stock, |(stock, _)| stock))
    }

    fn rest(&mut self) -> Result<(), LedgerError> {
        let Self { locks, books, .. } = self;
        locks.hold(|servers, head| books.rest(servers, head)).map(|_| ())
    }
}

/// Refuses a counter that has no ledger yet, before anything is made beside it.
fn refuse_what_cannot_be_opened<D: Disk>(disk: &D, layout: &Layout) -> Result<(), LedgerError> {
    let mut lock = disk.lockable(open_head(disk, layout)?);
    let file = lock.exclusive().map_err(|source| LedgerError::Io {
        action: "lock",
        path: layout.head.clone(),
        source,
    })?;
    let bytes = reader::read_bytes(&layout.head, &*file)?;
    first_stock(layout, &reader::parse(&layout.head, &bytes)?).map(|_| ())
}

/// The stock that a ledger starts from when `head` is all there is.
fn first_stock(layout: &Layout, head: &Head) -> Result<Stock, LedgerError> {
    match head.revision {
        None | Some(0) => {
            Ok(Stock { remaining: head.count, sold: head.sold.unwrap_or(0), revision: 0 })
        }
        Some(revision) => Err(LedgerError::HeadAhead {
            path: layout.head.clone(),
            folder: layout.folder.clone(),
            head: revision,
            ledger: 0,
        }),
    }
}

impl<D: Disk> Books<D> {
    fn open(
        disk: &D,
        layout: &Layout,
        options: Options,
        head: &D::File,
    ) -> Result<Self, LedgerError> {
        let names = disk.file_names(&layout.folder).map_err(|source| LedgerError::Io {
            action: "list",
            path: layout.folder.clone(),
            source,
        })?;
        let last = names.iter().filter_map(|name| Layout::first_revision(name)).max();
        let segment = match last {
            Some(first_revision) => Segment::open(disk, &layout.segment(first_revision))?,
            None => {
                let bytes = reader::read_bytes(&layout.head, head)?;
                let stock = first_stock(layout, &reader::parse(&layout.head, &bytes)?)?;
                let inventory = Inventory::new(stock, (options.now_ms)());
                let key = (options.random)().map_err(|source| LedgerError::Io {
                    action: "draw a key for",
                    path: layout.folder.clone(),
                    source,
                })?;
                Segment::create(disk, layout, key, &inventory)?
            }
        };
        Ok(Self {
            layout: layout.clone(),
            boot: disk.boot_id(),
            options,
            position: segment.records_start(),
            inventory: segment.header().inventory(),
            segment,
            records: Vec::new(),
            image: Vec::new(),
            foreign: Vec::new(),
            synced: 0,
        })
    }

    /// Brings ledger and head together after whatever ended the last writer.
    fn recover(&mut self, servers: &D::File, head: &D::File) -> Result<(), LedgerError> {
        self.segment.read_on(&mut self.position, &mut self.inventory, u64::MAX)?;
        self.segment.sync()?;
        self.turn(servers, head, &mut |_| {})?;
        self.rest(servers, head)
    }

    fn turn(
        &mut self,
        servers: &D::File,
        head: &D::File,
        decide: &mut dyn FnMut(&mut Draft<'_>),
    ) -> Result<Stock, LedgerError> {
        self.learn_news(servers, head)?;
        self.segment.reserve(self.position, TURN_BYTES_MAX)?;
        let bytes = reader::read_bytes(&self.layout.head, head)?;
        let as_left = bytes == self.image;
        if !as_left {
            self.adopt(servers, &bytes)?;
        }
        let now_ms = (self.options.now_ms)();
        let mut records = mem::take(&mut self.records);
        decide(&mut Draft::new(&mut self.inventory, &mut records, now_ms));
        if !as_left || !records.is_empty() {
            self.segment.append(&mut self.position, &mut records, self.options.synced)?;
            self.publish(servers, head, bytes.len())?;
        }
        self.records = records;
        Ok(self.inventory.stock())
    }

    /// Folds the records that other processes have appended, and drops what a crash tore.
    fn learn_news(&mut self, servers: &D::File, head: &D::File) -> Result<(), LedgerError> {
        if !self.segment.has_more(self.position)? {
            return Ok(());
        }
        let ending = self.segment.read_on(&mut self.position, &mut self.inventory, u64::MAX)?;
        let revision = self.inventory.stock().revision;
        let mark = Mark::read(servers);
        // A writer that set the mark had synced before.
        if mark.boot != self.boot || mark.applied < revision {
            self.segment.sync()?;
        }
        if ending == Ending::Broken {
            self.refuse_a_head_ahead(&reader::read_bytes(&self.layout.head, head)?)?;
            let dropped = self.segment.drop_torn_tail(self.position, revision + 1)?;
            let path = self.segment.path().display();
            tracing::warn!("{path}: dropped a torn tail of {dropped} bytes");
        }
        Ok(())
    }

    fn refuse_a_head_ahead(&self, bytes: &[u8]) -> Result<Head, LedgerError> {
        let head = reader::parse(&self.layout.head, bytes)?;
        let ledger = self.inventory.stock().revision;
        match head.revision {
            Some(revision) if revision > ledger => Err(LedgerError::HeadAhead {
                path: self.layout.head.clone(),
                folder: self.layout.folder.clone(),
                head: revision,
                ledger,
            }),
            _ => Ok(head),
        }
    }

    /// Takes over what somebody outside wrote into the head, if anybody did.
    fn adopt(&mut self, servers: &D::File, bytes: &[u8]) -> Result<(), LedgerError> {
        let head = self.refuse_a_head_ahead(bytes)?;
        let longest = Stock { remaining: u64::MAX, sold: u64::MAX, revision: u64::MAX };
        if Head::of(longest, head.foreign.clone()).image(bytes.len()).is_none() {
            return Err(LedgerError::HeadFull { path: self.layout.head.clone() });
        }
        if let Some(OutsideChange { remaining, sold }) = self.outside_change(servers, &head)? {
            let was = self.inventory.stock().remaining;
            let path = self.layout.head.display();
            tracing::info!("{path}: somebody outside changed the count from {was} to {remaining}");
            let now_ms = (self.options.now_ms)();
            self.records.push(self.inventory.adjust(remaining, sold, now_ms));
        }
        self.foreign = head.foreign;
        Ok(())
    }

    fn outside_change(
        &self,
        servers: &D::File,
        head: &Head,
    ) -> Result<Option<OutsideChange>, LedgerError> {
        let now = self.inventory.stock();
        let mark = Mark::read(servers);
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

    /// The stocks at the revisions `from` to `to`, as far back as the segment goes.
    fn stocks(&self, from: u64, to: u64) -> Result<Vec<Stock>, LedgerError> {
        let now = self.inventory.stock();
        if from >= now.revision {
            return Ok(vec![now]);
        }
        let mut inventory = self.segment.header().inventory();
        let mut position = self.segment.records_start();
        let mut stocks = Vec::new();
        for revision in from.max(inventory.stock().revision)..=to {
            self.segment.read_on(&mut position, &mut inventory, revision)?;
            stocks.push(inventory.stock());
        }
        Ok(stocks)
    }

    /// Writes the head, and the mark behind it.
    fn publish(
        &mut self,
        servers: &D::File,
        head: &D::File,
        on_disk: usize,
    ) -> Result<(), LedgerError> {
        let stock = self.inventory.stock();
        let path = &self.layout.head;
        let image = Head::of(stock, self.foreign.clone()).image(on_disk);
        self.image = image.ok_or_else(|| LedgerError::HeadFull { path: path.clone() })?;
        if self.image.len() > on_disk {
            // IMPORTANT: a power cut may keep the new text and the old length,
            // so the file gets its length first, while the text ends before it.
            let spaces = vec![b' '; self.image.len() - on_disk];
            let lengthened = head.write_at(&spaces, on_disk as u64).and_then(|()| head.sync());
            lengthened.map_err(|source| commit("lengthen", path, source))?;
        }
        // IMPORTANT: only now, behind the sync: a head must never be ahead of the ledger.
        head.write_at(&self.image, 0).map_err(|source| commit("write", path, source))?;
        self.write_mark(servers)
    }

    /// Syncs the head, so that after a power cut no older one is believed to have been read.
    fn rest(&mut self, servers: &D::File, head: &D::File) -> Result<(), LedgerError> {
        let revision = self.inventory.stock().revision;
        if self.synced == revision && Mark::read(servers).synced >= revision {
            return Ok(());
        }
        let path = self.layout.head.clone();
        head.sync().map_err(|source| commit("sync", &path, source))?;
        self.synced = revision;
        self.write_mark(servers)?;
        servers.sync().map_err(|source| commit("sync", &self.layout.lock, source))
    }

    fn write_mark(&self, servers: &D::File) -> Result<(), LedgerError> {
        let applied = self.inventory.stock().revision;
        let mark = Mark { boot: self.boot.clone(), applied, synced: self.synced };
        let path = &self.layout.lock;
        servers.write_at(&mark.image(), 0).map_err(|source| commit("write", path, source))
    }
}

fn commit(action: &'static str, path: &Path, source: io::Error) -> LedgerError {
    LedgerError::Commit { action, path: path.to_owned(), source }
}

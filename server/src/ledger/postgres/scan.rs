//! Reading all of a ledger in PostgreSQL, and holding what else is kept of it against the records.
//!
//! What was acknowledged does not change any more, so nobody is kept from selling: the snapshots are read first, then
//! the head, and the records up to there and beyond.

use tokio::runtime::{self, Runtime};
use tokio_postgres::{Row, types::ToSql};

use crate::{
    domain::{Inventory, Record, Stock},
    ledger::{
        Fault, Overview, Scan, agree,
        format::base::Base,
        postgres::{
            address::Address,
            batch::Place,
            error::PostgresError,
            loading::restored,
            records::{bigint, number, record, revision},
            session::{CounterId, Database, Session, Surroundings},
        },
    },
};

/// How many records are read at once.
const RECORDS_MAX: i64 = 10_000;

/// The snapshots, the first of which says what the ledger begins with.
const SNAPSHOTS: &str = "SELECT revision, writer, base FROM ticket_counter.snapshot WHERE counter = $1 ORDER BY revision";

/// What stands on the counter, and which records there are: as of one moment.
const HEAD: &str = "\
    SELECT revision, checksum, count, held, sold, refunded, admitted, capacity, \
        (SELECT min(revision) FROM ticket_counter.record WHERE counter = $1), \
        (SELECT max(revision) FROM ticket_counter.record WHERE counter = $1) \
    FROM ticket_counter.counter WHERE id = $1";

/// The records behind a revision.
const RECORDS: &str = "\
    SELECT revision, line FROM ticket_counter.record WHERE counter = $1 AND revision > $2 AND revision <= $3 \
    ORDER BY revision LIMIT $4";

/// A ledger in PostgreSQL that is read from its first record on.
pub struct PostgresScan {
    runtime: Runtime,
    session: Session,
    counter: String,
    identity: CounterId,
    base: Base,
    head: Head,
    snapshots: Vec<(Base, Inventory)>,
    /// The revisions of the snapshots that are no sound ones.
    torn: Vec<u64>,
    /// Behind what was read.
    place: Place,
    records: u64,
}

/// The row of a counter.
#[derive(Clone, Copy, Debug)]
struct Head {
    stock: Stock,
    checksum: i64,
}

impl PostgresScan {
    /// Ahead of the first record of the counter at `address`.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn open(address: Address, surroundings: Surroundings) -> Result<Self, PostgresError> {
        let counter = address.counter.clone();
        let disagrees = |reason: &str| {
            let counter = counter.clone();
            PostgresError::Disagrees { counter, reason: reason.to_owned() }
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let database = Database::new(address, surroundings)?;
        let opened = runtime.block_on(async {
            let mut session = Session::connect(&database, 0, |_| {}).await?;
            let identity = session.find(database.address()).await?;
            let (mut snapshots, mut torn, mut first) = (Vec::new(), Vec::new(), None);
            for row in session.query(SNAPSHOTS, &[&identity.id]).await? {
                let (at, writer, text): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
                if first.is_none() {
                    let base = serde_json::from_str::<Base>(&text).ok();
                    first = Some(base.filter(|base| base.revision == number(at)));
                }
                let place = (at, writer);
                match restored(&mut session, &identity, place, &text, usize::MAX).await? {
                    Ok((inventory, base)) => snapshots.push((base, inventory)),
                    Err(_) => torn.push(number(at)),
                }
            }
            // IMPORTANT: only now: a snapshot is never ahead of the head that is read behind it.
            let head = session.query(HEAD, &[&identity.id]).await?.pop();
            Ok::<_, PostgresError>((session, identity, snapshots, torn, first, head))
        });
        let (session, identity, snapshots, torn, first, head) = opened?;
        let gone = || PostgresError::Replaced { counter: counter.clone() };
        let row = head.ok_or_else(gone)?;
        let head = head_in(&row);
        let ends =
            (row.get::<_, Option<i64>>(8).map(number), row.get::<_, Option<i64>>(9).map(number));
        let base = first.flatten().filter(|base| base.key == identity.key && base.is_possible());
        let base = base.filter(|base| ends.0.is_none_or(|first| first == base.revision + 1));
        let base = base.ok_or_else(|| disagrees("what its records begin with is missing"))?;
        if snapshots.is_empty() {
            return Err(disagrees(
                "none of its snapshots is sound, and without one it is not opened",
            ));
        }
        if let Some(last) = ends.1.filter(|last| *last > head.stock.revision) {
            let at = head.stock.revision;
            return Err(disagrees(&format!("it is at revision `{at}`, and has a record `{last}`")));
        }
        if snapshots.iter().any(|(at, _)| at.revision > head.stock.revision) {
            return Err(disagrees("a snapshot is of a later record than it is at"));
        }
        let place = Place { stock: base.stock(), checksum: base.after, at_ms: base.at_ms };
        if head.stock.revision == base.revision && head.checksum != i64::from(base.after) {
            return Err(disagrees("its checksum is not that of what its records begin with"));
        }
        let records = 0;
        Ok(Self {
            runtime,
            session,
            counter,
            identity,
            base,
            head,
            snapshots,
            torn,
            place,
            records,
        })
    }

    fn disagrees(&self, reason: &str) -> PostgresError {
        PostgresError::Disagrees { counter: self.counter.clone(), reason: reason.to_owned() }
    }

    fn read_some(&mut self, last: u64) -> Result<Vec<Record>, PostgresError> {
        let (from, to) = (bigint(self.place.stock.revision), bigint(last));
        let Self { runtime, session, identity, .. } = self;
        let values: [&(dyn ToSql + Sync); 4] = [&identity.id, &from, &to, &RECORDS_MAX];
        let rows = runtime.block_on(session.query(RECORDS, &values))?;
        let next = self.place.stock.revision + 1;
        if rows.is_empty() && next <= last.min(self.head.stock.revision) {
            return Err(PostgresError::damaged(next, "it is missing"));
        }
        rows.iter().map(|row| self.take(row)).collect()
    }

    /// Checks the row that was read next.
    fn take(&mut self, row: &Row) -> Result<Record, PostgresError> {
        let (found, next) = (revision(row, 0), self.place.stock.revision + 1);
        if found != next {
            return Err(PostgresError::damaged(next, "it is missing"));
        }
        let (record, checksum) = record(row.get(1), found, self.place.checksum)?;
        let stock = self.place.stock.after(&record);
        let stock = stock.map_err(|fault| PostgresError::damaged(found, &fault))?;
        self.place = Place { stock, checksum, at_ms: record.at_ms };
        self.records += 1;
        if found == self.head.stock.revision && i64::from(checksum) != self.head.checksum {
            return Err(self.disagrees("its checksum is not that of the last record"));
        }
        if self.snapshots.iter().any(|(at, _)| at.revision == found && at.after != checksum) {
            let reason = format!("the snapshot at revision `{found}` is not of the record there");
            return Err(self.disagrees(&reason));
        }
        Ok(record)
    }
}

impl Scan for PostgresScan {
    fn base(&self) -> &Base {
        &self.base
    }

    fn read_on(&mut self, last: u64) -> Result<Vec<Record>, Fault> {
        Ok(self.read_some(last)?)
    }

    fn compare(&mut self, folded: &Inventory) -> Result<(), Fault> {
        let stock = folded.stock();
        // Whether the sale is closed, and which life of the ledger it is, its row does not say.
        let Stock { is_closed, epoch, .. } = stock;
        if self.head.stock.revision == stock.revision
            && (Stock { is_closed, epoch, ..self.head.stock }) != stock
        {
            let Stock { remaining, held, issued, .. } = self.head.stock;
            let reason = format!(
                "it says `{remaining}` left, `{held}` held and `{issued}` sold, and the records come to `{}`, `{}` \
                 and `{}`",
                stock.remaining, stock.held, stock.issued
            );
            return Err(self.disagrees(&reason).into());
        }
        let wrong = self
            .snapshots
            .iter()
            .find(|(at, kept)| at.revision == stock.revision && !agree(kept, folded));
        match wrong {
            Some((at, _)) => {
                let reason = format!(
                    "the snapshot at revision `{}` is not what the records come to",
                    at.revision
                );
                Err(self.disagrees(&reason).into())
            }
            None => Ok(()),
        }
    }
}

impl Overview for PostgresScan {
    fn head(&self) -> String {
        let Stock { remaining, issued, revision, .. } = self.head.stock;
        format!("{{\"count\": {remaining}, \"sold\": {issued}, \"revision\": {revision}}}")
    }

    fn last(&self) -> u64 {
        self.head.stock.revision
    }

    fn pieces(&self) -> String {
        let snapshots = self.snapshots.len();
        format!("{snapshots} {}", if snapshots == 1 { "snapshot" } else { "snapshots" })
    }

    fn notes(&self) -> Vec<String> {
        let torn = |at| {
            format!("the snapshot at revision {at} is torn: the next start reads more in its place")
        };
        self.torn.iter().map(torn).collect()
    }
}

fn head_in(row: &Row) -> Head {
    let at = |column| number(row.get(column));
    let stock = Stock {
        remaining: at(2),
        held: at(3),
        issued: at(4),
        refunded: at(5),
        admitted: at(6),
        capacity: at(7),
        is_closed: false,
        epoch: 0,
        revision: revision(row, 0),
    };
    Head { stock, checksum: row.get(1) }
}

//! The one face of a counter: what is asked of it, and what it answers or refuses.
//!
//! Behind it stands the group commit or a seller of the lesson; who asks need not know which.
//! What a client may read of a refusal is seen to here: no text names the folder of the counter.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    counter::{
        EndedHolds, GroupCommit, Meters, Refusal, ReplyChannel,
        lesson::{LessonError, LessonSale, LessonSeller},
        meters::Ended,
        sales::{self, SaleRecord, SalesPage, SalesQuery},
    },
    domain::{Change, Command, Identity, Memory, Order, Outcome, Record, Request, Stock},
    ledger::{Archive, Cause, Summary},
};

/// How long a reading of the count is tried while somebody is writing it.
const READ_PATIENCE: Duration = Duration::from_millis(50);

/// How long a reader rests between two tries.
const READ_RETRY: Duration = Duration::from_millis(2);

/// Who sells.
pub enum Seller {
    /// The group commit.
    Group {
        /// Where requests wait.
        group: GroupCommit,
        /// Where the answers come back.
        channel: ReplyChannel,
        /// What is read beside the turns.
        archive: Arc<dyn Archive>,
        /// What it was asked of holds that nobody remembers.
        ended_holds: Arc<EndedHolds>,
    },
    /// A seller of the lesson.
    Lesson(LessonSeller),
}

/// A counter as one event loop sees it.
pub struct Counter {
    seller: Seller,
    meters: Arc<Meters>,
    /// The folder of the counter, as it begins a path: no client needs to know it.
    folder: String,
}

/// An outcome, and whether it was told before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The outcome; never [`Outcome::Repeated`].
    pub outcome: Outcome,
    /// Whether the request was a repetition, and this is the first answer again.
    pub is_repeated: bool,
}

/// The answer to a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purchase {
    /// The group commit's.
    Settled(Settled),
    /// A lesson's seller's, which knows no revisions.
    Lesson(LessonSale),
}

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many tickets are left.
    pub remaining: u64,
    /// How many were sold, and not refunded.
    pub sold: u64,
    /// How many are held.
    pub held: u64,
    /// How many were refunded.
    pub refunded: u64,
    /// How many were admitted.
    pub admitted: u64,
    /// How many ticket numbers were given out.
    pub issued: u64,
    /// How many tickets there are: left, held or sold.
    pub capacity: u64,
    /// `Conservation`: whether these add up.
    pub is_conserved: bool,
    /// Whether the sale is closed.
    pub is_closed: bool,
    /// The number of the last change, where it is known.
    pub revision: Option<u64>,
}

impl Counter {
    /// The counter in the file at `path`, from which `seller` sells; what it does is counted by `meters`.
    pub fn new(seller: Seller, path: &Path, meters: Arc<Meters>) -> Self {
        let folder =
            path.parent().map_or_else(String::new, |parent| format!("{}/", parent.display()));
        Self { seller, meters, folder }
    }

    /// How sales are kept apart, by the name on the command line.
    pub fn locking(&self) -> &'static str {
        match &self.seller {
            Seller::Group { .. } => "group",
            Seller::Lesson(seller) => seller.exclusion().name(),
        }
    }

    /// What a buyer must know before relying on it, if there is something.
    pub fn warning(&self) -> Option<&'static str> {
        match &self.seller {
            Seller::Group { .. } => None,
            Seller::Lesson(seller) => Some(seller.exclusion().warning()),
        }
    }

    /// Why nothing can be sold now, if so.
    pub fn obstacle(&self) -> Option<Refusal> {
        match &self.seller {
            Seller::Group { group, .. } => group.obstacle().map(|refusal| self.public(refusal)),
            Seller::Lesson(_) => None,
        }
    }

    /// Whether sales and holds have tokens.
    pub fn gives_tokens(&self) -> bool {
        matches!(self.seller, Seller::Group { .. })
    }

    /// What tokens are made from; `None` where there are none, or until the ledger was reached for the first time.
    pub fn identity(&self) -> Option<Identity> {
        match &self.seller {
            Seller::Group { archive, .. } => archive.identity(),
            Seller::Lesson(_) => None,
        }
    }

    /// Which life of the ledger this process has heard of last; 0 for the first.
    pub fn epoch(&self) -> u64 {
        match &self.seller {
            Seller::Group { group, .. } => group.stock().epoch,
            Seller::Lesson(_) => 0,
        }
    }

    /// How much of the room for the ledger is taken, from 0 to 1, where that has a limit that is known.
    pub fn room_taken(&self) -> Option<f64> {
        match &self.seller {
            Seller::Group { archive, .. } => archive.room_taken(),
            Seller::Lesson(_) => None,
        }
    }

    /// What is left as far as this process has heard, where nothing hints at changes beyond that.
    pub fn heard(&self) -> Option<Count> {
        let Seller::Group { group, archive, .. } = &self.seller else { return None };
        let known = group.stock();
        (!archive.may_have_news(known)).then(|| known.into())
    }

    /// What is left, where that can be told at once and without a turn.
    pub fn glance(&self) -> Option<Count> {
        let Seller::Group { group, archive, .. } = &self.seller else { return None };
        // IMPORTANT: first what this process knows, then the ledger: that is then never behind,
        // except where somebody outside put it back.
        let known = group.stock();
        archive.is_current(known).then(|| known.into())
    }

    /// What is left.
    ///
    /// # Errors
    /// A [`Refusal`] where the counter cannot be read.
    pub async fn count(&self) -> Result<Count, Refusal> {
        let (summary, known) = match &self.seller {
            Seller::Lesson(seller) => {
                let summary = patiently(|| seller.summary()).await.map_err(Refusal::from);
                (summary, Stock::default())
            }
            Seller::Group { group, channel, archive, .. } => {
                if let Some(count) = self.glance() {
                    return Ok(count);
                }
                // Another server sold, or somebody outside wrote the file or is about
                // to: a turn waits for the lock and learns what is left.
                let asked = group.ask(Command::Search.into(), channel).await;
                if let Ok(Outcome::Found(stock)) = asked {
                    return Ok((*stock).into());
                }
                // `NoStaleAnswer`: what was heard ahead of the question may be old by now.
                if !archive.is_read_anew() {
                    let refusal = match asked {
                        Err(Refusal::Unknown(cause)) => Refusal::NotSold(cause),
                        Err(refusal) => refusal,
                        Ok(_) => Refusal::NotSold("nobody knows what is left".into()),
                    };
                    return Err(self.public(refusal));
                }
                // Nobody can take a turn; what the ledger says in short is all that is known.
                let not_sold = |cause: Cause| Refusal::NotSold(cause.to_string().into());
                let summary = patiently(|| archive.summary()).await.map_err(not_sold);
                (summary, group.stock())
            }
        };
        let Summary { remaining, sold } = summary.map_err(|refusal| self.public(refusal))?;
        let issued = sold.unwrap_or(known.issued);
        let told = Stock { remaining, issued, ..known };
        let capacity = remaining + told.held + told.sold();
        Ok(Count { revision: None, ..Stock { capacity, ..told }.into() })
    }

    /// Sells, or says why not; a request whose `key` was seen gets the first answer again.
    ///
    /// The lesson's sellers remember nothing: to them a retry is a new request.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn buy(&self, order: Order, key: Option<Box<str>>) -> Result<Purchase, Refusal> {
        let bought = if let Seller::Lesson(seller) = &self.seller {
            let sale = seller.buy(order.quantity).await;
            sale.map(Purchase::Lesson).map_err(|error| self.public(error.into()))
        } else {
            self.settle(Request { command: Command::Buy(order), key }).await.map(Purchase::Settled)
        };
        self.meters.bought(ended(&bought));
        bought
    }

    /// What is kept of the past; nothing of what the lesson's sellers have done.
    pub fn memory(&self) -> Option<Memory> {
        match &self.seller {
            Seller::Group { group, .. } => Some(group.memory()),
            Seller::Lesson(_) => None,
        }
    }

    /// How many wait to be decided, or for their answer.
    pub fn waiting(&self) -> usize {
        match &self.seller {
            Seller::Group { group, .. } => group.waiting(),
            Seller::Lesson(_) => 0,
        }
    }

    /// Puts more tickets on sale; a request whose `key` was seen gets the first answer again.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn restock(&self, quantity: u64, key: Option<Box<str>>) -> Result<Settled, Refusal> {
        self.settle(Request { command: Command::Restock { quantity }, key }).await
    }

    /// Sets tickets aside for `seconds`; a request whose `key` was seen gets the first answer again.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn hold(
        &self,
        order: Order,
        seconds: u64,
        key: Option<Box<str>>,
    ) -> Result<Settled, Refusal> {
        self.settle(Request { command: Command::Hold { order, seconds }, key }).await
    }

    /// Sells what the hold made at the revision `hold` has set aside.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn confirm(&self, hold: u64) -> Result<Settled, Refusal> {
        self.settle(Command::Confirm { hold }.into()).await
    }

    /// Gives back what the hold made at the revision `hold` has set aside.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn release(&self, hold: u64) -> Result<Settled, Refusal> {
        self.settle(Command::Release { hold }.into()).await
    }

    /// Takes the tickets of `sale` back.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn refund(&self, sale: &SaleRecord) -> Result<Settled, Refusal> {
        self.settle(Command::Refund(sale.sold_before()).into()).await
    }

    /// Lets the holders of the tickets of `sale` in.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn admit(&self, sale: &SaleRecord) -> Result<Settled, Refusal> {
        self.settle(Command::Admit(sale.sold_before()).into()).await
    }

    /// Opens or closes the sale, for every server of the counter.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub async fn set_sale(&self, is_open: bool) -> Result<Settled, Refusal> {
        self.settle(Command::SetSale { is_open }.into()).await
    }

    /// The sale at `revision`, and what became of it; `None` where there is none.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] where it cannot be read just now.
    pub async fn sale(&self, revision: u64) -> Result<Option<SaleRecord>, Refusal> {
        let Seller::Group { group, .. } = &self.seller else { return Ok(None) };
        let record = self.record(revision).await?;
        let record = record.filter(|record| matches!(record.change, Change::Sold { .. }));
        let Some(record) = record else { return Ok(None) };
        // What other servers have refunded is learnt; where that cannot be, what is known is told.
        let _count = self.count().await;
        Ok(Some(SaleRecord { status: group.status(revision), record }))
    }

    /// The change at `revision`; `None` where the ledger does not have it.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] where it cannot be read just now.
    async fn record(&self, revision: u64) -> Result<Option<Record>, Refusal> {
        let Seller::Group { archive, .. } = &self.seller else { return Ok(None) };
        let found = Arc::clone(archive).records(revision, revision).await;
        found.map(|mut records| records.pop()).map_err(|cause| self.unreadable(&cause))
    }

    /// The sales that `query` asks for, as many as fit on a page.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] where they cannot be read just now.
    pub async fn sales(&self, query: &SalesQuery) -> Result<SalesPage, Refusal> {
        let Seller::Group { group, archive, .. } = &self.seller else {
            return Ok(SalesPage::default());
        };
        // What other servers have sold is learnt; where that cannot be, what is known is told.
        let _count = self.count().await;
        let page = sales::page(archive, query, group.stock().revision, |sale| group.status(sale));
        page.await.map_err(|cause| self.unreadable(&cause))
    }

    /// The refusal of one whose record cannot be read just now.
    fn unreadable(&self, cause: &Cause) -> Refusal {
        self.public(Refusal::Unknown(cause.to_string().into()))
    }

    /// Asks in the queue; a repeated request is answered from the ledger.
    async fn settle(&self, request: Request) -> Result<Settled, Refusal> {
        let Seller::Group { group, channel, archive, ended_holds } = &self.seller else {
            return Err(Refusal::NotSold("only `--locking group` can do that".into()));
        };
        // Kept only for the comparison: a request without a key is never repeated.
        let command = request.is_repeatable().then(|| request.command.clone());
        let outcome = group.ask(request, channel).await.map_err(|refusal| self.public(refusal))?;
        let first = match (&outcome, &command) {
            (Outcome::Repeated { revision }, _) => {
                let lost = "the first answer is not in the ledger any more";
                let first = self.record(*revision).await?;
                Some(first.ok_or_else(|| Refusal::Unknown(lost.into()))?)
            }
            (Outcome::HoldExpired, Some(Command::Confirm { hold } | Command::Release { hold })) => {
                let end = ended_holds.end_of(archive, *hold, group.stock().revision).await;
                end.map_err(|cause| self.unreadable(&cause))?
            }
            _ => None,
        };
        let Some(record) = first else { return Ok(Settled { outcome, is_repeated: false }) };
        match command.and_then(|command| record.answer_to(&command)) {
            Some(outcome) => {
                // Who comes too late for a hold is told by the record that ended it, and is not the one who made it.
                let is_repeated = record.outcome().as_ref() == Some(&outcome);
                if is_repeated {
                    self.meters.replayed();
                }
                Ok(Settled { outcome, is_repeated })
            }
            None => Err(Refusal::KeyReused),
        }
    }

    /// The refusal as a client may read it.
    fn public(&self, refusal: Refusal) -> Refusal {
        let public = |cause: Arc<str>| cause.replace(&self.folder, "").into();
        match refusal {
            Refusal::NotSold(cause) => Refusal::NotSold(public(cause)),
            Refusal::Unknown(cause) => Refusal::Unknown(public(cause)),
            other => other,
        }
    }
}

impl From<Stock> for Count {
    fn from(stock: Stock) -> Self {
        Self {
            remaining: stock.remaining,
            sold: stock.sold(),
            held: stock.held,
            refunded: stock.refunded,
            admitted: stock.admitted,
            issued: stock.issued,
            capacity: stock.capacity,
            is_conserved: stock.is_conserved(),
            is_closed: stock.is_closed,
            revision: Some(stock.revision),
        }
    }
}

/// How a purchase ended, as it is counted.
fn ended(bought: &Result<Purchase, Refusal>) -> Ended {
    match bought {
        Ok(Purchase::Settled(settled)) if settled.is_repeated => Ended::Replayed,
        Ok(Purchase::Settled(settled)) => match settled.outcome {
            Outcome::Sold(_) => Ended::Sold,
            Outcome::SoldOut { .. } => Ended::SoldOut,
            Outcome::SaleClosed => Ended::SaleClosed,
            Outcome::OverLimit { .. } => Ended::OverLimit,
            _ => Ended::Unknown,
        },
        Ok(Purchase::Lesson(LessonSale::Sold { .. })) => Ended::Sold,
        Ok(Purchase::Lesson(LessonSale::SoldOut { .. })) => Ended::SoldOut,
        Err(Refusal::LockTimeout { .. }) => Ended::LockTimeout,
        Err(Refusal::NotSold(_)) => Ended::NotSold,
        Err(Refusal::Overloaded) => Ended::Overloaded,
        Err(Refusal::ShuttingDown) => Ended::ShuttingDown,
        Err(Refusal::KeyReused) => Ended::KeyReused,
        Err(Refusal::Unknown(_)) => Ended::Unknown,
    }
}

/// Reads until that succeeds: somebody may be writing just now.
async fn patiently<T, E>(mut read: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let start = Instant::now();
    loop {
        match read() {
            Err(_) if start.elapsed() < READ_PATIENCE => sleep(READ_RETRY).await,
            read => return read,
        }
    }
}

impl From<LessonError> for Refusal {
    fn from(error: LessonError) -> Self {
        let cause = error.to_string().into();
        match error {
            LessonError::Head(_) | LessonError::OverLimit => Self::NotSold(cause),
            LessonError::LockTimeout { waited } => {
                Self::LockTimeout { waited, holders: Vec::new() }
            }
            LessonError::Write { .. } | LessonError::Stopped => Self::Unknown(cause),
        }
    }
}

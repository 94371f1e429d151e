//! What the routes sell from: the desk of the group commit, or a lesson's seller.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    config::Locking,
    counter::{
        GroupCommit, Refusal, ReplyChannel,
        lesson::{LessonError, LessonSale, LessonSeller, Section},
    },
    domain::{Change, Command, Order, Outcome, Record, Request, Stock},
    http::{
        problem::{Code, Problem},
        receipt::Seal,
        wire::{CountAnswer, ReceiptAnswer, SaleAnswer, SectionAnswer, StockAnswer, Tickets},
    },
    ledger::{
        Archive, by_whom,
        file::{disk::RealDisk, format::head::Head, reader::HeadReader},
    },
};

/// How long a reading of `db.txt` is tried while somebody is writing it.
const READ_PATIENCE: Duration = Duration::from_millis(50);

/// How long a reader rests between two tries.
const READ_RETRY: Duration = Duration::from_millis(2);

/// Who sells.
#[derive(Clone)]
pub enum Seller {
    /// The group commit.
    Group {
        /// Where requests wait.
        desk: GroupCommit,
        /// Makes the receipts.
        seal: Seal,
        /// Finds the sales that they are for.
        archive: Arc<dyn Archive>,
    },
    /// A seller of the lesson.
    Lesson(LessonSeller),
}

/// A counter as one event loop sees it.
pub struct Shop {
    seller: Seller,
    channel: ReplyChannel,
    locking: Locking,
    reader: Mutex<HeadReader<RealDisk>>,
    /// The folder of the counter, as it begins a path: no client needs to know it.
    folder: String,
}

impl Shop {
    /// The counter in the file at `path`; answers come through `channel`.
    pub fn new(seller: Seller, channel: ReplyChannel, locking: Locking, path: &Path) -> Self {
        let reader = Mutex::new(HeadReader::new(RealDisk, path));
        let folder =
            path.parent().map_or_else(String::new, |parent| format!("{}/", parent.display()));
        Self { seller, channel, locking, reader, folder }
    }

    /// How sales are kept apart.
    pub fn locking(&self) -> Locking {
        self.locking
    }

    /// Why nothing can be sold now, if so.
    pub fn obstacle(&self) -> Option<Problem> {
        match &self.seller {
            Seller::Group { desk, .. } => desk.obstacle().map(|refusal| self.refused(refusal)),
            Seller::Lesson(_) => None,
        }
    }

    /// What is left, where `db.txt` is as this process left it.
    pub fn glance(&self) -> Option<CountAnswer> {
        let Seller::Group { desk, .. } = &self.seller else { return None };
        // IMPORTANT: first what this process knows, then the file: the file is
        // then never behind, except where somebody outside put it back.
        let known = desk.stock();
        let is_explained = self.reader().read().is_ok_and(|head| is_explained(head, known));
        is_explained.then(|| self.count(known.remaining, known.sold, Some(known.revision)))
    }

    /// What is left, as `db.txt` says.
    ///
    /// # Errors
    /// A [`Problem`] where the file cannot be read.
    pub async fn look(&self) -> Result<CountAnswer, Problem> {
        if let Some(seen) = self.glance() {
            return Ok(seen);
        }
        let head = self.read_head().await;
        let Seller::Group { desk, .. } = &self.seller else {
            let head = head?;
            return Ok(self.count(head.count, head.sold.unwrap_or(0), None));
        };
        // Another server sold, or somebody outside wrote the file or is about
        // to: a turn waits for the lock and learns what is left.
        match (desk.ask(Command::Search.into(), &self.channel).await, head) {
            (Ok(Outcome::Found(stock)), _) => {
                Ok(self.count(stock.remaining, stock.sold, Some(stock.revision)))
            }
            // Nobody can take a turn; what the file says is all that is known.
            (_, Ok(head)) => {
                Ok(self.count(head.count, head.sold.unwrap_or(desk.stock().sold), None))
            }
            (_, Err(problem)) => Err(problem),
        }
    }

    fn count(&self, count: u64, sold: u64, revision: Option<u64>) -> CountAnswer {
        CountAnswer { count, sold, held: 0, revision, locking: self.locking.name() }
    }

    /// Sells, or says why not; a request whose `key` was seen gets the first answer again.
    ///
    /// The lesson's sellers remember nothing: to them a retry is a new request.
    ///
    /// # Errors
    /// A [`Problem`]: sold out, not sold, or unknown.
    pub async fn buy(
        &self,
        order: Order,
        key: Option<Box<str>>,
    ) -> Result<Answered<SaleAnswer>, Problem> {
        match &self.seller {
            Seller::Group { seal, .. } => {
                let request = Request { command: Command::Buy(order), key };
                let Answered { answer, replayed } = self.settle(request).await?;
                let answer = sold(answer, seal).map_err(|problem| problem.replayed(replayed))?;
                Ok(Answered { answer, replayed })
            }
            Seller::Lesson(seller) => {
                let quantity = order.quantity;
                let answer = self.lesson_sold(seller.buy(quantity).await, quantity)?;
                Ok(Answered { answer, replayed: false })
            }
        }
    }

    /// Puts more tickets on sale; a request whose `key` was seen gets the first answer again.
    ///
    /// # Errors
    /// A [`Problem`].
    pub async fn restock(
        &self,
        quantity: u64,
        key: Option<Box<str>>,
    ) -> Result<Answered<StockAnswer>, Problem> {
        if let Seller::Lesson(_) = &self.seller {
            let detail = "only `--locking group` can restock";
            return Err(Problem::new(Code::NotSold, detail));
        }
        let request = Request { command: Command::Restock { quantity }, key };
        let Answered { answer, replayed } = self.settle(request).await?;
        match answer {
            Outcome::Restocked { remaining, revision } => {
                Ok(Answered { answer: StockAnswer { remaining, revision }, replayed })
            }
            Outcome::OverLimit { remaining } => Err(over_limit(remaining)),
            outcome => Err(unexpected(&outcome)),
        }
    }

    /// The sale that `token` is the receipt of.
    ///
    /// # Errors
    /// A [`Problem`] for a token that this counter did not give out.
    pub async fn receipt(&self, token: &str) -> Result<ReceiptAnswer, Problem> {
        let unknown = || Problem::new(Code::NotFound, "this counter gave out no such receipt");
        let Seller::Group { seal, archive, .. } = &self.seller else { return Err(unknown()) };
        let revision = seal.revision(token).ok_or_else(unknown)?;
        let record = self.find(archive, revision).await?.ok_or_else(unknown)?;
        let (Change::Sold { buyer, .. }, Some(outcome)) = (&record.change, record.outcome()) else {
            return Err(unknown());
        };
        let buyer = buyer.as_deref().map(str::to_owned);
        let at_ms = record.at_ms;
        Ok(ReceiptAnswer { sale: sold(outcome, seal)?, buyer, at_ms, status: "sold" })
    }

    /// Asks at the desk; a repeated request is answered from the ledger.
    async fn settle(&self, request: Request) -> Result<Answered<Outcome>, Problem> {
        let Seller::Group { desk, archive, .. } = &self.seller else {
            return Err(Problem::new(Code::NotSold, "there is no desk"));
        };
        // Kept only for the comparison: a request without a key is never repeated.
        let command = request.key.is_some().then(|| request.command.clone());
        let answer =
            desk.ask(request, &self.channel).await.map_err(|refusal| self.refused(refusal))?;
        let Outcome::Repeated { revision } = answer else {
            return Ok(Answered { answer, replayed: false });
        };
        let record = self.find(archive, revision).await?;
        let lost = || Problem::new(Code::NotSold, "the first answer is not in the ledger any more");
        let record = record.ok_or_else(lost)?;
        match record.outcome() {
            Some(answer) if command.is_some_and(|command| record.answers(&command)) => {
                Ok(Answered { answer, replayed: true })
            }
            _ => {
                let detail = "this `Idempotency-Key` came with another request before";
                Err(Problem::new(Code::KeyReused, detail))
            }
        }
    }

    async fn read_head(&self) -> Result<Head, Problem> {
        let start = Instant::now();
        loop {
            let error = match self.reader().read() {
                Ok(head) => return Ok(head.clone()),
                Err(error) => error,
            };
            if start.elapsed() >= READ_PATIENCE {
                return Err(self.not_sold(&error));
            }
            sleep(READ_RETRY).await;
        }
    }

    async fn find(
        &self,
        archive: &Arc<dyn Archive>,
        revision: u64,
    ) -> Result<Option<Record>, Problem> {
        Arc::clone(archive).record(revision).await.map_err(|error| self.not_sold(&error))
    }

    fn lesson_sold(
        &self,
        sale: Result<LessonSale, LessonError>,
        quantity: u64,
    ) -> Result<SaleAnswer, Problem> {
        match sale {
            Ok(LessonSale::Sold { first_ticket, remaining, section }) => Ok(SaleAnswer {
                tickets: Tickets { first: first_ticket, quantity },
                remaining,
                revision: None,
                receipt: None,
                section: Some(section.into()),
            }),
            Ok(LessonSale::SoldOut { remaining, section }) => {
                let section = json!(SectionAnswer::from(section));
                Err(sold_out(quantity, remaining, None).with("section", section))
            }
            Err(error @ (LessonError::Head(_) | LessonError::OverLimit)) => {
                Err(self.not_sold(&error))
            }
            Err(error @ LessonError::LockTimeout { .. }) => {
                Err(Problem::new(Code::LockTimeout, error.to_string()))
            }
            Err(error @ (LessonError::Write { .. } | LessonError::Stopped)) => {
                Err(Problem::new(Code::OutcomeUnknown, self.public(&error)))
            }
        }
    }

    fn refused(&self, refusal: Refusal) -> Problem {
        match refusal {
            Refusal::LockTimeout { waited, holders } => {
                let by = by_whom(&holders);
                let detail = format!("the counter was locked{by} for {} ms", waited.as_millis());
                Problem::new(Code::LockTimeout, detail)
            }
            Refusal::NotSold(cause) => self.not_sold(&cause),
            Refusal::Overloaded => Problem::new(Code::Overloaded, "too many requests wait already"),
            Refusal::ShuttingDown => Problem::new(Code::ShuttingDown, "the server is about to end"),
            Refusal::Unknown(cause) => Problem::new(Code::OutcomeUnknown, self.public(&cause)),
        }
    }

    fn not_sold(&self, cause: &impl ToString) -> Problem {
        Problem::new(Code::NotSold, self.public(cause))
    }

    /// What a client may read of `cause`: where the counter stands is nobody's business.
    fn public(&self, cause: &impl ToString) -> String {
        cause.to_string().replace(&self.folder, "")
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, HeadReader<RealDisk>> {
        // A reader that panicked reads anew: it keeps nothing half done.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer, and whether it was given before.
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// Whether it is the repetition of an earlier one.
    pub replayed: bool,
}

impl From<Section> for SectionAnswer {
    fn from(Section { read_ns, write_ns }: Section) -> Self {
        Self { read_ns, write_ns }
    }
}

/// Whether `head` says what this server knows.
fn is_explained(head: &Head, known: Stock) -> bool {
    let Stock { remaining, sold, revision } = known;
    (head.count, head.sold, head.revision) == (remaining, Some(sold), Some(revision))
}

fn sold(outcome: Outcome, seal: &Seal) -> Result<SaleAnswer, Problem> {
    match outcome {
        Outcome::Sold(sale) => Ok(SaleAnswer {
            tickets: Tickets { first: sale.first_ticket, quantity: sale.quantity },
            remaining: sale.remaining,
            revision: Some(sale.revision),
            receipt: Some(seal.token(sale.revision)),
            section: None,
        }),
        Outcome::SoldOut { requested, remaining, revision } => {
            Err(sold_out(requested, remaining, Some(revision)))
        }
        Outcome::OverLimit { remaining } => Err(over_limit(remaining)),
        outcome => Err(unexpected(&outcome)),
    }
}

fn sold_out(requested: u64, remaining: u64, revision: Option<u64>) -> Problem {
    Problem::new(Code::SoldOut, format!("{requested} asked for, {remaining} left"))
        .with("requested", requested)
        .with("remaining", remaining)
        .with("revision", revision)
}

fn over_limit(remaining: u64) -> Problem {
    let detail = format!("with {remaining} left, a number would pass {}", crate::domain::COUNT_MAX);
    Problem::new(Code::InvalidRequest, detail)
}

fn unexpected(outcome: &Outcome) -> Problem {
    Problem::new(Code::OutcomeUnknown, format!("the counter answered with {outcome:?}"))
}

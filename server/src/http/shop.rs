//! What the routes sell from: the desk of the group commit, or a lesson's seller.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    config::Locking,
    desk::{Desk, Mailbox, Refusal},
    domain::{Command, Order, Outcome, Stock},
    http::{
        problem::{Code, Problem},
        receipt::Seal,
        wire::{CountAnswer, SaleAnswer, StockAnswer},
    },
    ledger::{
        by_whom,
        file::{
            head::Head,
            reader::{HeadError, HeadReader},
            real_disk::RealDisk,
        },
    },
    naive::{NaiveError, NaiveSale, NaiveSeller},
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
        desk: Arc<Desk>,
        /// Makes the receipts.
        seal: Seal,
    },
    /// A seller of the lesson.
    Lesson(NaiveSeller),
}

/// A counter as one event loop sees it.
pub struct Shop {
    seller: Seller,
    mailbox: Mailbox,
    locking: Locking,
    reader: Mutex<HeadReader<RealDisk>>,
}

impl Shop {
    /// The counter in the file that `reader` reads; answers come through `mailbox`.
    pub fn new(
        seller: Seller,
        mailbox: Mailbox,
        locking: Locking,
        reader: HeadReader<RealDisk>,
    ) -> Self {
        Self { seller, mailbox, locking, reader: Mutex::new(reader) }
    }

    /// How sales are kept apart.
    pub fn locking(&self) -> Locking {
        self.locking
    }

    /// Why nothing can be sold any more, if so.
    pub fn closed(&self) -> Option<Problem> {
        match &self.seller {
            Seller::Group { desk, .. } => desk.closed().map(refused),
            Seller::Lesson(_) => None,
        }
    }

    /// What is left, as `db.txt` says.
    ///
    /// # Errors
    /// A [`Problem`] where the file cannot be read.
    pub async fn look(&self) -> Result<CountAnswer, Problem> {
        // IMPORTANT: first what this process knows, then the file: the file is
        // then never behind, except where somebody outside put it back.
        let known = match &self.seller {
            Seller::Group { desk, .. } => Some((desk, desk.stock())),
            Seller::Lesson(_) => None,
        };
        let head = self.read_head().await?;
        let answer = |count, sold, revision| CountAnswer {
            count,
            sold,
            held: 0,
            revision,
            locking: self.locking.name(),
        };
        let Some((desk, known)) = known else {
            return Ok(answer(head.count, head.sold.unwrap_or(0), None));
        };
        if let Some(Stock { remaining, sold, revision }) = explained(&head, known) {
            return Ok(answer(remaining, sold, Some(revision)));
        }
        // Somebody outside wrote the file: a turn makes it part of the ledger.
        match desk.ask(Command::Search, &self.mailbox).await {
            Ok(Outcome::Found(stock)) => {
                Ok(answer(stock.remaining, stock.sold, Some(stock.revision)))
            }
            // The outsider holds the lock still; what it wrote is all that is known.
            _ => Ok(answer(head.count, head.sold.unwrap_or(known.sold), None)),
        }
    }

    /// Sells, or says why not.
    ///
    /// # Errors
    /// A [`Problem`]: sold out, not sold, or unknown.
    pub async fn buy(&self, order: Order) -> Result<SaleAnswer, Problem> {
        match &self.seller {
            Seller::Group { desk, seal } => {
                let outcome = desk.ask(Command::Buy(order), &self.mailbox).await;
                sold(outcome.map_err(refused)?, seal)
            }
            Seller::Lesson(seller) => {
                let quantity = order.quantity;
                naively_sold(seller.buy(quantity).await, quantity)
            }
        }
    }

    /// Puts more tickets on sale.
    ///
    /// # Errors
    /// A [`Problem`].
    pub async fn restock(&self, quantity: u64) -> Result<StockAnswer, Problem> {
        let Seller::Group { desk, .. } = &self.seller else {
            let detail = "only `--locking group` can restock";
            return Err(Problem::new(Code::NotSold, detail));
        };
        let outcome = desk.ask(Command::Restock { quantity }, &self.mailbox).await;
        match outcome.map_err(refused)? {
            Outcome::Restocked(Stock { remaining, revision, .. }) => {
                Ok(StockAnswer { remaining, revision })
            }
            Outcome::OverLimit { remaining } => Err(over_limit(remaining)),
            outcome => Err(unexpected(&outcome)),
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
                return Err(unreadable(&error));
            }
            sleep(READ_RETRY).await;
        }
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, HeadReader<RealDisk>> {
        // A reader that panicked reads anew: it keeps nothing half done.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `head` says, where a server wrote it: this one, or since then another one.
fn explained(head: &Head, known: Stock) -> Option<Stock> {
    let found = Stock { remaining: head.count, sold: head.sold?, revision: head.revision? };
    (found == known || found.revision > known.revision).then_some(found)
}

fn sold(outcome: Outcome, seal: &Seal) -> Result<SaleAnswer, Problem> {
    match outcome {
        Outcome::Sold(sale) => Ok(SaleAnswer {
            tickets: (sale.first_ticket..sale.first_ticket + sale.quantity).collect(),
            remaining: sale.remaining,
            revision: Some(sale.revision),
            receipt: Some(seal.token(sale.revision)),
        }),
        Outcome::SoldOut { requested, remaining, revision } => {
            Err(sold_out(requested, remaining, Some(revision)))
        }
        Outcome::OverLimit { remaining } => Err(over_limit(remaining)),
        outcome => Err(unexpected(&outcome)),
    }
}

fn naively_sold(sale: Result<NaiveSale, NaiveError>, quantity: u64) -> Result<SaleAnswer, Problem> {
    match sale {
        Ok(NaiveSale::Sold { first_ticket, remaining }) => Ok(SaleAnswer {
            tickets: (first_ticket..first_ticket + quantity).collect(),
            remaining,
            revision: None,
            receipt: None,
        }),
        Ok(NaiveSale::SoldOut { remaining }) => Err(sold_out(quantity, remaining, None)),
        Err(error @ NaiveError::Head(_)) => Err(Problem::new(Code::NotSold, error.to_string())),
        Err(error @ NaiveError::LockTimeout { .. }) => {
            Err(Problem::new(Code::LockTimeout, error.to_string()))
        }
        Err(error @ (NaiveError::Write { .. } | NaiveError::Stopped)) => {
            Err(Problem::new(Code::OutcomeUnknown, error.to_string()))
        }
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

fn unreadable(error: &HeadError) -> Problem {
    Problem::new(Code::NotSold, error.to_string())
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::LockTimeout { waited, holders } => {
            let by = by_whom(&holders);
            let detail = format!("the counter was locked{by} for {} ms", waited.as_millis());
            Problem::new(Code::LockTimeout, detail)
        }
        Refusal::NotSold(cause) => Problem::new(Code::NotSold, &*cause),
        Refusal::Overloaded => Problem::new(Code::Overloaded, "too many requests wait already"),
        Refusal::ShuttingDown => Problem::new(Code::ShuttingDown, "the server is about to end"),
        Refusal::Unknown(cause) => Problem::new(Code::OutcomeUnknown, &*cause),
    }
}

//! One run with real servers: clients buy from servers that have a counter each, and a driver puts on sale there what
//! it draws from a counter for all of them, as [`Allotment`] says.
//!
//! Whoever is told "sold out" waits as long as more may come. The first who need not wait any more ends the run; what
//! is left anywhere is then bought, and put back on the counter for all.
//!
//! # Invariants
//! - `Conservation`: every ticket is sold once, brought back, or was never drawn.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::{
    runtime,
    sync::{Mutex, watch},
    task::JoinSet,
    time::timeout,
};

use super::{
    model::{Allotment, Draw},
    order::Order,
};
use crate::{
    load::{Client, rate},
    protocol::http,
};

/// The operator's token at all servers.
pub(super) const TOKEN: &str = "the-bench-draws-tickets-from-here";

/// The most tickets of an order that a server can allow.
pub(super) const ORDER_MAX: u64 = 1000;

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(600);

/// What is sold, and by whom.
pub(super) struct Shop {
    /// The servers that clients ask.
    pub(super) servers: Vec<SocketAddr>,
    /// Of each server.
    pub(super) clients: usize,
    /// All tickets: on the counter for all, or the same number at each server where nothing is drawn.
    pub(super) tickets: u64,
    /// The server of the counter for all, and how is drawn from it.
    pub(super) draws: Option<(SocketAddr, Allotment)>,
}

/// What a run came to.
pub(super) struct Run {
    /// Sales a second, until the first client was told that there are no tickets.
    pub(super) rate_rps: f64,
    /// How the tickets' numbers go with the order of the sales.
    pub(super) order: Order,
    /// How many tickets were not sold when a client was told first that there are none.
    pub(super) stranded: u64,
    /// How long the draws took, one after the other.
    pub(super) draws: Vec<Draw>,
    /// How long it took to bring back what was left.
    pub(super) return_ms: f64,
}

/// What a server has, by the newest answer of it.
#[derive(Clone, Copy, Default)]
struct Stock {
    revision: u64,
    left: u64,
    /// Nothing more comes.
    is_last: bool,
    is_over: bool,
}

/// What clients and driver tell each other.
struct Board {
    allotment: Option<Allotment>,
    /// What is left on the counter for all.
    counter: AtomicU64,
    stocks: Vec<watch::Sender<Stock>>,
    over: OnceLock<Instant>,
}

/// The sales of a server: the number there, and when a client was told.
type Sold = Vec<(u64, Instant)>;

/// What a server was given, draw by draw: the number of the first ticket, and how many.
type Drawn = Vec<(u64, u64)>;

/// Sells all that `shop` has.
///
/// # Errors
/// An answer that nobody expects, or a ticket that was not sold once.
pub(super) fn run(shop: &Shop) -> anyhow::Result<Run> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let ran = runtime.block_on(async { timeout(LIMIT, sell(shop)).await });
    ran.with_context(|| format!("not done after {LIMIT:?}"))?
}

async fn sell(shop: &Shop) -> anyhow::Result<Run> {
    let board = Arc::new(Board::new(shop));
    let mut clients = Vec::new();
    for (at, server) in shop.servers.iter().enumerate() {
        let protocol = Arc::new(http::buy(*server));
        for _ in 0..shop.clients {
            clients.push((at, Client::connect(*server, Arc::clone(&protocol)).await?));
        }
    }
    let mut drawers = Vec::new();
    if let Some((counter, _)) = &shop.draws {
        let counter = Counter { address: *counter, at: buying(*counter).await? };
        let counter = Arc::new(Mutex::new(counter));
        for (at, server) in shop.servers.iter().enumerate() {
            drawers.push((at, *server, stocking(*server).await?, Arc::clone(&counter)));
        }
    }
    let begun = Instant::now();
    let mut drawing = JoinSet::new();
    for (at, server, shelf, counter) in drawers {
        drawing.spawn(draw(at, Arc::clone(&board), counter, (server, shelf)));
    }
    let mut asking = JoinSet::new();
    for (at, client) in clients {
        asking.spawn(buy(at, Arc::clone(&board), client));
    }
    let mut sold = vec![Sold::new(); shop.servers.len()];
    while let Some(ended) = asking.join_next().await {
        let (at, sales) = ended??;
        sold[at].extend(sales);
    }
    let mut drawn = own(shop);
    let mut draws = Vec::new();
    while let Some(ended) = drawing.join_next().await {
        let (at, tickets, took) = ended??;
        draws.extend(tickets.iter().map(|(first, _)| *first).zip(took));
        drawn[at] = tickets;
    }
    // As the counter gave them.
    draws.sort_unstable_by_key(|(first, _)| *first);
    let ending = Instant::now();
    let all: u64 = sold.iter().map(|sales| sales.len() as u64).sum();
    bring_back(shop, &board, all).await?;
    let return_ms = ending.elapsed().as_secs_f64() * 1e3;
    let over = *board.over.get().context("nobody was told that nothing is left")?;
    let told = told(sold, &drawn, over)?;
    Ok(Run {
        rate_rps: rate(told.len() as u64, over - begun),
        stranded: shop.tickets - told.len() as u64,
        order: Order::of(told),
        draws: draws.into_iter().map(|(_, draw)| draw).collect(),
        return_ms,
    })
}

/// What each server has where nothing is drawn.
fn own(shop: &Shop) -> Vec<Drawn> {
    let share = shop.tickets / shop.servers.len() as u64;
    let of = |at| vec![(share * at, share)];
    (0..shop.servers.len() as u64).map(of).collect()
}

/// The tickets in the order in which they were sold, up to `over`; `sold` has the sales of each server and `drawn`
/// which tickets those are.
fn told(sold: Vec<Sold>, drawn: &[Drawn], over: Instant) -> anyhow::Result<Vec<u64>> {
    let mut told = Vec::new();
    for (mut sales, drawn) in sold.into_iter().zip(drawn) {
        sales.sort_unstable();
        let mut tickets = drawn.iter().flat_map(|(first, count)| *first..first + count);
        let begin = told.len();
        for (place, (number, when)) in sales.into_iter().enumerate() {
            ensure!(number == place as u64 + 1, "{number} was sold as number {}", place + 1);
            let ticket = tickets.next().context("more was sold than was drawn")?;
            told.push((when, ticket));
        }
        // Whoever is told of a sale knows that those ahead of it are durable; answers may overtake each other.
        let mut earliest = None;
        for (when, _) in told[begin..].iter_mut().rev() {
            *when = earliest.map_or(*when, |earliest| (*when).min(earliest));
            earliest = Some(*when);
        }
    }
    told.retain(|(when, _)| *when <= over);
    told.sort_by_key(|(when, _)| *when);
    Ok(told.into_iter().map(|(_, ticket)| ticket).collect())
}

impl Board {
    fn new(shop: &Shop) -> Self {
        let allotment = shop.draws.map(|(_, allotment)| allotment);
        let own = allotment.is_none().then(|| shop.tickets / shop.servers.len() as u64);
        let (left, is_last) = (own.unwrap_or(0), own.is_some());
        let stock = Stock { left, is_last, ..Stock::default() };
        Self {
            allotment,
            counter: AtomicU64::new(if own.is_some() { 0 } else { shop.tickets }),
            stocks: shop.servers.iter().map(|_| watch::Sender::new(stock)).collect(),
            over: OnceLock::new(),
        }
    }

    /// How many tickets are drawn next for a server that has so many; `None` while it has enough.
    fn due(&self, has: u64) -> Option<u64> {
        let (left, servers) = (self.counter.load(Ordering::Relaxed), self.stocks.len());
        let allotment = self.allotment.filter(|some| some.is_due(has, left, servers))?;
        Some(allotment.count(left, servers))
    }

    /// Takes note of what an answer of the server `at` says.
    fn hear(&self, at: usize, answer: &[u8]) -> anyhow::Result<()> {
        let (revision, left) =
            (http::number(answer, "revision")?, http::number(answer, "remaining")?);
        self.stocks[at].send_if_modified(|stock| {
            if revision < stock.revision {
                return false;
            }
            let comes = left > stock.left;
            (stock.revision, stock.left) = (revision, left);
            comes || self.due(left).is_some()
        });
        Ok(())
    }

    /// Ends the run: a client was told that nothing is left.
    fn end(&self) {
        self.over.get_or_init(Instant::now);
        for stock in &self.stocks {
            stock.send_modify(|stock| stock.is_over = true);
        }
    }
}

/// Buys from the server `at`, one ticket after the other, until the run is over.
async fn buy(at: usize, board: Arc<Board>, mut client: Client) -> anyhow::Result<(usize, Sold)> {
    let (mut sold, mut news) = (Sold::new(), board.stocks[at].subscribe());
    while !news.borrow().is_over {
        let is_sold = client.ask().await?;
        let answer = client.received();
        if is_sold {
            sold.push((http::number(answer, "tickets")?, Instant::now()));
            board.hear(at, answer)?;
            continue;
        }
        let words = String::from_utf8_lossy(answer);
        ensure!(words.contains("/problems/sold-out"), "not sold: {words}");
        board.hear(at, answer)?;
        let may_go_on = |stock: &Stock| stock.is_over || stock.is_last || stock.left > 0;
        let stock = *news.wait_for(may_go_on).await?;
        if stock.left == 0 && stock.is_last {
            board.end();
        }
    }
    Ok((at, sold))
}

/// The way to the counter for all; who has it is the one who draws.
struct Counter {
    address: SocketAddr,
    at: Client,
}

/// Draws for the server `at` whenever that is due; gives the tickets, whose numbers begin at 0.
async fn draw(
    at: usize,
    board: Arc<Board>,
    counter: Arc<Mutex<Counter>>,
    (server, mut shelf): (SocketAddr, Client),
) -> anyhow::Result<(usize, Drawn, Vec<Draw>)> {
    let (mut drawn, mut draws, mut news) = (Drawn::new(), Vec::new(), board.stocks[at].subscribe());
    loop {
        news.wait_for(|stock| stock.is_over || board.due(stock.left).is_some()).await?;
        let mut counter = counter.lock().await;
        let stock = *news.borrow();
        if stock.is_over {
            return Ok((at, drawn, draws));
        }
        // Others may have drawn meanwhile.
        let Some(count) = board.due(stock.left) else { continue };
        if count == 0 {
            board.stocks[at].send_modify(|stock| stock.is_last = true);
            return Ok((at, drawn, draws));
        }
        let quantity = format!("{{\"quantity\":{count}}}");
        let asked = Instant::now();
        let order = http::post(counter.address, "/buy", None, &quantity);
        let answer = counter.at.insist(&order).await?;
        let first = http::number(answer, "tickets")? - 1;
        board.counter.store(http::number(answer, "remaining")?, Ordering::Relaxed);
        let counter_us = microseconds(asked.elapsed());
        drop(counter);
        drawn.push((first, count));
        let asked = Instant::now();
        let more = http::post(server, "/restock", Some(TOKEN), &quantity);
        board.hear(at, shelf.insist(&more).await?)?;
        draws.push(Draw { counter_us, shelf_us: microseconds(asked.elapsed()) });
    }
}

/// Takes what is left off sale at all servers, puts it back on the counter for all, and sees whether all is there that
/// was not `sold`.
async fn bring_back(shop: &Shop, board: &Board, sold: u64) -> anyhow::Result<()> {
    let mut left = 0;
    for (server, stock) in shop.servers.iter().zip(&board.stocks) {
        let mut rest = stock.borrow().left;
        left += rest;
        let mut client = buying(*server).await?;
        while rest > 0 {
            let quantity = format!("{{\"quantity\":{}}}", rest.min(ORDER_MAX));
            let answer = client.insist(&http::post(*server, "/buy", None, &quantity)).await?;
            rest = http::number(answer, "remaining")?;
        }
    }
    let undrawn = board.counter.load(Ordering::Relaxed);
    ensure!(
        sold + left + undrawn == shop.tickets,
        "{sold} sold, {left} brought back and {undrawn} not drawn, of {}",
        shop.tickets
    );
    if let Some((counter, _)) = shop.draws.filter(|_| left > 0) {
        let quantity = format!("{{\"quantity\":{left}}}");
        let back = http::post(counter, "/restock", Some(TOKEN), &quantity);
        let mut client = stocking(counter).await?;
        let remaining = http::number(client.insist(&back).await?, "remaining")?;
        ensure!(remaining == undrawn + left, "{remaining} are left, not {undrawn} and {left}");
    }
    Ok(())
}

fn microseconds(length: Duration) -> f64 {
    length.as_secs_f64() * 1e6
}

/// A connection for purchases.
async fn buying(server: SocketAddr) -> anyhow::Result<Client> {
    Client::connect(server, Arc::new(http::buy(server))).await
}

/// A connection for calls that are answered 200.
async fn stocking(server: SocketAddr) -> anyhow::Result<Client> {
    Client::connect(server, Arc::new(http::search(server))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_are_told_in_the_order_in_which_they_were_durable() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        // The second sale of the first server was told ahead of its first; the last one is told too late.
        let sold = vec![vec![(2, at(10)), (1, at(30))], vec![(1, at(20)), (2, at(50))]];
        let drawn = [vec![(0, 1), (4, 1)], vec![(1, 3)]];
        assert_eq!(told(sold, &drawn, at(40)).unwrap(), [0, 4, 1]);
    }

    #[test]
    fn a_ticket_that_was_sold_twice_or_was_not_drawn_is_found() {
        let now = Instant::now();
        let told = |numbers: &[u64]| {
            let sold = numbers.iter().map(|number| (*number, now)).collect();
            told(vec![sold], &[vec![(0, 2)]], now).map_err(|error| error.to_string())
        };
        assert_eq!(told(&[1, 2]), Ok(vec![0, 1]));
        assert_eq!(told(&[1, 1]).unwrap_err(), "1 was sold as number 2");
        assert_eq!(told(&[1, 3]).unwrap_err(), "3 was sold as number 2");
        assert_eq!(told(&[1, 2, 3]).unwrap_err(), "more was sold than was drawn");
    }
}

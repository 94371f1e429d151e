//! How many sales a second one hot counter takes, and what servers that draw allotments from it take: a simulation
//! of turns. Pure: it has no clock and no dice.
//!
//! One server appends what waits, as one batch; what came meanwhile goes into the next. Several servers on one
//! counter append one after the other: whoever leads goes on for a slice, and hands over. A server with an
//! allotment appends to a log of its own, which nobody else writes, and draws from the counter, one server after
//! the other, once it has no more than half of what it would draw; what it draws is on sale when the draw is through.
//!
//! What it leaves out: the machine. Where servers share cores or a disk, each is slower than alone.

use std::collections::VecDeque;

use super::order::Order;

/// What an engine's turns cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Engine {
    /// An append by itself, in microseconds.
    pub(super) turn_us: f64,
    /// Each sale in it.
    pub(super) sale_us: f64,
    /// From an answer to the client's next request.
    pub(super) client_us: f64,
}

/// Servers, and what they sell from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shop<'a> {
    pub(super) servers: usize,
    /// Of each server.
    pub(super) clients: usize,
    pub(super) tickets: u64,
    /// How many tickets a server draws at a time; `None` where all sell from the counter itself.
    pub(super) allotment: Option<Allotment>,
    /// How long draws take, one after the other, and from the first one again.
    pub(super) draws: &'a [Draw],
}

/// How servers draw from a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allotment {
    /// How many tickets at most.
    pub(super) size: u64,
    /// Whether no more than a server's share of half of what is left: else many are stranded at the end.
    pub(super) shrinks: bool,
}

/// How long a draw takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// For how long it keeps the counter from the next one, in microseconds.
    pub(super) counter_us: f64,
    /// How much later what was drawn is on sale.
    pub(super) shelf_us: f64,
}

impl Allotment {
    /// How many tickets one of `servers` draws where so many are `left` on the counter.
    pub(super) fn count(&self, left: u64, servers: usize) -> u64 {
        let share = left.div_ceil(2 * servers as u64);
        self.size.min(if self.shrinks { share } else { left })
    }

    /// Whether a server that has so many tickets, with those on their way to it, draws more.
    pub(super) fn is_due(&self, has: u64, left: u64, servers: usize) -> bool {
        has <= self.count(left, servers) / 2
    }
}

/// What a simulation came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sales {
    /// Sales a second, until the first client was told that there are no tickets.
    pub(super) rate_rps: f64,
    /// How many times a second a server drew.
    pub(super) draws_rps: f64,
    /// How the tickets' numbers go with the order of the sales.
    pub(super) order: Order,
    /// How many tickets other servers still had when a client was told first that there are none.
    pub(super) stranded: u64,
}

/// For how long one server leads where several sell from one counter, in microseconds.
const SLICE_US: f64 = 30_000.0;

/// For how many appends' time nobody appends as the lead is handed over.
const HANDOVER: f64 = 2.0;

/// A server of the simulation.
#[derive(Clone, Debug, Default)]
struct Server {
    /// When each of its clients comes, in the order in which they do.
    comes_us: VecDeque<f64>,
    /// When its log is free.
    free_us: f64,
    /// The tickets that it has, and those on their way to it, in the order in which they come.
    has: VecDeque<Drawn>,
}

/// Tickets that were drawn at once.
#[derive(Clone, Debug)]
struct Drawn {
    first: u64,
    behind: u64,
    on_sale_us: f64,
}

impl Server {
    /// What it has, and what is on its way to it.
    fn has(&self) -> u64 {
        self.has.iter().map(|drawn| drawn.behind - drawn.first).sum()
    }

    fn on_sale(&self, now_us: f64) -> u64 {
        let there = self.has.iter().take_while(|drawn| drawn.on_sale_us <= now_us);
        there.map(|drawn| drawn.behind - drawn.first).sum()
    }

    fn take(&mut self) -> Option<u64> {
        let drawn = self.has.front_mut()?;
        let ticket = drawn.first;
        drawn.first += 1;
        if drawn.first == drawn.behind {
            self.has.pop_front();
        }
        Some(ticket)
    }
}

impl Engine {
    /// The engine that sells `one_rps` to one client and `many_rps` to `clients` clients of one server, where a client
    /// takes `client_us` for itself.
    pub(super) fn fitted(one_rps: f64, (clients, many_rps): (usize, f64), client_us: f64) -> Self {
        let turn_us = (1e6 / one_rps - client_us).max(1.0);
        let with = |sale_us: f64| Engine { turn_us, sale_us, client_us };
        // More a sale is slower: halved until nothing is left of the interval.
        let (mut low, mut high) = (0.0, turn_us);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if with(middle).rate_rps(1, clients) > many_rps {
                low = middle;
            } else {
                high = middle;
            }
        }
        with(high)
    }

    /// Sales a second of so many `servers` on one counter, each with so many `clients`.
    pub(super) fn rate_rps(&self, servers: usize, clients: usize) -> f64 {
        let tickets = 200 * (servers * clients) as u64;
        self.sell(Shop { servers, clients, tickets, allotment: None, draws: &[] }).rate_rps
    }

    /// What an append of so many `sales` takes.
    pub(super) fn append_us(&self, sales: usize) -> f64 {
        self.turn_us + self.sale_us * sales as f64
    }

    /// Sells the tickets of `shop`, until a client is told that there are none.
    pub(super) fn sell(&self, shop: Shop<'_>) -> Sales {
        let mut servers = vec![Server::default(); shop.servers];
        for server in &mut servers {
            server.comes_us.extend(std::iter::repeat_n(0.0, shop.clients));
        }
        let (mut counter, mut lead) = (Counter::new(shop), (0, 0.0));
        let mut sold: Vec<(f64, u64)> = Vec::new();
        loop {
            let at = match shop.allotment {
                Some(_) => next(&servers),
                None => leading(&mut servers, &mut lead, self),
            };
            let begins_us = servers[at].begins_us();
            counter.serve(&mut servers[at], begins_us);
            if servers[at].has.is_empty() {
                return counter.sales(&mut sold, begins_us.max(1.0));
            }
            // Where all that it has is on its way, others may go first.
            if servers[at].begins_us() <= begins_us {
                self.append(&mut servers[at], &mut sold, shop.clients);
            }
        }
    }

    /// One append of what waits at `server`.
    fn append(&self, server: &mut Server, sold: &mut Vec<(f64, u64)>, clients: usize) {
        let begins_us = server.begins_us();
        let waiting = server.comes_us.iter().take_while(|comes_us| **comes_us <= begins_us).count();
        let room = usize::try_from(server.on_sale(begins_us)).unwrap_or(usize::MAX);
        let count = waiting.min(room).min(clients);
        let ends_us = begins_us + self.append_us(count);
        for _ in 0..count {
            server.comes_us.pop_front();
            sold.extend(server.take().map(|ticket| (ends_us, ticket)));
            server.comes_us.push_back(ends_us + self.client_us);
        }
        server.free_us = ends_us;
    }
}

impl Server {
    /// When its next append begins: there is somebody, its log is free, and it has tickets.
    fn begins_us(&self) -> f64 {
        let first = self.comes_us.front().copied().unwrap_or(f64::INFINITY);
        let on_sale_us = self.has.front().map_or(0.0, |drawn| drawn.on_sale_us);
        first.max(self.free_us).max(on_sale_us)
    }
}

/// What is not drawn yet.
struct Counter<'a> {
    shop: Shop<'a>,
    issued: u64,
    draws: usize,
    free_us: f64,
}

impl<'a> Counter<'a> {
    fn new(shop: Shop<'a>) -> Self {
        Self { shop, issued: 0, draws: 0, free_us: 0.0 }
    }

    /// Sees to it that `server` has tickets, as long as there are any.
    fn serve(&mut self, server: &mut Server, now_us: f64) {
        let left = self.shop.tickets - self.issued;
        let Some(allotment) = self.shop.allotment else {
            // All there is stands on the counter: as many as one append takes.
            let count = left.min(self.shop.clients as u64).saturating_sub(server.has());
            return self.issue(server, count, now_us);
        };
        if left > 0 && allotment.is_due(server.has(), left, self.shop.servers) {
            let Draw { counter_us, shelf_us } = self.shop.draws[self.draws % self.shop.draws.len()];
            self.draws += 1;
            self.free_us = self.free_us.max(now_us) + counter_us;
            let count = allotment.count(left, self.shop.servers);
            self.issue(server, count, self.free_us + shelf_us);
        }
    }

    fn issue(&mut self, server: &mut Server, count: u64, on_sale_us: f64) {
        if count > 0 {
            let (first, behind) = (self.issued, self.issued + count);
            server.has.push_back(Drawn { first, behind, on_sale_us });
            self.issued += count;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no simulation sells 2^53 tickets")]
    fn sales(&self, sold: &mut Vec<(f64, u64)>, ends_us: f64) -> Sales {
        // What is being appended elsewhere is told later.
        sold.retain(|(told_us, _)| *told_us <= ends_us);
        sold.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let per_s = |count: u64| count as f64 * 1e6 / ends_us;
        Sales {
            rate_rps: per_s(sold.len() as u64),
            draws_rps: per_s(self.draws as u64),
            order: Order::of(sold.iter().map(|(_, ticket)| *ticket)),
            stranded: self.shop.tickets - sold.len() as u64,
        }
    }
}

/// The server that appends next, where none waits for another.
fn next(servers: &[Server]) -> usize {
    let begins = |at: &usize| servers[*at].begins_us();
    (0..servers.len()).min_by(|one, other| begins(one).total_cmp(&begins(other))).unwrap_or(0)
}

/// The server that appends next where one leads; the log is free for it when the one before is through.
fn leading(
    servers: &mut [Server],
    (leader, since_us): &mut (usize, f64),
    engine: &Engine,
) -> usize {
    let free_us = servers.iter().map(|server| server.free_us).fold(0.0, f64::max);
    if servers.len() > 1 && free_us - *since_us >= SLICE_US {
        *leader = (*leader + 1) % servers.len();
        *since_us = free_us + HANDOVER * engine.turn_us;
        servers[*leader].free_us = *since_us;
        return *leader;
    }
    servers[*leader].free_us = servers[*leader].free_us.max(free_us);
    *leader
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: Engine = Engine { turn_us: 1000.0, sale_us: 10.0, client_us: 100.0 };

    fn drawing(size: u64, shrinks: bool) -> Option<Allotment> {
        Some(Allotment { size, shrinks })
    }

    fn sell(allotment: Option<Allotment>) -> Sales {
        sell_by(allotment, &[Draw { counter_us: 1010.0, shelf_us: 1010.0 }])
    }

    fn sell_by(allotment: Option<Allotment>, draws: &[Draw]) -> Sales {
        ENGINE.sell(Shop { servers: 3, clients: 50, tickets: 30_000, allotment, draws })
    }

    #[test]
    fn one_client_waits_for_its_own_appends() {
        let rate = ENGINE.rate_rps(1, 1);
        assert!((rate - 1e6 / 1110.0).abs() < 10.0, "{rate}");
    }

    #[test]
    fn an_engine_is_found_again_by_its_rates() {
        let (one, many) = (ENGINE.rate_rps(1, 1), ENGINE.rate_rps(1, 100));
        let fitted = Engine::fitted(one, (100, many), 100.0);
        assert!((fitted.turn_us - 1010.0).abs() < 15.0, "{fitted:?}");
        let (seen, said) = (ENGINE.rate_rps(1, 1000), fitted.rate_rps(1, 1000));
        assert!((said / seen - 1.0).abs() < 0.05, "{said} of {seen}");
    }

    #[test]
    fn one_counter_sells_no_more_by_more_servers_and_in_order() {
        let (one, three) = (ENGINE.rate_rps(1, 150), ENGINE.rate_rps(3, 50));
        assert!(three < one, "{three} of {one}");
        let hot = sell(None);
        assert_eq!((hot.draws_rps, hot.stranded), (0.0, 0));
        let in_order = Order { furthest: 0, late: 0.0 };
        assert_eq!(hot.order, in_order, "who appends first has the lower numbers");
    }

    #[test]
    fn allotments_sell_by_as_many_times_as_there_are_servers_and_out_of_order() {
        let (hot, drawn) = (sell(None), sell(drawing(500, false)));
        let times = drawn.rate_rps / ENGINE.rate_rps(1, 50);
        assert!((2.5..=3.05).contains(&times), "{times} times one server: {hot:?}, {drawn:?}");
        assert!(drawn.order.furthest > 100 && drawn.order.late > 0.5, "{drawn:?}");
        // Each other has some of what it drew, and may have drawn once more.
        assert!((1..=2 * 2 * 500).contains(&drawn.stranded), "{drawn:?}");
    }

    #[test]
    fn few_tickets_at_a_time_are_a_hot_counter_again() {
        let rate = |size| sell(drawing(size, false)).rate_rps;
        assert!(rate(1) < rate(10) && rate(10) < rate(500), "{} {}", rate(1), rate(10));
    }

    #[test]
    fn allotments_that_shrink_strand_less() {
        let stranded = |shrinks| sell(drawing(500, shrinks)).stranded;
        assert!(stranded(true) < stranded(false) / 5, "{} {}", stranded(true), stranded(false));
    }

    /// A measurement found it: what was on its way was sold.
    #[test]
    fn what_is_drawn_is_sold_once_it_is_there() {
        let slow = Draw { counter_us: 20_000.0, shelf_us: 5_000.0 };
        let quick = Draw { counter_us: 10_000.0, ..slow };
        for (draws, draw_us) in [(&[slow][..], 20_000.0), (&[slow, quick], 15_000.0)] {
            let drawn = sell_by(drawing(100, false), draws);
            let expected_rps = 100.0 * 1e6 / draw_us;
            assert!((drawn.rate_rps / expected_rps - 1.0).abs() < 0.05, "{drawn:?}");
        }
    }
}

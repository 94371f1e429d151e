//! How many sales a second one hot counter takes, and what servers that draw allotments from it take: a simulation
//! of turns. Pure: it has no clock and no dice.
//!
//! One server appends what waits, as one batch; what came meanwhile goes into the next. Several servers on one
//! counter append one after the other: whoever leads goes on for a slice, and hands over. A server with an
//! allotment appends to a log of its own, which nobody else writes, and draws from the counter, one server after
//! the other, before it has sold what it drew last.
//!
//! What it leaves out: the machine. Where servers share cores or a disk, each is slower than alone.

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
pub(super) struct Shop {
    pub(super) servers: usize,
    /// Of each server.
    pub(super) clients: usize,
    pub(super) tickets: u64,
    /// How many tickets a server draws at a time; `None` where all sell from the counter itself.
    pub(super) allotment: Option<Allotment>,
}

/// How servers draw from a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allotment {
    /// How many tickets at most.
    pub(super) size: u64,
    /// Whether no more than a server's share of half of what is left: else many are stranded at the end.
    pub(super) shrinks: bool,
}

/// What a simulation came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sales {
    /// Sales a second, until the first client was told that there are no tickets.
    pub(super) rate_rps: f64,
    /// How many times a second a server drew.
    pub(super) draws_rps: f64,
    /// Of any sale: by how many places its ticket's number is away from its place in the order of sales, at most.
    pub(super) out_of_order: u64,
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
    comes_us: std::collections::VecDeque<f64>,
    /// When its log is free.
    free_us: f64,
    /// The tickets that it has: ranges of numbers, first and behind the last.
    has: std::collections::VecDeque<(u64, u64)>,
    /// When the tickets that it has drawn last are there.
    drawn_us: f64,
}

impl Server {
    fn left(&self) -> u64 {
        self.has.iter().map(|(first, behind)| behind - first).sum()
    }

    fn take(&mut self) -> Option<u64> {
        let (first, behind) = self.has.front_mut()?;
        let ticket = *first;
        *first += 1;
        if first == behind {
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
        self.sell(Shop { servers, clients, tickets, allotment: None }).rate_rps
    }

    fn append_us(&self, sales: usize) -> f64 {
        self.turn_us + self.sale_us * sales as f64
    }

    /// Sells the tickets of `shop`, until a client is told that there are none.
    pub(super) fn sell(&self, shop: Shop) -> Sales {
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
            if !counter.serve(&mut servers[at], begins_us, self) {
                let ends_us = begins_us.max(1.0);
                return counter.sales(&mut sold, ends_us);
            }
            self.append(&mut servers[at], &mut sold, shop.clients);
        }
    }

    /// One append of what waits at `server`.
    fn append(&self, server: &mut Server, sold: &mut Vec<(f64, u64)>, clients: usize) {
        let begins_us = server.begins_us();
        let waiting = server.comes_us.iter().take_while(|comes_us| **comes_us <= begins_us).count();
        let room = usize::try_from(server.left()).unwrap_or(usize::MAX);
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
        first.max(self.free_us).max(self.drawn_us)
    }
}

/// What is not drawn yet.
struct Counter {
    shop: Shop,
    issued: u64,
    draws: u64,
    free_us: f64,
}

impl Counter {
    fn new(shop: Shop) -> Self {
        Self { shop, issued: 0, draws: 0, free_us: 0.0 }
    }

    /// Sees to it that `server` has tickets; false where there are none for it.
    fn serve(&mut self, server: &mut Server, now_us: f64, engine: &Engine) -> bool {
        let left = self.shop.tickets - self.issued;
        let Some(Allotment { size, shrinks }) = self.shop.allotment else {
            // All there is stands on the counter: as many as one append takes.
            let count = left.min(self.shop.clients as u64).saturating_sub(server.left());
            self.issue(server, count);
            return server.left() > 0;
        };
        let is_low = server.left() <= size / 2;
        if !is_low || left == 0 {
            return server.left() > 0;
        }
        let share = left.div_ceil(2 * self.shop.servers as u64);
        let count = size.min(if shrinks { share } else { left }).min(left);
        let is_out = server.left() == 0;
        self.issue(server, count);
        self.draws += 1;
        self.free_us = self.free_us.max(now_us) + engine.append_us(1);
        if is_out {
            // Nothing to sell until they are there.
            server.drawn_us = self.free_us;
        }
        true
    }

    fn issue(&mut self, server: &mut Server, count: u64) {
        if count > 0 {
            server.has.push_back((self.issued, self.issued + count));
            self.issued += count;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no simulation sells 2^53 tickets")]
    fn sales(&self, sold: &mut [(f64, u64)], ends_us: f64) -> Sales {
        sold.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let away = |(place, (_, ticket)): (usize, &(f64, u64))| ticket.abs_diff(place as u64);
        let per_s = |count: u64| count as f64 * 1e6 / ends_us;
        Sales {
            rate_rps: per_s(sold.len() as u64),
            draws_rps: per_s(self.draws),
            out_of_order: sold.iter().enumerate().map(away).max().unwrap_or(0),
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

    fn sell(allotment: Option<Allotment>) -> Sales {
        ENGINE.sell(Shop { servers: 3, clients: 50, tickets: 30_000, allotment })
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
        assert_eq!(hot.out_of_order, 0, "who appends first has the lower numbers");
    }

    #[test]
    fn allotments_sell_by_as_many_times_as_there_are_servers_and_out_of_order() {
        let (hot, drawn) = (sell(None), sell(Some(Allotment { size: 500, shrinks: false })));
        let times = drawn.rate_rps / ENGINE.rate_rps(1, 50);
        assert!((2.5..=3.05).contains(&times), "{times} times one server: {hot:?}, {drawn:?}");
        assert!(drawn.out_of_order > 100, "{drawn:?}");
        // Each other has some of what it drew, and may have drawn once more.
        assert!((1..=2 * 2 * 500).contains(&drawn.stranded), "{drawn:?}");
    }

    #[test]
    fn few_tickets_at_a_time_are_a_hot_counter_again() {
        let rate = |size| sell(Some(Allotment { size, shrinks: false })).rate_rps;
        assert!(rate(1) < rate(10) && rate(10) < rate(500), "{} {}", rate(1), rate(10));
    }

    #[test]
    fn allotments_that_shrink_strand_less() {
        let stranded = |shrinks| sell(Some(Allotment { size: 500, shrinks })).stranded;
        assert!(stranded(true) < stranded(false) / 5, "{} {}", stranded(true), stranded(false));
    }
}

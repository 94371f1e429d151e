//! How often one client may change something.
//!
//! Memory is bounded however many addresses come: their rates stand in two tables of a fixed size, each
//! with a secret hash of its own, and a request passes where either of its two cells lets it. A client
//! that shares one cell with somebody who asks too much is still told apart by the other, as in a
//! count-min sketch (Cormode and Muthukrishnan, 2005). One that shares both is refused too often, never
//! one that asks too much let through: that has used up both.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};

use crate::http::access::site::Site;

/// How many cells a table has, of eight bytes each.
const CELLS: usize = 1 << 16;

/// The rates of all clients.
pub struct RateLimit<C: Clock = MonotonicClock> {
    per_second: NonZeroU32,
    tables: [RateLimiter<Site, Table, C, NoOpMiddleware<C::Instant>>; 2],
}

struct Table {
    hasher: RandomState,
    cells: Box<[InMemoryState]>,
}

impl RateLimit {
    /// `per_second` requests at once, and as many a second, for each client.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self::by(&MonotonicClock, per_second)
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn by(clock: &C, per_second: NonZeroU32) -> Self {
        let table = || RateLimiter::new(Quota::per_second(per_second), Table::new(), clock.clone());
        Self { per_second, tables: [table(), table()] }
    }

    /// How many requests one client may make in a second.
    pub fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Counts a request from `address`.
    ///
    /// # Errors
    /// How long the client has to wait for the next one, where it asks too much.
    pub fn count(&self, address: IpAddr) -> Result<(), Duration> {
        let client = Site::of(address);
        // IMPORTANT: counted in both, also where the first lets it pass.
        let [first, second] = self.tables.each_ref().map(|table| {
            table.check_key(&client).map_err(|until| until.wait_time_from(table.clock().now()))
        });
        match (first, second) {
            (Err(first), Err(second)) => Err(first.min(second)),
            _ => Ok(()),
        }
    }
}

impl<C: Clock> fmt::Debug for RateLimit<C> {
    /// Without the cells.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RateLimit")
            .field("per_second", &self.per_second)
            .finish_non_exhaustive()
    }
}

impl Table {
    fn new() -> Self {
        let cells = (0..CELLS).map(|_| InMemoryState::default()).collect();
        Self { hasher: RandomState::new(), cells }
    }
}

impl StateStore for Table {
    type Key = Site;

    fn measure_and_replace<T, F, E>(&self, client: &Site, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let cells = self.cells.len() as u64;
        let cell = usize::try_from(self.hasher.hash_one(client) % cells).unwrap_or_default();
        self.cells[cell].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn ten(clock: &FakeRelativeClock) -> RateLimit<FakeRelativeClock> {
        RateLimit::by(clock, NonZeroU32::new(10).unwrap())
    }

    fn v4(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    fn passed(limit: &RateLimit<FakeRelativeClock>, address: IpAddr, asked: usize) -> usize {
        (0..asked).filter(|_| limit.count(address).is_ok()).count()
    }

    #[test]
    fn each_client_has_its_rate_and_gets_it_back() {
        let clock = FakeRelativeClock::default();
        let limit = ten(&clock);
        assert_eq!(passed(&limit, v4(1), 50), 10);
        let wait = limit.count(v4(1)).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(passed(&limit, v4(2), 50), 10, "another has its own");
        clock.advance(Duration::from_millis(500));
        assert_eq!(passed(&limit, v4(1), 50), 5);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(passed(&limit, v4(1), 50), 10, "no more is saved up");
    }

    #[test]
    fn a_site_with_many_ipv6_addresses_is_one_client() {
        let clock = FakeRelativeClock::default();
        let limit = ten(&clock);
        let at = |site: u16, host: u16| -> IpAddr {
            Ipv6Addr::new(0x2001, 0xdb8, 0, site, 0, 0, 0, host).into()
        };
        assert_eq!((0..50).filter(|host| limit.count(at(1, *host)).is_ok()).count(), 10);
        assert_eq!(passed(&limit, at(2, 0), 50), 10);
        let mapped = Ipv4Addr::from_bits(7).to_ipv6_mapped().into();
        assert_eq!(passed(&limit, mapped, 5) + passed(&limit, v4(7), 50), 10);
    }

    /// The tables are as long as they were made; what could suffer is who shares their cells.
    #[test]
    fn many_that_ask_too_much_lock_few_others_out() {
        let clock = FakeRelativeClock::default();
        let limit = ten(&clock);
        for greedy in 0..3_000 {
            assert!(passed(&limit, v4(greedy), 30) <= 10);
        }
        let honest = (1_000_000..1_000_200).filter(|number| limit.count(v4(*number)).is_ok());
        // One in 500 shares both of its cells with some of them.
        assert!(honest.count() >= 190);
    }
}

//! The connections of one event loop, and which of them give way to newcomers.
//!
//! Where there is hardly a place left, those go first whose clients have all their answers or have let the server
//! wait for a while; then those that were not answered anything yet or do not take their answers, the earliest
//! first, so that a newcomer is left alone for as long as there are others; and last those that may come back, who
//! has the fewest answers first. Of the latter two those go ahead that have the most connections from one address,
//! or from one site of IPv6: one client that asks again and again does not outrank those who are on their way. So a
//! crowd that comes faster than it can be served makes way for itself, and whoever sends a whole request is answered.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{task::AbortHandle, time::sleep};

use crate::http::{
    access::site::Site,
    connections::activity::{Activity, Dispensable},
};

/// The least that a timer waits for: long enough for the event loop to look at its sockets.
const READ_FIRST: Duration = Duration::from_millis(1);

/// The connections of one event loop.
#[derive(Clone, Default)]
pub struct OpenConnections(Arc<Mutex<Listed>>);

#[derive(Default)]
struct Listed {
    /// Each by its number, in the order in which they came.
    connections: BTreeMap<u64, Connection>,
    came: u64,
    /// How many are told to go and still here.
    leaving: usize,
}

struct Connection {
    activity: Arc<Activity>,
    site: Site,
    task: Option<AbortHandle>,
    is_leaving: bool,
}

/// One connection in the list, for as long as this lives.
pub struct Listing {
    open: OpenConnections,
    number: u64,
}

impl OpenConnections {
    /// Lists a connection from `peer` that begins now.
    pub fn list(&self, activity: Arc<Activity>, peer: IpAddr) -> Listing {
        let mut listed = self.lock();
        listed.came += 1;
        let number = listed.came;
        let connection =
            Connection { activity, site: Site::of(peer), task: None, is_leaving: false };
        listed.connections.insert(number, connection);
        Listing { open: self.clone(), number }
    }

    /// The connection of `number` is served by `task`.
    pub fn serve_by(&self, number: u64, task: AbortHandle) {
        if let Some(connection) = self.lock().connections.get_mut(&number) {
            connection.task = Some(task);
        }
    }

    /// Ends connections that can be spared until `count` are about to go, if there are so many.
    ///
    /// Those that are listed meanwhile stay.
    pub async fn evict(&self, count: usize) {
        let last = self.lock().came;
        // IMPORTANT: what has arrived by now is read first: a timer wakes its task behind those of the sockets.
        sleep(READ_FIRST).await;
        self.evict_up_to(last, count);
    }

    fn evict_up_to(&self, last: u64, count: usize) {
        let mut listed = self.lock();
        let count = count.saturating_sub(listed.leaving);
        if count == 0 {
            return;
        }
        let mut of_site = HashMap::<Site, u32>::new();
        for connection in listed.connections.values() {
            *of_site.entry(connection.site).or_default() += 1;
        }
        let candidates = listed.connections.range(..=last);
        let candidates = candidates.filter(|(_, connection)| !connection.is_leaving);
        let mut candidates: Vec<_> = candidates
            .filter_map(|(number, connection)| {
                let why = connection.activity.dispensable()?;
                let is_done = matches!(why, Dispensable::Over | Dispensable::Idle(_));
                let of_site = if is_done { u32::MAX } else { of_site[&connection.site] };
                Some((Reverse(of_site), why, *number))
            })
            .collect();
        if candidates.len() > count {
            candidates.select_nth_unstable(count);
            candidates.truncate(count);
        }
        for (.., number) in candidates {
            if let Some(connection) = listed.connections.get_mut(&number)
                && let Some(task) = &connection.task
            {
                task.abort();
                connection.is_leaving = true;
                listed.leaving += 1;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listing {
    /// The number of the connection.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        let mut listed = self.open.lock();
        let gone = listed.connections.remove(&self.number);
        listed.leaving -= usize::from(gone.is_some_and(|connection| connection.is_leaving));
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::yield_now;

    use super::*;
    use crate::http::connections::activity::Ticks;

    /// A connection that waits for ever, and who has left by now.
    fn wait(open: &OpenConnections, ticks: &Ticks) -> Arc<Activity> {
        wait_from(open, ticks, [127, 0, 0, 1])
    }

    /// The same from another address.
    fn wait_from(open: &OpenConnections, ticks: &Ticks, address: [u8; 4]) -> Arc<Activity> {
        let activity = Arc::new(Activity::new(ticks));
        let listing = open.list(Arc::clone(&activity), address.into());
        let number = listing.number();
        let task = tokio::spawn(async move {
            let _listing = listing;
            pending::<()>().await;
        });
        open.serve_by(number, task.abort_handle());
        activity
    }

    fn numbers(open: &OpenConnections) -> Vec<u64> {
        open.lock().connections.keys().copied().collect()
    }

    #[tokio::test]
    async fn who_was_not_answered_yet_goes_in_the_order_of_coming_and_who_is_served_stays() {
        let (open, ticks) = (OpenConnections::default(), Ticks::default());
        let connections: Vec<_> = (0..5).map(|_| wait(&open, &ticks)).collect();
        (0..2).for_each(|_| drop(connections[0].serve()));
        drop(connections[3].serve());
        let _serving = connections[2].serve();
        yield_now().await;

        open.evict(2).await;
        yield_now().await;
        assert_eq!(numbers(&open), [1, 3, 4]);
        open.evict(1).await;
        yield_now().await;
        assert_eq!(numbers(&open), [1, 3], "one has more answers, one is being served");
        open.evict(9).await;
        yield_now().await;
        assert_eq!(numbers(&open), [3]);
    }

    #[tokio::test]
    async fn who_lets_the_server_wait_goes_ahead_of_newcomers() {
        let (open, ticks) = (OpenConnections::default(), Ticks::default());
        let idle = wait(&open, &ticks);
        drop(idle.serve());
        (0..2).for_each(|_| ticks.tick());
        let newcomer = wait(&open, &ticks);
        let over = wait(&open, &ticks);
        over.end();
        yield_now().await;

        open.evict(1).await;
        yield_now().await;
        assert_eq!(numbers(&open), [1, 2], "who has its last answer is gone");
        open.evict(1).await;
        yield_now().await;
        assert_eq!(numbers(&open), [2]);
        drop(newcomer);
    }

    #[tokio::test]
    async fn who_has_the_most_connections_goes_ahead_of_others_who_are_on_their_way() {
        let (open, ticks) = (OpenConnections::default(), Ticks::default());
        let crowd: Vec<_> = (0..3).map(|_| wait_from(&open, &ticks, [192, 0, 2, 1])).collect();
        crowd.iter().for_each(|activity| (0..9).for_each(|_| drop(activity.serve())));
        let _newcomers: Vec<_> =
            (2..5).map(|at| wait_from(&open, &ticks, [192, 0, 2, at])).collect();
        yield_now().await;

        open.evict(2).await;
        yield_now().await;
        assert_eq!(numbers(&open), [3, 4, 5, 6], "two of the crowd are gone");
        open.evict(1).await;
        yield_now().await;
        assert_eq!(numbers(&open), [3, 5, 6], "it has one as all have, and most answers");
    }

    #[tokio::test]
    async fn who_is_leaving_counts() {
        let (open, ticks) = (OpenConnections::default(), Ticks::default());
        let _connections: Vec<_> = (0..4).map(|_| wait(&open, &ticks)).collect();
        yield_now().await;
        let last = open.lock().came;
        open.evict_up_to(last, 2);
        open.evict_up_to(last, 2);
        yield_now().await;
        assert_eq!(numbers(&open), [3, 4]);
    }

    #[tokio::test]
    async fn who_comes_meanwhile_and_whose_request_has_arrived_stay() {
        let (open, ticks) = (OpenConnections::default(), Ticks::default());
        let waits = wait(&open, &ticks);
        let evicting = tokio::spawn({
            let open = open.clone();
            async move { open.evict(9).await }
        });
        yield_now().await;
        let _newcomer = wait(&open, &ticks);
        let serving = waits.serve();
        evicting.await.unwrap();
        yield_now().await;
        assert_eq!(numbers(&open), [1, 2]);
        drop(serving);
    }
}

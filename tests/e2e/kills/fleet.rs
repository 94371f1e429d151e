//! Three servers on one counter, and what happens to them.

use std::{thread, time::Duration};

use e2e::{Counter, Server, Signal};

use super::shop::Shop;

/// How many servers share the counter.
pub(super) const SERVERS: usize = 3;

/// What befalls one or more servers in a round.
#[derive(Clone, Copy)]
pub(super) enum Accident {
    /// SIGKILL, and a new start.
    Killed,
    /// SIGSTOP, and some time later SIGCONT.
    Paused,
}

/// The servers of a shop. Start and drop it on the test's own thread.
pub(super) struct Fleet<'a> {
    counter: &'a Counter,
    shop: &'a Shop,
    serve: fn(&Counter) -> Server,
    servers: Vec<Server>,
}

impl<'a> Fleet<'a> {
    /// Starts the servers, each as `serve` does it, and opens their doors.
    pub(super) fn open(
        counter: &'a Counter,
        shop: &'a Shop,
        serve: fn(&Counter) -> Server,
    ) -> Fleet<'a> {
        let servers = (0..SERVERS).map(|_| serve(counter)).collect::<Vec<_>>();
        for (door, server) in servers.iter().enumerate() {
            shop.open_door(door, server.url());
        }
        Fleet { counter, shop, serve, servers }
    }

    /// All servers, up and listening.
    pub(super) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Lets `accident` happen at a random moment to a random choice of servers.
    pub(super) fn suffer(&mut self, accident: Accident, random: &mut fastrand::Rng) {
        let mut doors = (0..SERVERS).collect::<Vec<_>>();
        random.shuffle(&mut doors);
        // More often one than all of them.
        doors.truncate(random.usize(1..=SERVERS).min(random.usize(1..=SERVERS)));
        // The moment is the choice that this test is about; nothing is waited for.
        thread::sleep(Duration::from_micros(random.u64(0..30_000)));
        match accident {
            Accident::Killed => self.kill(doors),
            Accident::Paused => self.pause(&doors, Duration::from_micros(random.u64(0..30_000))),
        }
    }

    fn kill(&mut self, mut doors: Vec<usize>) {
        for door in &doors {
            // Nobody must knock where soon another program may listen.
            self.shop.close_door(*door);
            self.servers[*door].signal(Signal::KILL);
        }
        // From behind, so that the others keep their places.
        doors.sort_unstable();
        for door in doors.iter().rev() {
            self.servers.remove(*door).finish();
        }
        for door in doors {
            let server = (self.serve)(self.counter);
            self.shop.open_door(door, server.url());
            self.servers.insert(door, server);
        }
    }

    fn pause(&self, doors: &[usize], time: Duration) {
        for door in doors {
            self.servers[*door].signal(Signal::STOP);
        }
        thread::sleep(time);
        for door in doors {
            self.servers[*door].signal(Signal::CONT);
        }
    }
}

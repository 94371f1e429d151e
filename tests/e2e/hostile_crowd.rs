//! A crowd of clients that are slow on purpose, and come back when they are sent away: those who buy are
//! served all the same.
//!
//! `HOSTILE_CROWD=1000` makes it ten times as large, lets it come several times, and tells what the good
//! clients waited with and without it.

use std::{
    env,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use e2e::{Counter, Program, RawRequest, Server, crowd, eventually, file_limit_of_at_least};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{connections::connections_of, programs::server, sales::assert_conserved};

/// How long a slow client rests between two bytes.
const REST: Duration = Duration::from_millis(200);

/// How many buy.
const GOOD_CLIENTS: usize = 8;

/// How many of a page's copies a client asks for that reads none.
const PAGES: usize = 40;

/// How a client is slow.
#[derive(Clone, Copy, Debug)]
enum Slowness {
    Head,
    Body,
    Reading,
    Listening,
}

/// Of each kind, how many come for each that was asked for.
const KINDS: [(Slowness, usize); 4] =
    [(Slowness::Head, 1), (Slowness::Body, 1), (Slowness::Reading, 1), (Slowness::Listening, 2)];

/// How large a crowd is, and how often it comes.
struct Campaign {
    size: usize,
    rounds: usize,
    purchases: usize,
}

impl Campaign {
    fn asked() -> Campaign {
        match env::var("HOSTILE_CROWD") {
            Ok(size) => {
                let size = size.parse().expect("HOSTILE_CROWD is a number");
                Campaign { size, rounds: 5, purchases: 40 }
            }
            Err(_) => Campaign { size: 100, rounds: 1, purchases: 4 },
        }
    }
}

/// The clients of one kind; a thread of their own keeps them slow.
struct SlowClients {
    comes_back: Arc<AtomicBool>,
    goes_on: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl SlowClients {
    fn come(address: SocketAddr, slowness: Slowness, number: usize) -> SlowClients {
        let (comes_back, goes_on) =
            (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
        let told = (Arc::clone(&comes_back), Arc::clone(&goes_on));
        let thread = thread::spawn(move || {
            let mut clients: Vec<Option<TcpStream>> = (0..number).map(|_| None).collect();
            while told.1.load(Relaxed) {
                for client in &mut clients {
                    if client.as_mut().is_some_and(|stream| !slowness.goes_on(stream)) {
                        *client = None;
                    }
                    if client.is_none() && told.0.load(Relaxed) {
                        *client = slowness.begin(address);
                    }
                }
                thread::sleep(REST);
            }
        });
        SlowClients { comes_back, goes_on, thread }
    }

    fn leave(self) {
        self.goes_on.store(false, Relaxed);
        self.thread.join().expect("a crowd");
    }
}

impl Slowness {
    /// A new client; `None` while the server's backlog is full.
    fn begin(self, address: SocketAddr) -> Option<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(20)).ok()?;
        stream.set_nonblocking(true).ok()?;
        let host = format!("HTTP/1.1\r\nHost: {address}\r\n");
        let bytes = match self {
            Slowness::Head => "POST /buy HTTP/1.1\r\nX: ".to_owned(),
            Slowness::Body => format!(
                "POST /buy {host}Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
            ),
            Slowness::Reading => format!("GET / {host}\r\n").repeat(PAGES),
            Slowness::Listening => format!("GET /live {host}\r\n"),
        };
        stream.write_all(bytes.as_bytes()).ok()?;
        Some(stream)
    }

    /// Sends one byte more, where it is that; gives whether the server keeps the connection.
    fn goes_on(self, stream: &mut TcpStream) -> bool {
        if is_ended(stream) {
            return false;
        }
        match self {
            Slowness::Head | Slowness::Body => stream.write_all(b" ").is_ok(),
            Slowness::Reading | Slowness::Listening => true,
        }
    }
}

/// Whether the server has ended its side, or all of it; nothing is read for that.
fn is_ended(stream: &TcpStream) -> bool {
    let mut watched = [PollFd::new(stream, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut watched, Some(&now)).is_ok() && !watched[0].revents().is_empty()
}

/// Lets the good clients buy; gives how long each purchase took.
fn buy(server: &Server, purchases: usize) -> Vec<Duration> {
    let taken = crowd(GOOD_CLIENTS, |_| {
        let buy = |_| {
            let begun = Instant::now();
            let answer = RawRequest::buy(server.address()).answer();
            assert_eq!(answer.status, 201, "{answer:?}");
            begun.elapsed()
        };
        (0..purchases).map(buy).collect::<Vec<_>>()
    });
    taken.concat()
}

/// The time within which 99 of 100 were served.
fn p99(mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    taken[(taken.len() * 99).div_ceil(100) - 1]
}

fn listeners_of(server: &Server) -> usize {
    let metrics = server.get("/metrics").text();
    let listeners = metrics.lines().find_map(|line| line.strip_prefix("tickets_live_listeners "));
    listeners.and_then(|number| number.parse().ok()).expect("the metrics tell it")
}

/// A server that may open `files` files, and a crowd of `campaign`'s size.
fn good_clients_buy(campaign: &Campaign, files: usize) {
    let needed = 6 * campaign.size + 1000;
    assert!(file_limit_of_at_least(needed), "this needs `ulimit -n {needed}`");
    let counter = Counter::with(1_000_000);
    let limited = Program::new("prlimit").arg(format!("--nofile={files}:{files}"));
    let server = Server::start(limited.arg(server().path()), &counter);
    let address = server.address().parse().expect("an address");

    for _ in 0..campaign.rounds {
        let alone = p99(buy(&server, campaign.purchases));
        let slow = KINDS
            .map(|(slowness, share)| SlowClients::come(address, slowness, share * campaign.size));
        let needed = if files > 6 * campaign.size { 4 * campaign.size } else { files / 2 };
        eventually("the crowd", || (connections_of(&server) >= needed).then_some(()));

        let beside = p99(buy(&server, campaign.purchases));

        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        println!(
            "{files} files: p99 {alone:?} alone, {beside:?} beside the crowd, {ratio:.1} times"
        );
        // Who does not come back is sent away, but for those who listen: and they are not too many.
        slow.iter().for_each(|slow| slow.comes_back.store(false, Relaxed));
        eventually("the slow ones to be sent away", || {
            let connections = connections_of(&server);
            (connections <= listeners_of(&server) + 1).then_some(())
        });
        assert!(listeners_of(&server) <= files / 2);
        slow.into_iter().for_each(SlowClients::leave);
        eventually("the listeners' places", || (listeners_of(&server) == 0).then_some(()));
    }
    let bought = 2 * campaign.rounds * campaign.purchases * GOOD_CLIENTS;
    assert_conserved(&counter, 1_000_000, bought as u64);
}

#[test]
fn good_clients_buy_where_there_is_no_room_for_the_crowd() {
    let campaign = Campaign::asked();
    good_clients_buy(&campaign, (campaign.size * 1024 / 1000).max(256));
}

#[test]
fn good_clients_buy_where_there_is_room_for_the_whole_crowd() {
    let campaign = Campaign::asked();
    good_clients_buy(&campaign, 20 * campaign.size);
}

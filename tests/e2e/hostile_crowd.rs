//! A crowd of clients that are slow on purpose, and come back when they are sent away: those who buy are
//! served all the same.
//!
//! `HOSTILE_CROWD=1000` makes it ten times as large, lets it come several times, and tells what the good
//! clients waited with and without it. The crowd takes the processor only where nobody else wants it: whoever
//! attacks has machines of their own, and only what they make the server do keeps others from it.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use e2e::{Counter, Program, RawRequest, Server, crowd, eventually, file_limit_of_at_least};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::setpriority_process,
};

use crate::{connections::connections_of, programs::server, sales::assert_conserved};

/// How long a slow client rests between two bytes.
const REST: Duration = Duration::from_millis(200);

/// In how many steps a crowd is gone through meanwhile: its clients do not move all at once.
const STEPS: u32 = 50;

/// How long who was sent away stays away.
const AWAY: Duration = Duration::from_secs(1);

/// How long a good client rests between two purchases.
const PAUSE: Duration = Duration::from_millis(25);

/// How long a slow client waits for a connection: on loopback there is one at once, or no room.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1);

/// How often each slow client has been looked after before the crowd counts as there.
const ROUNDS_FIRST: usize = 4;

/// What a crowd's threads give way with: the most there is (nice(1)).
const GIVING_WAY: i32 = 19;

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
    good_clients: usize,
    /// How many times each good client buys over either kind of connection.
    purchases: usize,
}

impl Campaign {
    fn asked() -> Campaign {
        match env::var("HOSTILE_CROWD") {
            Ok(size) => {
                let size = size.parse().expect("HOSTILE_CROWD is a number");
                Campaign { size, rounds: 5, good_clients: 100, purchases: 100 }
            }
            Err(_) => Campaign { size: 100, rounds: 1, good_clients: 8, purchases: 4 },
        }
    }
}

/// What slow clients are told, and tell.
#[derive(Default)]
struct Told {
    stay_away: AtomicBool,
    leave: AtomicBool,
    rounds: AtomicUsize,
}

/// The clients of one kind; a thread of their own keeps them slow.
struct SlowClients {
    told: Arc<Told>,
    thread: JoinHandle<()>,
}

impl SlowClients {
    fn come(address: SocketAddr, slowness: Slowness, number: usize) -> SlowClients {
        let told = Arc::new(Told::default());
        let heard = Arc::clone(&told);
        let thread = thread::spawn(move || {
            // Of this thread alone ("C library/kernel differences" in setpriority(2)).
            setpriority_process(None, GIVING_WAY).expect("anybody may give way");
            let mut clients: Vec<_> = (0..number).map(|_| SlowClient::new(slowness)).collect();
            let step = number.div_ceil(STEPS as usize);
            while !heard.leave.load(Relaxed) {
                for some in clients.chunks_mut(step) {
                    for client in some {
                        client.go_on(address, heard.stay_away.load(Relaxed));
                    }
                    thread::sleep(REST / STEPS);
                }
                heard.rounds.fetch_add(1, Relaxed);
            }
        });
        SlowClients { told, thread }
    }

    fn leave(self) {
        self.told.leave.store(true, Relaxed);
        self.thread.join().expect("a crowd");
    }
}

/// A client that comes again and again.
struct SlowClient {
    slowness: Slowness,
    stream: Option<TcpStream>,
    next_time: Instant,
}

impl SlowClient {
    fn new(slowness: Slowness) -> SlowClient {
        SlowClient { slowness, stream: None, next_time: Instant::now() }
    }

    /// Goes on, or comes, unless it is to stay away once it was sent there.
    fn go_on(&mut self, address: SocketAddr, stays_away: bool) {
        if let Some(stream) = &mut self.stream {
            if self.slowness.goes_on(stream) {
                return;
            }
            self.stream = None;
            self.next_time = Instant::now() + AWAY;
        }
        if !stays_away && Instant::now() >= self.next_time {
            self.stream = self.slowness.begin(address);
        }
    }
}

/// Slow clients of every kind come to `server`, and go on coming.
fn slow_crowd_at(server: &Server, campaign: &Campaign) -> Vec<SlowClients> {
    let address = server.address().parse().expect("an address");
    let come = |(slowness, share)| SlowClients::come(address, slowness, share * campaign.size);
    let crowd: Vec<_> = KINDS.into_iter().map(come).collect();
    eventually("the crowd", || {
        let is_there = |slow: &SlowClients| slow.told.rounds.load(Relaxed) >= ROUNDS_FIRST;
        crowd.iter().all(is_there).then_some(())
    });
    crowd
}

impl Slowness {
    /// A new client; `None` while the server's backlog is full.
    fn begin(self, address: SocketAddr) -> Option<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).ok()?;
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

/// How long purchases took.
#[derive(Default)]
struct Taken {
    /// Over a connection of their own.
    fresh: Vec<Duration>,
    /// Over one that was used before.
    kept: Vec<Duration>,
    /// How many of these were closed in between.
    lost: usize,
    /// How many were not timed.
    first: usize,
}

impl Taken {
    fn all(&self) -> usize {
        self.fresh.len() + self.kept.len() + self.first
    }
}

/// A connection that is kept for the next purchase.
struct Kept<'a> {
    address: &'a str,
    stream: Option<BufReader<TcpStream>>,
}

impl Kept<'_> {
    /// Buys; gives whether the connection had been closed, and it took another one.
    fn buy(&mut self) -> bool {
        let is_new = self.stream.is_none();
        if self.try_to_buy().is_ok() {
            return false;
        }
        assert!(!is_new, "a new connection was closed without an answer");
        self.stream = None;
        self.try_to_buy().expect("a new connection is answered");
        true
    }

    fn try_to_buy(&mut self) -> io::Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(self.address)?),
        };
        let head = format!("POST /buy HTTP/1.1\r\nHost: {}\r\n", self.address);
        stream.get_mut().write_all((head + "Content-Length: 0\r\n\r\n").as_bytes())?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        assert!(line.starts_with("HTTP/1.1 201 "), "{line}");
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a length");
            }
        }
        stream.read_exact(&mut vec![0; length])?;
        self.stream = Some(stream);
        Ok(())
    }
}

/// Lets the good clients buy, each in turn over a connection of its own and over one that it keeps.
fn buy(server: &Server, campaign: &Campaign) -> Taken {
    let taken = crowd(campaign.good_clients, |_| {
        let mut taken = Taken::default();
        let mut kept = Kept { address: server.address(), stream: None };
        kept.buy();
        taken.first = 1;
        for _ in 0..campaign.purchases {
            thread::sleep(PAUSE);
            let begun = Instant::now();
            let answer = RawRequest::buy(server.address()).answer();
            assert_eq!(answer.status, 201, "{answer:?}");
            taken.fresh.push(begun.elapsed());
            thread::sleep(PAUSE);
            let begun = Instant::now();
            taken.lost += usize::from(kept.buy());
            taken.kept.push(begun.elapsed());
        }
        taken
    });
    taken.into_iter().fold(Taken::default(), |mut all, taken| {
        all.fresh.extend(taken.fresh);
        all.kept.extend(taken.kept);
        all.lost += taken.lost;
        all.first += taken.first;
        all
    })
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

/// A server that may open `files` files, on a counter of its own.
fn limited_server(counter: &Counter, files: usize) -> Server {
    let limited = Program::new("prlimit").arg(format!("--nofile={files}:{files}"));
    Server::start(limited.arg(server().path()), counter)
}

/// How many times as long good clients took beside a crowd, round by round.
struct Ratios {
    crowd: String,
    fresh: Vec<f64>,
    kept: Vec<f64>,
}

impl Ratios {
    fn new(crowd: String) -> Ratios {
        Ratios { crowd, fresh: Vec::new(), kept: Vec::new() }
    }

    fn note(&mut self, alone: &Taken, beside: Taken) {
        let Taken { fresh, kept, lost, .. } = beside;
        println!("{}: {lost} of {} kept connections were closed", self.crowd, kept.len());
        for (kind, ratios, alone, beside) in [
            ("new", &mut self.fresh, &alone.fresh, fresh),
            ("kept", &mut self.kept, &alone.kept, kept),
        ] {
            let (alone, beside) = (p99(alone.clone()), p99(beside));
            println!("{}, {kind}: p99 {alone:?} alone, {beside:?} beside", self.crowd);
            ratios.push(beside.as_secs_f64() / alone.as_secs_f64());
        }
    }

    /// Tells the medians and the spreads.
    fn tell(self) {
        for (kind, mut ratios) in [("new", self.fresh), ("kept", self.kept)] {
            ratios.sort_by(f64::total_cmp);
            if let [least, .., most] = ratios[..] {
                let median = ratios[ratios.len() / 2];
                println!("{}, {kind}: {median:.2} times ({least:.2} to {most:.2})", self.crowd);
            }
        }
    }
}

/// A server that may open `files` files, and a crowd of `campaign`'s size.
fn good_clients_buy(campaign: &Campaign, files: usize) {
    let needed = 6 * campaign.size + 1000;
    assert!(file_limit_of_at_least(needed), "this needs `ulimit -n {needed}`");
    let (counter, another) = (Counter::with(1_000_000), Counter::with(1));
    let server = limited_server(&counter, files);
    let elsewhere = limited_server(&another, files);

    let mut ratios_elsewhere = Ratios::new(format!("{files} files, crowd elsewhere"));
    let mut ratios_here = Ratios::new(format!("{files} files, crowd here"));
    let mut bought = 0;
    for _ in 0..campaign.rounds {
        let alone = buy(&server, campaign);
        bought += alone.all();
        if campaign.rounds > 1 {
            // What the crowd costs by itself, on the same machine.
            let slow = slow_crowd_at(&elsewhere, campaign);
            let beside = buy(&server, campaign);
            bought += beside.all();
            ratios_elsewhere.note(&alone, beside);
            slow.into_iter().for_each(SlowClients::leave);
        }
        let slow = slow_crowd_at(&server, campaign);
        let beside = buy(&server, campaign);
        bought += beside.all();
        ratios_here.note(&alone, beside);
        // Who does not come back is sent away, but for those who listen: and they are not too many.
        slow.iter().for_each(|slow| slow.told.stay_away.store(true, Relaxed));
        eventually("the slow ones to be sent away", || {
            let connections = connections_of(&server);
            (connections <= listeners_of(&server) + 1).then_some(())
        });
        assert!(listeners_of(&server) <= files / 2);
        slow.into_iter().for_each(SlowClients::leave);
        eventually("the listeners' places", || (listeners_of(&server) == 0).then_some(()));
    }
    [ratios_elsewhere, ratios_here].into_iter().for_each(Ratios::tell);
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

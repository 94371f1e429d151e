//! A life of a counter on a simulated disk: servers sell, accidents happen, outsiders edit.
//!
//! A life keeps its own account of what the servers answered and of what the
//! outsider changed; [`Life::check`] holds the ledger against it.

use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    domain::{Command, Hold, Order, Outcome, Request, Sale, SoldBefore},
    ledger::{
        Fault as Broken,
        file::{disk::Disk, error::TurnError, format::head::Head, options::Options},
    },
    simulation::{
        books::Books,
        disk::SimDisk,
        file::Fault,
        shop::{
            FileSeller, TICKETS, count_at_the_start, disk, head_path, now_ms, open_with, options,
            records, set_now_ms,
        },
    },
};

/// How many requests of a life share their keys.
const KEYS: u64 = 12;

/// The clocks of the servers: one is some seconds ahead.
const CLOCKS: [fn() -> u64; 2] = [now_ms, || now_ms() + 3000];

/// A server that runs: its view of the disk, and what sells there.
pub(crate) struct Server<D: Disk> {
    disk: SimDisk,
    seller: FileSeller<D>,
}

/// A counter, those who sell from it, and what they said.
pub(crate) struct Life<D: Disk> {
    seed: u64,
    pub(crate) disk: SimDisk,
    pub(crate) dice: StdRng,
    wrap: fn(SimDisk) -> D,
    pub(crate) servers: [Option<Server<D>>; 2],
    /// What was answered, with the request.
    answered: Vec<(Request, Outcome)>,
    /// What the outsider added in all, less what it took.
    outside: i64,
    /// Whether it can be told what the outsider had read.
    is_exact: bool,
    /// Whether the last turn of every server ended well.
    is_settled: bool,
    /// Whether an edit that left the revision out waits for a turn.
    is_guess_due: bool,
    /// The kinds of records and of answers that it came to.
    pub(crate) kinds: BTreeSet<&'static str>,
}

impl<D: Disk> Life<D> {
    /// A life that follows from `seed`; the servers see the disk through `wrap`.
    pub(crate) fn new(seed: u64, wrap: fn(SimDisk) -> D) -> Self {
        set_now_ms(7);
        Self {
            seed,
            disk: disk(seed),
            dice: StdRng::seed_from_u64(seed ^ 0x5eed),
            wrap,
            servers: [None, None],
            answered: Vec::new(),
            outside: 0,
            is_exact: true,
            is_settled: true,
            is_guess_due: false,
            kinds: BTreeSet::new(),
        }
    }

    /// Plans an accident within the next `calls` calls.
    pub(crate) fn plan_an_accident(&mut self, calls: u64) {
        let faults = [Fault::Die, Fault::Die, Fault::FailedSync, Fault::NoSpace];
        let fault = faults[self.dice.random_range(0..faults.len())];
        self.disk.calm();
        self.disk.plan(self.disk.calls() + self.dice.random_range(1..calls), fault);
    }

    /// Ends the server in `place` between two turns.
    pub(crate) fn kill(&mut self, place: usize) {
        if let Some(server) = self.servers[place].take() {
            server.disk.kill();
        }
    }

    /// Cuts the power, or ends every process.
    pub(crate) fn crash(&mut self, power_cut: bool) {
        if power_cut {
            self.disk.cut_power();
        } else {
            self.disk.kill_all();
        }
        self.servers = [None, None];
        self.unsettle();
    }

    /// Starts the server in `place` if it does not run; an accident may end it at once.
    pub(crate) fn start(&mut self, place: usize) -> Result<(), TurnError> {
        if self.servers[place].is_some() {
            return Ok(());
        }
        let disk = self.disk.another_process();
        let options = Options { now_ms: CLOCKS[place], ..options(disk.process()) };
        match open_with(&(self.wrap)(disk.clone()), options) {
            Ok(seller) if disk.is_alive() => {
                (self.is_settled, self.is_guess_due) = (true, false);
                self.servers[place] = Some(Server { disk, seller });
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                let was_killed = !disk.is_alive();
                disk.kill();
                self.unsettle();
                if was_killed { Ok(()) } else { Err(error) }
            }
        }
    }

    /// Lets the server in `place` answer a few requests in one turn, in one append or several.
    pub(crate) fn sell(&mut self, place: usize) {
        if self.dice.random_bool(0.3) {
            set_now_ms(now_ms() + self.dice.random_range(0..9000));
        }
        let requests: Vec<_> = (0..self.dice.random_range(1..7)).map(|_| self.request()).collect();
        let chunk = self.dice.random_range(1..7);
        let Some(server) = &mut self.servers[place] else { return };
        let (told, served) = server.seller.serve(&requests, chunk);
        self.answered.extend(told);
        let is_over =
            !server.disk.is_alive() || served.as_ref().is_err_and(|untold| untold.is_broken);
        if served.is_ok() {
            (self.is_settled, self.is_guess_due) = (true, false);
        } else {
            self.unsettle();
        }
        if is_over {
            self.kill(place);
        }
    }

    /// Lets the server in `place` do what it does when nobody comes.
    pub(crate) fn rest(&mut self, place: usize) {
        let Some(server) = &mut self.servers[place] else { return };
        let rested = server.seller.rest();
        if matches!(&rested, Err(Broken::Lasting(_))) || !server.disk.is_alive() {
            self.kill(place);
        }
    }

    /// A turn may have reached the ledger and not the head.
    fn unsettle(&mut self) {
        self.is_settled = false;
        self.is_exact &= !self.is_guess_due;
    }

    fn request(&mut self) -> Request {
        let dice = &mut self.dice;
        // The same key is always sent with the same request.
        let number = dice.random_range(0..2 * KEYS);
        // Some want so many that soon there are too few.
        let quantity = if [0, 9, 13, 20].contains(&number) { 400 } else { number % 3 + 1 };
        let order = Order { quantity, buyer: None };
        let command = match number % 11 {
            10 => Command::Restock { quantity: number % 3 + 1 },
            8 | 9 => Command::Hold { order, seconds: number },
            _ => Command::Buy(order),
        };
        let key = (number < KEYS).then(|| format!("key {number}").into());
        if key.is_none() && dice.random_bool(0.4) {
            return self.follow_up().unwrap_or(Request { command, key });
        }
        Request { command, key }
    }

    /// Asks for something to be done with a hold or a sale that somebody was told of.
    fn follow_up(&mut self) -> Option<Request> {
        if self.dice.random_bool(0.1) {
            return Some(Command::SetSale { is_open: self.dice.random_bool(0.7) }.into());
        }
        if self.dice.random_bool(0.05) {
            return Some(Command::Search.into());
        }
        let told = self.answered.len().checked_sub(1)?;
        // Mostly of the last ones: of the others all has been tried.
        let place = told - self.dice.random_range(0..=told.min(20));
        let is_first = self.dice.random_bool(0.6);
        let command = match self.answered[place].1 {
            Outcome::Held(Hold { revision: hold, .. }) if is_first => Command::Confirm { hold },
            Outcome::Held(Hold { revision: hold, .. }) => Command::Release { hold },
            Outcome::Sold(Sale { revision, quantity, .. }) => {
                let sale = SoldBefore { revision, quantity };
                if is_first { Command::Refund(sale) } else { Command::Admit(sale) }
            }
            _ => return None,
        };
        Some(command.into())
    }

    /// Changes the count as an outside program does that knows nothing of servers.
    pub(crate) fn edit(&mut self) {
        let bytes = self.disk.get(&head_path());
        let text = bytes.trim_ascii_end();
        let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut head = Head::parse(&text[..end]).unwrap();
        let change = self.dice.random_range(-3..=4_i64).max(-head.count.cast_signed());
        head.count = head.count.checked_add_signed(change).unwrap();
        if self.dice.random_bool(0.5) {
            (head.revision, head.sold) = (None, None);
        }
        self.is_guess_due = head.revision.is_none();
        self.is_exact &= head.revision.is_some() || self.is_settled;
        self.outside += change;
        let image = head.image(0).unwrap();
        if self.dice.random_bool(0.3) {
            self.disk.replace(&head_path(), &image);
        } else {
            self.disk.put(&head_path(), &image);
        }
    }

    /// Whether power was cut while an edit was not in the ledger for sure.
    pub(crate) fn forget_what_the_outsider_read(&mut self) {
        self.is_exact = false;
    }

    /// Crashes, starts again with more accidents on the way, and checks.
    pub(crate) fn recover(&mut self, power_cut: bool) {
        for attempt in 0.. {
            self.crash(power_cut);
            if attempt < 3 && self.dice.random_bool(0.5) {
                self.plan_an_accident(40);
            }
            match self.start(0) {
                Ok(()) if self.servers[0].is_some() => break,
                Ok(()) => {}
                Err(error) => assert!(attempt < 3, "seed {}: {error}", self.seed),
            }
        }
        self.disk.calm();
        self.check(0);
    }

    /// Holds the ledger against all that was answered; the server in `place` must run.
    pub(crate) fn check(&mut self, place: usize) {
        let seed = self.seed;
        let stock = self.servers[place].as_ref().unwrap().seller.stock();
        let records = records(&self.disk);
        let head = Head::parse(&self.disk.get(&head_path())).unwrap();
        assert_eq!(head, Head::of(stock, Vec::new()), "the head says it all: seed {seed}");
        let books = Books::read(seed, count_at_the_start(&self.disk), &records);
        assert_eq!(stock, books.stock(), "seed {seed}");
        self.servers[place].as_ref().unwrap().seller.look(|known| books.check_inventory(known));
        for (request, outcome) in &self.answered {
            self.kinds.insert(books.check_answer(request, outcome));
        }
        self.kinds.extend(&books.kinds);
        let there = i64::try_from(stock.capacity).unwrap();
        let explained = i64::try_from(TICKETS + books.restocked).unwrap() + self.outside;
        if self.is_exact {
            assert_eq!(there, explained, "Conservation: seed {seed}");
        } else {
            assert!(there <= explained, "NoOversell: seed {seed}: {there}, not {explained}");
        }
    }
}

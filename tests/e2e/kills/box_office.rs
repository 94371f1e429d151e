//! Visitors who hold, buy or give back, refund and are let in, at any server, and what must hold of all they were
//! told.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
};

use e2e::{Answer, Client, Counter, Method, RequestBuilder, Server, crowd, eventually};
use serde_json::json;

use super::shop::{Shop, TICKETS};
use crate::{
    programs::{serve_with, server},
    sales::tickets_of,
};

const OPERATOR: &str = "a-long-secret-of-the-operator";

/// For how long a visitor holds what is then bought or given back, in seconds: longer than any life here.
const LONG: u64 = 600;

/// For how long one holds who may be too late, or does not come back.
const SHORT: u64 = 1;

/// A counter's visitors.
pub(super) struct BoxOffice<'a> {
    shop: &'a Shop,
    sales: Mutex<Vec<Told>>,
}

/// A sale as its visitor was told of it, and what became of it since.
#[derive(Clone)]
struct Told {
    sale: Answer,
    status: &'static str,
}

/// A server at which visitors may refund, and an operator lets them in.
#[track_caller]
pub(super) fn serve(counter: &Counter) -> Server {
    let file = counter.folder().join("token");
    fs::write(&file, format!("{OPERATOR}\n")).expect("the test's own folder");
    let file = file.display().to_string();
    serve_with(counter, &["--refunds", "buyer", "--admin-token-file", &file])
}

impl<'a> BoxOffice<'a> {
    pub(super) fn at(shop: &'a Shop) -> BoxOffice<'a> {
        BoxOffice { shop, sales: Mutex::new(Vec::new()) }
    }

    /// Visits until the shop closes; every request is tried until it is answered.
    pub(super) fn visit_on(&self, seed: u64) {
        let mut visitor = Visitor {
            shop: self.shop,
            client: Client::new(""),
            random: fastrand::Rng::with_seed(seed),
        };
        while !self.shop.is_over() {
            let _noise = self.shop.noise();
            let Some(sale) = visitor.hold_and_decide() else { return };
            let Some(sale) = sale else { continue };
            let status = visitor.use_or_refund(&sale);
            self.sales().push(Told { sale, status: status.unwrap_or("unknown") });
        }
    }

    /// Checks all that was ever told against what `servers` say now, while nobody visits.
    pub(super) fn audit(&self, servers: &[Server]) {
        let _quiet = self.shop.quiet();
        let told = self.sales().clone();
        let mut tickets = BTreeSet::new();
        for ticket in told.iter().flat_map(|told| tickets_of(&told.sale)) {
            assert!(tickets.insert(ticket), "NoOversell: ticket {ticket} was sold twice");
        }
        crowd(servers.len(), |at| {
            for told in told.iter().skip(at).step_by(servers.len()) {
                told.assert_known_to(&servers[at]);
            }
        });
        let sold = sold(&told);
        for server in servers {
            let found = server.search();
            assert_eq!(found["sold"], sold, "a sale a confirmation, a refund a refund");
            let number = |name: &str| found[name].as_u64().expect("a number");
            // What nobody came back for is held for a moment still, or left again.
            assert_eq!(number("count") + number("held") + sold, TICKETS, "Conservation: {found}");
        }
    }

    /// Checks, while nobody visits or asks, that what is held comes back and that the ledger is sound.
    pub(super) fn close_the_books(&self, counter: &Counter) {
        let _quiet = self.shop.quiet();
        let left = TICKETS - sold(&self.sales());
        eventually("what was held, left again", || (counter.count() == left).then_some(()));
        let said = server().args(["verify", "--db"]).arg(counter.path()).run();
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.ends_with("\nsound\n"), "{said:?}");
    }

    /// How many sales were told, and how many of them of each status.
    pub(super) fn tally(&self) -> [usize; 4] {
        let sales = self.sales();
        let with = |status| sales.iter().filter(|told| told.status == status).count();
        [sales.len(), with("sold"), with("refunded"), with("admitted")]
    }

    fn sales(&self) -> MutexGuard<'_, Vec<Told>> {
        self.sales.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many tickets are sold and not refunded.
fn sold(told: &[Told]) -> u64 {
    let sold = told.iter().filter(|told| told.status != "refunded");
    sold.map(|told| tickets_of(&told.sale).len() as u64).sum()
}

impl Told {
    #[track_caller]
    fn assert_known_to(&self, server: &Client) {
        let found = server.get(self.sale.header("Location"));
        assert_eq!(found.status, 200, "AckAfterSync: {} is lost", self.sale.text());
        let (found, sale) = (found.json(), self.sale.json());
        for member in ["tickets", "remaining", "revision", "receipt"] {
            assert_eq!(found[member], sale[member], "{found} was told for {sale}");
        }
        assert_eq!(found["status"], self.status, "AckAfterSync: {found}");
    }
}

/// One who visits.
struct Visitor<'a> {
    shop: &'a Shop,
    client: Client,
    random: fastrand::Rng,
}

impl Visitor<'_> {
    /// Holds tickets, and buys them, gives them back, or does not come back; the sale, where there is one, and
    /// `None` once the shop closes.
    fn hold_and_decide(&mut self) -> Option<Option<Answer>> {
        let (seconds, quantity) = (self.either(LONG, SHORT), self.random.u64(1..=3));
        let key = format!("{:016x}", self.random.u64(..));
        let held = self.insist_twice(|client| {
            let request = client.request(Method::POST, "/holds");
            let request = request.header("Idempotency-Key", &key);
            request.json(&json!({ "quantity": quantity, "seconds": seconds }))
        })?;
        assert_eq!(held.status, 201, "{}", held.text());
        let held = held.json();
        let path = format!("/holds/{}", held["hold"].as_str().expect("a hold has a token"));
        if seconds == SHORT && self.random.bool() {
            return Some(None);
        }
        let is_released = self.random.u8(0..4) == 0;
        let ended = self.insist_twice(|client| match is_released {
            true => client.request(Method::DELETE, &path),
            false => client.request(Method::POST, &format!("{path}/confirm")),
        })?;
        match ended.status {
            410 => {
                assert_eq!(seconds, SHORT, "AckAfterSync: a hold is lost: {}", ended.text());
                assert_eq!(ended.header("Idempotent-Replayed"), "", "nobody was told before");
                Some(None)
            }
            200 if is_released => Some(None),
            201 if !is_released => {
                let sold = tickets_of(&ended).len() as u64;
                assert_eq!(sold, quantity, "{} for {held}", ended.text());
                Some(Some(ended))
            }
            status => panic!("{status}: {}", ended.text()),
        }
    }

    /// Refunds the tickets, goes in with them, or keeps them; what became of them, and `None` once the shop closes.
    fn use_or_refund(&mut self, sale: &Answer) -> Option<&'static str> {
        let receipt = sale.header("Location").to_owned();
        match self.random.u8(0..3) {
            0 => {
                let refund = |client: &Client| client.request(Method::DELETE, &receipt);
                let refunded = self.insist_twice(refund)?;
                assert_eq!(refunded.status, 200, "{}", refunded.text());
                let late = self.insist(|client| admission(client, &receipt))?;
                assert_eq!(
                    (late.status, &late.json()["type"]),
                    (409, &json!("/problems/refunded"))
                );
                Some("refunded")
            }
            1 => {
                // Who got no answer may have been let in by that try; else by this one, and by no later one.
                let first = self.insist(|client| admission(client, &receipt))?;
                assert!(matches!(first.status, 200 | 409), "{}", first.text());
                let again = self.insist(|client| admission(client, &receipt))?;
                assert_eq!(
                    (again.status, &again.json()["type"]),
                    (409, &json!("/problems/admitted"))
                );
                assert_eq!(again.json()["admitted_at"], first.json()["admitted_at"]);
                Some("admitted")
            }
            _ => Some("sold"),
        }
    }

    /// Tries until there is an answer, and sometimes once more, which must be told the same.
    fn insist_twice(&mut self, request: impl Fn(&Client) -> RequestBuilder) -> Option<Answer> {
        let first = self.insist(&request)?;
        if first.status < 300 && self.random.u8(0..4) == 0 {
            let again = self.insist(&request)?;
            assert_eq!(again.text(), first.text(), "AnswerOnce");
            assert_eq!(again.header("Idempotent-Replayed"), "true", "{}", again.text());
        }
        Some(first)
    }

    fn insist(&mut self, request: impl Fn(&Client) -> RequestBuilder) -> Option<Answer> {
        self.shop.insist(&self.client, &mut self.random, request)
    }

    fn either(&mut self, one: u64, other: u64) -> u64 {
        if self.random.bool() { one } else { other }
    }
}

fn admission(client: &Client, receipt: &str) -> RequestBuilder {
    let request = client.request(Method::POST, &format!("{receipt}/admit"));
    request.header("Authorization", format!("Bearer {OPERATOR}"))
}

//! A counter with a sale and a hold of each kind, for rows to name.

use e2e::{Answer, Counter, Method, Server, eventually};
use serde_json::{Value, json};

use crate::{
    backups::{backed_up, lose, restore},
    operator::{TOKEN, as_operator, serve_for_operator},
    sales::order,
};

/// A running server, and what stands for the names in rows.
pub(super) struct Scene {
    pub(super) counter: Counter,
    pub(super) server: Server,
    names: Vec<(&'static str, String)>,
}

impl Scene {
    /// A counter that had `tickets`, some of them sold, held, refunded and admitted since.
    #[track_caller]
    pub(super) fn with(tickets: u64) -> Scene {
        let (counter, other) = (Counter::with(tickets), Counter::with(tickets));
        let former = FormerLife::of(&counter);
        let server = serve_for_operator(&counter, &[]);
        let elsewhere = serve_for_operator(&other, &[]);
        let (admitted, refunded) = (receipt(&server), receipt(&server));
        done(&server, Method::POST, &format!("/receipts/{admitted}/admit"));
        done(&server, Method::DELETE, &format!("/receipts/{refunded}"));
        let (confirmed, released) = (hold(&server, 600), hold(&server, 600));
        done(&server, Method::POST, &format!("/holds/{confirmed}/confirm"));
        done(&server, Method::DELETE, &format!("/holds/{released}"));
        let keyed = server.request(Method::POST, "/buy").header("Idempotency-Key", "used before");
        assert_eq!(Answer::to(keyed).status, 201);
        let before = counter.count();
        let lapsed = hold(&server, 1);
        eventually("a hold that lapsed", || (counter.count() == before).then_some(()));
        let names = vec![
            ("host", server.address().to_owned()),
            ("admin", format!("Authorization: Bearer {TOKEN}")),
            ("receipt", receipt(&server)),
            ("hold", hold(&server, 3600)),
            ("other-receipt", receipt(&elsewhere)),
            ("other-hold", hold(&elsewhere, 3600)),
            ("former-receipt", former.receipt),
            ("former-hold", former.hold),
            ("admitted", admitted),
            ("refunded", refunded),
            ("confirmed", confirmed),
            ("released", released),
            ("lapsed", lapsed),
        ];
        Scene { counter, server, names }
    }

    /// `sent` with what stands for the names in it.
    pub(super) fn filled(&self, sent: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(sent) else { return self.filled_bytes(sent) };
        let filled = self.names.iter().fold(text.to_owned(), |text, (name, value)| {
            let text = text.replace(&format!("<{name}:cut>"), &value[..value.len() - 1]);
            text.replace(&format!("<{name}>"), value)
        });
        filled.into_bytes()
    }

    /// As [`Scene::filled`], for what is no text: it names the host only.
    fn filled_bytes(&self, sent: &[u8]) -> Vec<u8> {
        let Some(at) = sent.windows(6).position(|six| six == b"<host>") else {
            return sent.to_vec();
        };
        [&sent[..at], self.server.address().as_bytes(), &sent[at + 6..]].concat()
    }
}

/// What was given out in a life of a counter that a restored backup has ended.
struct FormerLife {
    receipt: String,
    hold: String,
}

impl FormerLife {
    /// Sells from `counter`, loses it, and puts a backup from before the first sale in its place.
    #[track_caller]
    fn of(counter: &Counter) -> FormerLife {
        let server = serve_for_operator(counter, &[]);
        let (_folder, dir) = backed_up(counter);
        // At revisions at which there are sales and holds in the next life, too.
        let receipts: Vec<_> = (0..5).map(|_| receipt(&server)).collect();
        let hold = hold(&server, 3600);
        server.terminate();
        lose(counter);
        let restored = restore(counter, &dir, &[]);
        assert_eq!(restored.code, Some(0), "{restored:?}");
        FormerLife { receipt: receipts[2].clone(), hold }
    }
}

/// Buys two tickets; gives the receipt.
#[track_caller]
fn receipt(server: &Server) -> String {
    text(&order(server, 2).json(), "receipt")
}

/// Puts two tickets aside for `seconds`.
#[track_caller]
fn hold(server: &Server, seconds: u64) -> String {
    let held = server.post("/holds", &json!({"quantity": 2, "seconds": seconds}));
    text(&held.json(), "hold")
}

#[track_caller]
fn done(server: &Server, method: Method, path: &str) {
    let answer = as_operator(server, method, path);
    assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
}

#[track_caller]
fn text(answer: &Value, member: &str) -> String {
    let text = answer[member].as_str();
    text.unwrap_or_else(|| panic!("no `{member}` in {answer}")).to_owned()
}

//! What buyers were told by a counter, and what it has to tell them again wherever it is kept by then.

use e2e::{Answer, Client, Method};
use serde_json::{Value, json};

use crate::kept::TOKEN;

/// What was told.
pub(crate) struct Told {
    /// The receipts, as they are.
    receipts: Vec<(String, Value)>,
    /// Keys, with the answers to their purchases.
    keys: Vec<(String, Answer)>,
    /// An open hold of two tickets.
    hold: String,
    /// A hold that was confirmed, with the answer.
    confirmed: (String, Answer),
}

/// A call of the operator.
#[track_caller]
pub(crate) fn as_operator(server: &Client, method: Method, path: &str, body: &Value) -> Answer {
    Answer::to(server.request(method, path).bearer_auth(TOKEN).json(body))
}

/// Buys with a key.
#[track_caller]
fn buy_with(server: &Client, key: &str) -> Answer {
    let request = server.request(Method::POST, "/buy").header("Idempotency-Key", key);
    Answer::to(request.json(&json!({"quantity": 1, "buyer": "Zo\u{eb}"})))
}

#[track_caller]
fn hold(server: &Client) -> String {
    let held = server.post("/holds", &json!({"quantity": 2, "seconds": 3600}));
    assert_eq!(held.status, 201, "{held:?}");
    held.json()["hold"].as_str().expect("a token").to_owned()
}

impl Told {
    /// Has something of everything done at `server`: sales, keys, holds, a refund, an admission, a restock.
    ///
    /// Of `name` come the keys: no two calls may have the same.
    #[track_caller]
    pub(crate) fn by(server: &Client, name: &str) -> Told {
        let keys: Vec<_> = (0..5).map(|at| format!("{name} {at}")).collect();
        let keys: Vec<_> = keys.into_iter().map(|key| (buy_with(server, &key), key)).collect();
        let plain: Vec<_> = (0..20).map(|_| server.buy()).collect();
        let all = keys.iter().map(|(answer, _)| answer).chain(&plain);
        let paths: Vec<_> = all.map(|sale| sale.header("Location").to_owned()).collect();
        let refund = as_operator(server, Method::DELETE, &paths[1], &json!({}));
        let admit = format!("{}/admit", paths[2]);
        let admit = as_operator(server, Method::POST, &admit, &json!({}));
        let restock = as_operator(server, Method::POST, "/restock", &json!({"quantity": 7}));
        assert_eq!((refund.status, admit.status, restock.status), (200, 200, 200));
        let (open, ended) = (hold(server), hold(server));
        let confirmed = server.post(&format!("/holds/{ended}/confirm"), &json!({}));
        assert_eq!(confirmed.status, 201, "{confirmed:?}");
        let receipts = paths.into_iter().map(|path| {
            let told = server.get(&path).json();
            (path, told)
        });
        let receipts = receipts.collect();
        let keys = keys.into_iter().map(|(answer, key)| (key, answer)).collect();
        Told { receipts, keys, hold: open, confirmed: (ended, confirmed) }
    }

    /// Fails unless `server` tells the same again.
    #[track_caller]
    pub(crate) fn assert_by(&self, server: &Client) {
        for (path, told) in &self.receipts {
            let again = server.get(path);
            assert_eq!((again.status, &again.json()), (200, told), "{path}");
        }
        for (key, answer) in &self.keys {
            let again = buy_with(server, key);
            assert_eq!(again.text(), answer.text(), "AnswerOnce: {key}");
            assert_eq!(again.header("Idempotent-Replayed"), "true", "{key}");
        }
        let (hold, answer) = &self.confirmed;
        let again = server.post(&format!("/holds/{hold}/confirm"), &json!({}));
        assert_eq!(again.text(), answer.text());
    }

    /// The open hold.
    pub(crate) fn hold(&self) -> &str {
        &self.hold
    }
}

//! A lab that runs, with all that it starts, in a temporary folder of the test's own.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use e2e::{Answer, Client, Counter, Mark, Method, Process};
use serde_json::{Value, json};

use crate::programs::loadgen;

/// A running lab.
pub(super) struct Lab {
    pub(super) process: Process,
    pub(super) mark: Mark,
    pub(super) temporary: Counter,
    pub(super) url: String,
    pub(super) client: Client,
    pub(super) token: String,
}

impl Lab {
    /// Starts one on a free port of the loopback.
    #[track_caller]
    pub(super) fn start() -> Lab {
        let (mark, temporary) = (Mark::new(), Counter::missing());
        let program = loadgen().args(["lab", "--listen", "127.0.0.1:0"]);
        let process = mark.on(program).env("TMPDIR", temporary.folder()).start();
        let url = process.stderr().find_line(Duration::from_secs(30), |line| {
            line.strip_prefix("listening on ").map(str::to_owned)
        });
        let url = url.unwrap_or_else(|| panic!("no lab: {}", process.stderr().text()));
        let client = Client::new(&url);
        let page = client.get("/").text();
        let token = page.split_once("data-token=\"").and_then(|(_, rest)| rest.split_once('"'));
        let token = token.expect("the page of whoever drives has a token").0.to_owned();
        Lab { process, mark, temporary, url, client, token }
    }

    /// Asks it for what whoever drives may ask for.
    #[track_caller]
    pub(super) fn ask(&self, command: &Value) -> Answer {
        let request = self.client.request(Method::POST, "/commands").bearer_auth(&self.token);
        Answer::to(request.json(command))
    }

    /// Asks it, and does not wait for the answer.
    #[track_caller]
    pub(super) fn leave_in_the_middle_of(&self, command: &Value) {
        let host = self.url.strip_prefix("http://").expect("the scheme");
        let body = command.to_string();
        let request = format!(
            "POST /commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut stream = TcpStream::connect(host).expect("the lab listens");
        stream.write_all(request.as_bytes()).expect("it reads");
    }

    /// The same where it must be done: the lab behind it.
    #[track_caller]
    pub(super) fn done(&self, command: &Value) -> Value {
        let answer = self.ask(command);
        assert_eq!(answer.status, 200, "{command}: {}", answer.text());
        answer.json()["lab"].take()
    }

    /// Plays a whole schedule from the start.
    #[track_caller]
    pub(super) fn play(&self, variant: &str, workers: u8, tickets: u32, schedule: &[u8]) -> Value {
        let play = json!({ "lab": 1, "variant": variant, "workers": workers, "tickets": tickets,
                           "schedule": schedule });
        self.done(&json!({ "do": "play", "play": play }))
    }

    /// The `db.txt` that its workers sell from now.
    pub(super) fn db(&self) -> PathBuf {
        let inside = |folder: &Path| -> PathBuf {
            let entry = fs::read_dir(folder).expect("a folder").next().expect("one inside");
            entry.expect("an entry").path()
        };
        inside(&inside(self.temporary.folder())).join("db.txt")
    }

    /// How many files and folders the lab has in its temporary folder.
    pub(super) fn files(&self) -> usize {
        fs::read_dir(self.temporary.folder()).expect("the test's own folder").count()
    }
}

//! A shop that is open, and a run there.

use std::{path::Path, time::Duration};

use e2e::{Finished, Postgres, Process, Program};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::programs::loadgen;

/// How many tickets there are, and how many clients want one of them at once.
pub(super) const TICKETS: u64 = 6;
const CLIENTS: u64 = 12;

/// How long a shop may take to open, to fill its tables, and to be bought from.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long it may take to end.
const END: Duration = Duration::from_secs(20);

/// A shop that is open.
pub(super) struct OpenShop {
    map: &'static str,
    url: String,
    process: Option<Process>,
    token: String,
    /// Its own files, such as a log.
    _folder: TempDir,
    database: Postgres,
}

impl OpenShop {
    /// The shop that `map` speaks to, which `server` opens after `fill` has put tickets on sale: both with what
    /// `set` sets in their environment, which has what the tickets' database and the folder need.
    #[track_caller]
    pub(super) fn open(
        map: &'static str,
        fill: Option<Program>,
        server: Program,
        set: impl Fn(Program, &Postgres, &Path) -> Program,
    ) -> Self {
        let database = Postgres::start();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = fill.map_or(String::new(), |fill| {
            let filled = set(fill, &database, folder.path()).within(PATIENCE).run();
            assert_eq!(filled.code, Some(0), "no tickets: {filled:?}");
            filled.stdout.trim().to_owned()
        });
        let process = set(server, &database, folder.path()).start();
        let url = |line: &str| {
            let from = line.find("http://127.0.0.1:")?;
            let is_told = line.to_lowercase().contains("listening");
            is_told.then(|| line[from..].split(' ').next().unwrap_or_default().to_owned())
        };
        // gunicorn says it on standard error, with its log.
        let says = if map == "vendure" { process.stdout() } else { process.stderr() };
        let Some(url) = says.find_line(PATIENCE, url) else {
            let (out, err) = (process.stdout().text(), process.stderr().text());
            panic!("`{map}` does not open: {out}{err}");
        };
        let process = Some(process);
        Self { map, url, process, token, _folder: folder, database }
    }

    /// How many tickets were sold, as the shop's own tables have it.
    #[track_caller]
    pub(super) fn sold(&self, count: &str) -> u64 {
        self.database.sql(count).parse().expect("a count is a number")
    }

    /// Sixty purchases of tickets that do not suffice, by the map alone.
    #[track_caller]
    pub(super) fn run(&self) -> Finished {
        let map = format!("../loadgen/maps/{}.toml", self.map);
        let map = Path::new(env!("CARGO_MANIFEST_DIR")).join(map);
        let text = std::fs::read_to_string(&map).expect("there is a map for each shop");
        assert!(text.lines().count() <= 40, "{}: {} lines", self.map, text.lines().count());
        loadgen()
            .args(["run", &self.url, "--json", "--no-tui", "-n", "60", "-t", "60s", "-c"])
            .arg(CLIENTS.to_string())
            .arg("--map")
            .arg(map)
            .env("SHOP_TOKEN", &self.token)
            .within(PATIENCE)
            .run()
    }
}

impl Drop for OpenShop {
    fn drop(&mut self) {
        // Those whom it has started end with it where it is asked to end.
        if let Some(process) = self.process.take().filter(Process::is_running) {
            process.signal(Signal::TERM);
            if !std::thread::panicking() {
                process.finish(END);
            }
        }
    }
}

/// gunicorn of the Python in `folder`, which serves `application` with a thread for each client.
pub(super) fn gunicorn(folder: &Path, application: &str) -> Program {
    Program::new(folder.join("bin/gunicorn"))
        .args(["--no-control-socket", "--bind", "127.0.0.1:0", "--timeout", "120"])
        .args(["--worker-class", "gthread", "--graceful-timeout", "5", "--threads"])
        .arg(CLIENTS.to_string())
        .arg(application)
}

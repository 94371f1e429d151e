//! PostgreSQL on a cluster of its own: one hot row, a receipt row, one prepared statement a sale.
//!
//! A row stays locked until the transaction that changed it is on the disk, so sales from one row
//! queue for one sync each.

use std::{
    env,
    net::SocketAddr,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use e2e::{Process, Program, Signal};
use loadgen::engines::free_addresses;
use tempfile::TempDir;

use super::{Setting, roster::on_path};
use crate::{
    load::{self, Load},
    protocol::postgres,
    question::Conversation,
};

/// More tickets than any run can sell.
const TICKETS: u64 = 1 << 40;

/// Where Debian keeps the programs of each version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

/// The user and the database that `initdb` makes.
const NAME: &str = "postgres";

/// The system's user that PostgreSQL runs as where the bench runs as root, which it refuses to.
const SYSTEM_USER: &str = "postgres";

/// The room that is left in the hot row's page keeps its new versions beside the old ones.
const SCHEMA: &str = "\
    CREATE TABLE counter (id int PRIMARY KEY, count bigint NOT NULL, sold bigint NOT NULL) \
        WITH (fillfactor = 10);\
    CREATE TABLE receipt (ticket bigint PRIMARY KEY, remaining bigint NOT NULL);";

/// Checks the count, takes one off, writes the receipt; gives the ticket, or no row when sold out.
const SELL: &str = "\
    WITH sale AS (UPDATE counter SET count = count - 1, sold = sold + 1 \
                  WHERE id = 1 AND count > 0 RETURNING sold, count) \
    INSERT INTO receipt SELECT sold, count FROM sale RETURNING ticket";

/// How long the cluster may take to be made.
const MAKING_MAX: Duration = Duration::from_secs(120);

/// How long the cluster may take to come up, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to rest before asking again whether it is up.
const REST: Duration = Duration::from_millis(20);

/// What is missing.
pub(super) fn missing() -> Option<&'static str> {
    folder_of_programs().is_none().then_some("the Debian package `postgresql`")
}

/// Makes a cluster in a folder of its own and sells from it.
pub(super) fn measure(setting: &Setting) -> anyhow::Result<Load> {
    let programs = folder_of_programs().context("PostgreSQL is not installed")?;
    let folder = tempfile::tempdir()?;
    let cluster = make_cluster(&programs, &folder)?;
    let addresses = free_addresses(1)?;
    let address = addresses[0];
    let connections = setting.plan.connections + 10;
    let process = as_its_user(Program::new(programs.join("postgres")))
        .arg("-D")
        .arg(&cluster)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", &format!("port={}", address.port())])
        .args(["-c", &format!("max_connections={connections}")])
        .args(["-c", "fsync=on", "-c", "synchronous_commit=on"])
        .start();
    let mut conversation = connect(&process, address)?;
    conversation.ask(&postgres::query(SCHEMA))?;
    conversation.ask(&postgres::query(&format!("INSERT INTO counter VALUES (1, {TICKETS}, 0)")))?;
    let protocol = postgres::repeat(NAME, NAME, SELL);
    let load = load::run(&setting.plan, &[address], protocol)?;
    let counts = format!("SELECT {TICKETS} - count, (SELECT count(*) FROM receipt) FROM counter");
    let counts = postgres::last_row(&conversation.ask(&postgres::query(&counts))?);
    let sales = load.sales;
    ensure!(
        counts == [sales.to_string(), sales.to_string()],
        "{sales} sold, taken off and receipts: {counts:?}"
    );
    drop(conversation);
    // The whole family has to be gone before its folder goes; SIGKILL would leave the children.
    process.signal(Signal::QUIT);
    process.finish(PATIENCE);
    Ok(load)
}

/// The folder of the newest version that is installed.
fn folder_of_programs() -> Option<PathBuf> {
    let versions = Path::new(DEBIAN_FOLDER).read_dir().into_iter().flatten().flatten();
    let numbered = versions.filter_map(|version| {
        let number = version.file_name().to_str()?.parse::<u32>().ok()?;
        let programs = version.path().join("bin");
        programs.join("initdb").exists().then_some((number, programs))
    });
    let newest = numbered.max().map(|(_, programs)| programs);
    newest.or_else(|| on_path("initdb")?.parent().map(Path::to_owned))
}

fn make_cluster(programs: &Path, folder: &TempDir) -> anyhow::Result<PathBuf> {
    if is_root() {
        let id = |flag| {
            let told = Program::new("id").args([flag, SYSTEM_USER]).run();
            told.stdout.trim().parse().with_context(|| format!("no user `{SYSTEM_USER}`"))
        };
        chown(folder.path(), Some(id("-u")?), Some(id("-g")?))?;
    }
    let cluster = folder.path().join("cluster");
    let made = as_its_user(Program::new(programs.join("initdb")))
        .args(["--username", NAME, "--auth", "trust", "--no-locale", "--encoding", "UTF8"])
        .arg("--pgdata")
        .arg(&cluster)
        .within(MAKING_MAX)
        .run();
    ensure!(made.code == Some(0), "initdb failed: {}", made.stderr);
    Ok(cluster)
}

fn as_its_user(program: Program) -> Program {
    // Its settings are the bench's own, not those of whoever calls it.
    let program = env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("PG")))
        .fold(program, |program, (name, _)| program.without_env(&name));
    if is_root() { program.as_user(SYSTEM_USER) } else { program }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn connect(process: &Process, address: SocketAddr) -> anyhow::Result<Conversation> {
    let greet = || {
        let mut conversation = Conversation::open(address, postgres::read)?;
        conversation.ask(&postgres::start(NAME, NAME))?;
        anyhow::Ok(conversation)
    };
    let begun = Instant::now();
    loop {
        match greet() {
            Ok(conversation) => return Ok(conversation),
            // Until it is ready it answers with an error.
            Err(_) if process.is_running() && begun.elapsed() < PATIENCE => thread::sleep(REST),
            Err(cause) => {
                return Err(cause.context(format!("no PostgreSQL: {}", process.stderr().text())));
            }
        }
    }
}

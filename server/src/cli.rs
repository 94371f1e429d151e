//! The command line: what the user typed becomes a [`Config`], or a message.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    ops::RangeInclusive,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use ipnet::{IpNet, Ipv4Net};

use crate::{
    config::{Config, Durability, Locking, TlsFiles},
    counter::lesson::{Delays, Exclusion},
    db::{Db, UnknownScheme},
    domain::{COUNT_MAX, HOLD_SECONDS_MAX},
    http::{
        access::host_name::HostName,
        app::Refunds,
        connections::event_loops::{Limits, connections_possible},
        message::buyer_rule::BuyerRule,
    },
    ledger::Again,
    log::{self, LogFormat},
    manual::Manual,
    run::{self, RunError},
};

/// How long the yardsticks keep an idle connection.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The most tickets that `--max-per-order` may allow: an answer lists their numbers.
const PER_ORDER_MAX: u64 = 1000;

/// The longest `--event`, in characters: it is a heading.
const EVENT_CHARS_MAX: usize = 100;

/// The longest time that a flag takes.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// A ticket counter over HTTP that cannot oversell.
///
/// What is left stands in a small JSON file that other programs may share:
/// they take `flock` on it, read it, and write it in place.
#[derive(Debug, Parser)]
#[command(name = "server", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Special>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Special {
    /// Answer `POST /buy` with a fixed text and no counter: the yardstick for benches.
    Noop(Noop),
    /// Read the counter and its ledger, change nothing, and say whether they are sound.
    ///
    /// Exit code 0: sound; 1: not.
    Verify(Kept),
    /// Move the counter to another engine, where none is yet: with its receipts, holds and keys.
    ///
    /// What it leaves is closed behind the last sale, and sold from no more. Broken off, it can be gone on with.
    Import(Import),
    /// Write the counter's file anew from its ledger, after showing what it will say.
    Repair(Repair),
    /// Copy the counter, whole and sound, to a folder, while it is being sold from.
    ///
    /// Wherever it is kept, the copy is in files.
    Backup(Backup),
    /// Put a backup in place where no counter is; what is sold then has receipts of its own.
    Restore(Restore),
    #[command(flatten)]
    Manual(Manual),
}

#[derive(Debug, Args)]
struct Backup {
    /// The folder to make; it must not be there yet.
    dir: PathBuf,
    #[command(flatten)]
    counter: Kept,
}

#[derive(Debug, Args)]
struct Restore {
    /// The folder that `server backup` made.
    dir: PathBuf,
    /// How many ticket numbers were given out by now: none of them is sold again, and those that the
    /// backup does not know of are taken off what is left.
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 0, value_parser = whole::<u64>(0..=COUNT_MAX))]
    sold_at_least: u64,
    #[command(flatten)]
    counter: Kept,
}

#[derive(Debug, Args)]
struct Upkeep {
    /// The counter's file.
    #[arg(long, value_name = "FILE", default_value = "db.txt", value_parser = counter_file)]
    db: PathBuf,
    /// How long to wait for the lock.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "3s", value_parser = duration)]
    lock_timeout: Duration,
}

#[derive(Debug, Args)]
struct Kept {
    /// Where the counter is kept: a file, `etcd://host:port,…/name` or `postgres://…/database?counter=name`.
    #[arg(long, value_name = "DB", default_value = "db.txt")]
    db: Db,
    /// How long to wait for the lock of a file.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "3s", value_parser = duration)]
    lock_timeout: Duration,
}

#[derive(Debug, Args)]
struct Import {
    /// Where the counter is kept: a file, `etcd://host:port,…/name` or `postgres://…/database?counter=name`.
    #[arg(long, value_name = "DB")]
    from: Db,
    /// Where it is to be kept, and is not yet.
    #[arg(long, value_name = "DB", default_value = "db.txt")]
    db: Db,
    /// Copy once more what an import that has ended has copied, where nothing is left of it: what was sold there is
    /// in no ledger here, and would be sold once more.
    #[arg(long)]
    again: bool,
    /// How long to wait for the lock of a file.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "3s", value_parser = duration)]
    lock_timeout: Duration,
}

#[derive(Debug, Args)]
struct Repair {
    #[command(flatten)]
    counter: Upkeep,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct Noop {
    /// Hold each batch for one write and one sync of a scratch file in the current folder, as a
    /// sale must: the durable yardstick.
    #[arg(long)]
    synced: bool,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// How many threads serve connections [default: as `server` itself].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u16>(1..=1024))]
    event_loops: Option<u16>,
}

#[derive(Debug, Args)]
struct Serve {
    /// Where the counter is kept: a file, `etcd://host:port,…/name` or `postgres://…/database?counter=name`.
    #[arg(long, value_name = "DB", default_value = "db.txt")]
    db: Db,
    /// Where to listen; port 0 picks a free one. Where other machines reach it, `--allow-host` is needed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Create a missing counter with N tickets; never touches one that exists.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u64>(0..=COUNT_MAX))]
    init: Option<u64>,
    /// How sales are kept apart; all but `group` are the lesson's, unsafe or slow.
    #[arg(long, value_enum, default_value_t = LockingName::Group)]
    locking: LockingName,
    /// A lesson's wait between reading the count and checking it, as `10ms`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "0ms", value_parser = duration)]
    check_delay: Duration,
    /// A lesson's wait between checking the count and writing it, as `20ms`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "0ms", value_parser = duration)]
    write_delay: Duration,
    /// How long a buyer waits for the lock before the answer is "not sold".
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "3s", value_parser = duration)]
    lock_timeout: Duration,
    /// What an answer waits for.
    #[arg(long, value_enum, default_value_t = Durability::Synced)]
    durability: Durability,
    /// The most tickets in one order.
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 10, value_parser = whole::<u64>(1..=PER_ORDER_MAX))]
    max_per_order: u64,
    /// What the tickets are for: the heading of the page and of the tickets.
    #[arg(long, value_name = "TEXT", value_parser = event)]
    event: Option<String>,
    /// Whether an order says who buys.
    #[arg(long, value_enum, default_value_t = BuyerRule::Optional)]
    buyer: BuyerRule,
    /// The longest time for which tickets may be held, as `15m`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "1day", value_parser = hold_max)]
    hold_max: Duration,
    /// Who may refund a sale: whoever has the token of admin calls, or the buyer, by the receipt.
    #[arg(long, value_enum, default_value_t = Refunds::Admin)]
    refunds: Refunds,
    /// How many idempotency keys and ended holds are remembered, as `10m`; past it the oldest are forgotten.
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value = "10m", value_parser = whole::<usize>(1..=4_000_000_000))]
    keys_max: usize,
    /// A file whose first line is the token of admin calls.
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
    /// A host name under which the server may be called, as `shop.example`; repeatable.
    #[arg(long, value_name = "NAME", value_parser = HostName::parse)]
    allow_host: Vec<HostName>,
    /// A proxy that writes `X-Forwarded-For` or `Forwarded` and passes on neither of a client, as `10.0.0.0/8`; repeatable.
    #[arg(long, value_name = "ADDRESS/BITS", value_parser = network)]
    trust_proxy: Vec<IpNet>,
    /// How many calls that change something one client address may make, as `10/s`: so many at once,
    /// and so many a second.
    #[arg(long, value_name = "N/s", allow_hyphen_values = true, value_parser = rate)]
    rate_limit: Option<NonZeroU32>,
    /// Speak TLS with this certificate: PEM, the server's own first, those of its authorities behind
    /// it; read again at SIGHUP.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate: PEM, not encrypted; RSA, ECDSA or Ed25519.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// How long an idle connection is kept.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "75s", value_parser = keep_alive)]
    keep_alive: Duration,
    /// How many connections may be open at once [default: as many as the limit of open files allows].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u32>(2..=u64::from(u32::MAX)))]
    connections_max: Option<u32>,
    /// How many may listen to the live count at once [default: half of the connections].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u32>(1..=u64::from(u32::MAX)))]
    live_max: Option<u32>,
    /// Write a line for each request, with its method, route, status, duration, client and id.
    #[arg(long)]
    access_log: bool,
    /// How the lines of the log are written.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// How many threads serve connections [default: one less than there are cores].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u16>(1..=1024))]
    event_loops: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LockingName {
    /// The durable group commit.
    Group,
    /// One at a time under the advisory lock on the counter's file.
    File,
    /// One at a time under a lock in this process.
    Mutex,
    /// No lock at all.
    None,
}

/// Runs the server's command line: `args` as typed, the program's name first.
///
/// It is a function so that `loadgen` can start a server without a second binary.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let log_format = cli.serve.log_format;
    // What is said is written before the program ends.
    let _log = match log::begin(log_format) {
        Ok(log) => log,
        Err(error) => return without_log(error),
    };
    let outcome = match cli.command {
        Some(Special::Noop(noop)) => {
            let event_loops = loops(noop.event_loops);
            let limits = Limits {
                connections_max: connections_possible(event_loops),
                keep_alive: KEEP_ALIVE,
            };
            let served = run::bind(noop.listen).and_then(|listener| {
                let shutdown = run::shutdown()?;
                if noop.synced {
                    run::noop_synced(limits, event_loops, listener, shutdown)
                } else {
                    run::noop(limits, event_loops, listener, shutdown)
                }
            });
            served.map(|()| true)
        }
        Some(Special::Verify(Kept { db, lock_timeout })) => run::verify(&db, lock_timeout),
        Some(Special::Import(Import { from, db, again, lock_timeout })) => {
            let again = if again { Again::Wanted } else { Again::Refused };
            run::import(&from, &db, again, lock_timeout).map(|()| true)
        }
        Some(Special::Repair(Repair { counter: Upkeep { db, lock_timeout }, dry_run })) => {
            run::repair(&db, lock_timeout, dry_run)
        }
        Some(Special::Backup(Backup { dir, counter: Kept { db, lock_timeout } })) => {
            run::backup(&db, &dir, lock_timeout).map(|()| true)
        }
        Some(Special::Restore(Restore {
            dir,
            sold_at_least,
            counter: Kept { db, lock_timeout },
        })) => run::restore(&db, &dir, sold_at_least, lock_timeout).map(|()| true),
        Some(Special::Manual(manual)) => {
            manual.write(Cli::command()).map(|()| true).map_err(RunError::System)
        }
        None => serve(cli.serve).map(|()| true),
    };
    match outcome {
        Ok(is_sound) => ExitCode::from(u8::from(!is_sound)),
        Err(error) => {
            let hint = error.hint();
            match (log_format, hint) {
                (LogFormat::Json, Some(hint)) => tracing::error!(hint = %hint, "{error}"),
                (LogFormat::Json, None) => tracing::error!("{error}"),
                (LogFormat::Text, hint) => {
                    log::say(format_args!("error: {error}"));
                    hint.iter().for_each(|hint| log::say(format_args!("hint: {hint}")));
                }
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn without_log(error: io::Error) -> ExitCode {
    let error = RunError::System(error);
    let _ = writeln!(io::stderr(), "error: no thread for the log: {error}");
    ExitCode::from(error.exit_code())
}

fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to tell anybody if the terminal is gone.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(run::EXIT_USAGE) } else { ExitCode::SUCCESS }
}

/// Reads the path of a counter's file.
fn counter_file(typed: &str) -> Result<PathBuf, String> {
    match typed.parse().map_err(|error: UnknownScheme| error.to_string())? {
        Db::File(path) => Ok(path),
        Db::Etcd(_) | Db::Postgres(_) => Err(
            "only the file of a counter in files is written anew from its ledger: what is kept \
                 there is looked over by `server verify`, and copied by `server backup`"
                .to_owned(),
        ),
    }
}

/// Reads the name of an event: one line that is no longer than a heading should be.
fn event(text: &str) -> Result<String, String> {
    let event = text.trim();
    let length = event.chars().take(EVENT_CHARS_MAX + 1).count();
    if !(1..=EVENT_CHARS_MAX).contains(&length) || event.chars().any(char::is_control) {
        return Err(format!("expected one line of 1 to {EVENT_CHARS_MAX} characters"));
    }
    Ok(event.to_owned())
}

/// Reads how long tickets may be held: whole seconds, a day at most.
fn hold_max(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(HOLD_SECONDS_MAX);
    let held = humantime::parse_duration(text)
        .map_err(|_| "expected a number and a unit, as in `15m` or `1h`".to_owned())?;
    match held.subsec_nanos() {
        0 if (Duration::from_secs(1)..=longest).contains(&held) => Ok(held),
        _ => Err("expected whole seconds, from `1s` to `1day`".to_owned()),
    }
}

/// What reads a whole number of `range`, such as `5000`, `500k` or `10m`.
fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let (digits, factor) = match text.as_bytes().last() {
            Some(b'k') => (&text[..text.len() - 1], 1000),
            Some(b'm') => (&text[..text.len() - 1], 1_000_000),
            _ => (text, 1),
        };
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().and_then(|number: u64| number.checked_mul(factor));
        let number = number.filter(|number| is_plain && range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            let example = if *most < 5000 { "" } else { ", as in `5000` or `10k`" };
            format!("expected a whole number from {least} to {most}{example}")
        })
    }
}

/// Reads how long a connection is kept: a whole second at least, for clients are told seconds.
fn keep_alive(text: &str) -> Result<Duration, String> {
    let kept = duration(text)?;
    if kept < Duration::from_secs(1) { Err("shorter than one second".to_owned()) } else { Ok(kept) }
}

/// Reads a time such as `10ms` or `3s`, up to [`TIME_MAX`].
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "expected a number and a unit, as in `10ms` or `3s`".to_owned())?;
    if duration > TIME_MAX {
        return Err("longer than one hour".to_owned());
    }
    Ok(duration)
}

/// Reads a rate such as `10/s`.
fn rate(typed: &str) -> Result<NonZeroU32, String> {
    let number = typed.strip_suffix("/s").and_then(|number| number.parse().ok());
    number.ok_or_else(|| "expected how many a second, from 1 on, as in `10/s`".to_owned())
}

/// Reads a network such as `10.0.0.0/8`, or one address.
fn network(typed: &str) -> Result<IpNet, String> {
    let address = |typed: &str| typed.parse::<IpAddr>().map(IpNet::from);
    let network = typed.parse::<IpNet>().or_else(|_| address(typed));
    let network = network.map_err(|_| "expected an address, or a network as in `10.0.0.0/8`")?;
    if network.prefix_len() == 0 {
        return Err("whoever trusts everybody is told anything; name the proxies".to_owned());
    }
    Ok(canonical(network.trunc()))
}

/// `network` of IPv4 where it is one of those that IPv6 maps: a client of IPv4 has its own address on any socket.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let v4 = mapped.addr().to_ipv4_mapped();
    let bits = mapped.prefix_len().checked_sub(96);
    let v4 = v4.zip(bits).and_then(|(v4, bits)| Ipv4Net::new(v4, bits).ok());
    v4.map_or(network, IpNet::V4)
}

/// An address with its port, as typed.
fn address(typed: &str) -> Result<SocketAddr, String> {
    let hint = "expected an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`";
    typed.parse().map_err(|_| hint.to_owned())
}

fn serve(typed: Serve) -> Result<(), RunError> {
    let address = typed.listen;
    let config = typed.check()?;
    run::serve(&config, run::bind(address)?, run::shutdown()?)
}

/// As many threads as were asked for, or one for each core but one: the
/// committer, the disk and the rest of the machine need some room.
fn loops(asked: Option<u16>) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    asked.map_or((cores - 1).max(1), usize::from)
}

impl Serve {
    fn check(self) -> Result<Config, RunError> {
        let delays = Delays { check: self.check_delay, write: self.write_delay };
        let locking = match self.locking {
            LockingName::Group if delays != Delays::default() => return Err(RunError::Delays),
            LockingName::Group => Locking::Group,
            LockingName::File => Locking::Lesson(Exclusion::File, delays),
            LockingName::Mutex => Locking::Lesson(Exclusion::Mutex, delays),
            LockingName::None => Locking::Lesson(Exclusion::None, delays),
        };
        if !self.listen.ip().to_canonical().is_loopback() && self.allow_host.is_empty() {
            return Err(RunError::NoAllowedHost { address: self.listen });
        }
        let possible = connections_possible(loops(self.event_loops));
        let size = |asked: u32| usize::try_from(asked).unwrap_or(usize::MAX);
        let connections_max = self.connections_max.map_or(possible, size);
        if connections_max > possible {
            return Err(RunError::ConnectionsMax { asked: connections_max, possible });
        }
        let live_max = self.live_max.map_or(connections_max / 2, size);
        if live_max >= connections_max {
            return Err(RunError::LiveMax { asked: live_max, connections_max });
        }
        Ok(Config {
            limits: Limits { connections_max, keep_alive: self.keep_alive },
            live_max,
            access_log: self.access_log,
            log_format: self.log_format,
            db: self.db,
            init: self.init,
            locking,
            durability: self.durability,
            lock_timeout: self.lock_timeout,
            max_per_order: self.max_per_order,
            event: self.event,
            buyer: self.buyer,
            hold_seconds_max: self.hold_max.as_secs(),
            refunds: self.refunds,
            names_max: self.keys_max,
            admin_token: self.admin_token_file.map(read_token).transpose()?,
            allowed_hosts: self.allow_host,
            rate_limit: self.rate_limit,
            trusted_proxies: self.trust_proxy,
            tls: self
                .tls_cert
                .zip(self.tls_key)
                .map(|(certificate, key)| TlsFiles { certificate, key }),
            event_loops: loops(self.event_loops),
        })
    }
}

fn read_token(path: PathBuf) -> Result<String, RunError> {
    let text = run::read_secret("--admin-token-file", &path).map_err(|source| {
        RunError::AdminToken { path: path.clone(), reason: source.to_string() }
    })?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = "expected at least 16 printable ASCII characters without spaces".to_owned();
        return Err(RunError::AdminToken { path, reason });
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_number_may_have_a_unit_and_what_is_none_is_told_what_would_be_taken() {
        let serve = |tickets| Cli::try_parse_from(["server", "--init", tickets]);
        assert_eq!(serve("10k").map(|cli| cli.serve.init).ok(), Some(Some(10_000)));
        for tickets in ["10z", "1.5k", "k", "99999999999m"] {
            let said = serve(tickets).expect_err(tickets).to_string();
            assert!(said.contains("a whole number from 0 to 9007199254740991"), "{said}");
        }
    }
}

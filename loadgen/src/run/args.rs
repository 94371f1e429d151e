//! The run's flags: typed by the user, checked once.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    args_error::ArgsError,
    ci::{CiArgs, Company},
    config::{Restock, RunConfig, shares},
    threshold::Threshold,
    typed::{self, COUNT_MAX},
};
use crate::{
    duration, flags,
    lead::HistoryPlace,
    plan::{Action, Arrivals, Holds, Pace, Plan, Profile, Work},
    setup::Mode,
    shop::{Location, Map, Secret, Trust, read_map},
};

/// How long a run takes where nothing else is said.
const LENGTH_DEFAULT: Duration = Duration::from_secs(10);

/// The same where it goes on until it is sold out.
const LENGTH_UNTIL_SOLD_OUT: Duration = Duration::from_secs(60);

/// How long tickets are held where nothing else is said.
const HOLD_SECONDS_DEFAULT: u64 = 2;

/// Put load on a shop, measure it, and judge whether its answers were right.
///
/// Without `-q` and `--stages` the loop is closed: a client sends as soon as it is answered. With
/// them it is open: operations are due by the clock, and the response time counts from there.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RunArgs {
    /// Where the shop is, as in `http://127.0.0.1:8080` or `https://shop.example`
    url: String,

    /// How many clients there are, each with a connection of its own
    #[arg(short = 'c', long, value_name = "N", default_value = "100", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=10_000))]
    concurrency: u32,

    /// How many operations, as in 500, 10k or 2m
    #[arg(short = 'n', long, value_name = "N")]
    #[arg(value_parser = flags::whole::<u64>(1..=COUNT_MAX))]
    #[arg(allow_hyphen_values = true)]
    requests: Option<u64>,

    /// How long [default: 10s, where `-n` and `--stages` do not say it]
    #[arg(short = 'z', long, value_name = "TIME", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true)]
    duration: Option<Duration>,

    /// How many operations a second, all clients together
    #[arg(short = 'q', long, value_name = "RATE", value_parser = typed::constant)]
    #[arg(allow_hyphen_values = true, conflicts_with = "stages")]
    rate: Option<Profile>,

    /// How many a second, changing evenly from point to point, as in 0:0,10s:500
    #[arg(long, value_name = "TIME:RATE,…", value_parser = typed::stages)]
    #[arg(allow_hyphen_values = true)]
    stages: Option<Profile>,

    /// How operations follow each other at that rate
    #[arg(long, value_enum, default_value = "constant")]
    arrivals: Arrivals,

    /// What a worker is
    #[arg(long, value_enum, default_value = "task")]
    mode: Mode,

    /// How many event loops, threads or processes share the clients [default: 1 loop for all
    /// tasks, else one for each client]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u32>(1..=10_000))]
    workers: Option<u32>,

    /// What the operations do, and in which proportion
    #[arg(long, value_name = "MIX", default_value = "buy=1,search=0", value_parser = typed::mix)]
    mix: Work,

    /// Which share of the holds is confirmed
    #[arg(long, value_name = "SHARE", default_value = "0.6", value_parser = typed::share)]
    #[arg(allow_hyphen_values = true)]
    confirm_rate: f64,

    /// Which share of the holds is released; what is neither confirmed nor released lapses
    #[arg(long, value_name = "SHARE", default_value = "0.2", value_parser = typed::share)]
    #[arg(allow_hyphen_values = true)]
    release_rate: f64,

    /// Which share of the sales is refunded
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = typed::share)]
    #[arg(allow_hyphen_values = true)]
    refund_rate: f64,

    /// How long tickets are held; a run ends when its last hold is over [default: 2s, where a map does not say it]
    #[arg(long, value_name = "TIME", value_parser = duration::whole_seconds)]
    #[arg(allow_hyphen_values = true)]
    hold_seconds: Option<u64>,

    /// How long a client waits before it confirms or releases what it holds
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true)]
    confirm_after: Duration,

    /// How many tickets a hold is of
    #[arg(long, value_name = "N", default_value = "1", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(1..=1_000_000))]
    hold_quantity: u64,

    /// Put so many tickets on sale so long after the start, as in 1s:50; as often as needed, the operator's
    #[arg(long, value_name = "TIME:N", value_parser = typed::restock)]
    restock: Vec<Restock>,

    /// Where the operator's token lies, which a restock needs, and a refund unless the server runs with `--refunds
    /// buyer`
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,

    /// Load that is not counted, before the rest; with a rate, at the first one above 0
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true)]
    warmup: Duration,

    /// How long a client waits for an answer
    #[arg(short = 't', long, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = duration::parse, allow_hyphen_values = true)]
    timeout: Duration,

    /// Send again what got no final answer, 10 times in all, with one idempotency key a purchase: in
    /// a map, `${key}`
    #[arg(long)]
    retry: bool,

    /// Send this header field with every request; `${env:NAME}` in it is a variable of the environment
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = typed::field)]
    fields: Vec<typed::Field>,

    /// A body to oha and hey, a time to wrk and k6
    #[arg(short = 'd', hide = true, value_name = "TEXT", value_parser = typed::ambiguous)]
    ambiguous: Option<String>,

    /// Open a connection for each request
    #[arg(long)]
    disable_keepalive: bool,

    /// Trust any certificate of a shop at `https://`
    #[arg(short = 'k', long)]
    insecure: bool,

    /// Speak to another shop, as this file says it
    #[arg(long, value_name = "FILE.toml")]
    map: Option<PathBuf>,

    /// How many tickets there are at the start [default: what a search says]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=i64::MAX.unsigned_abs()))]
    initial: Option<u64>,

    /// Fail (99) where this is not kept, as in 'p(99)<50ms' or 'errors:rate<0.01'
    #[arg(long, value_name = "RULE", value_parser = Threshold::parse)]
    threshold: Vec<Threshold>,

    /// Write every operation to this file, one line of JSON each
    #[arg(long, value_name = "FILE", conflicts_with = "no_history")]
    history: Option<PathBuf>,

    /// Record so many operations at most: past that a run cannot be valid
    #[arg(long, value_name = "N", default_value = "5m")]
    #[arg(value_parser = flags::whole::<u64>(1..=COUNT_MAX))]
    history_limit: u64,

    /// Record nothing: there is no verdict then
    #[arg(long)]
    no_history: bool,

    /// Draw the run as one HTML page; a file of that name is replaced
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// Tell the latencies in detail
    #[arg(long)]
    latency: bool,

    /// Write the result to this file too, as one JSON object; a file of that name is replaced
    #[arg(short = 'o', long, value_name = "FILE.json")]
    output: Option<PathBuf>,

    /// Print the result as one JSON object on stdout, and words on stderr
    #[arg(long)]
    json: bool,

    /// Draw nothing on the terminal
    #[arg(long)]
    no_tui: bool,

    /// Decides between purchases and searches, and how Poisson arrivals fall
    #[arg(long, value_name = "N", default_value_t = 1, allow_hyphen_values = true)]
    #[arg(value_parser = flags::whole::<u64>(0..=u64::MAX))]
    seed: u64,

    #[command(flatten)]
    ci: CiArgs,
}

const EXIT_CODES: &str = "\
Times are a number and a unit: 10ms, 0.1s, 1m, 2h; 24h at most.

A threshold is METRIC:AGGREGATION OPERATOR VALUE. Metrics: `response` (the default; time from the
instant at which an operation was due) and `service` (time from the instant at which it was sent)
with avg, min, med, max and p(N), in milliseconds where no unit is said; `errors` with rate (the
share of operations that were neither sold, sold out nor found) and count; `requests` with rate
(a second) and count. Operators: < <= > >= == === !=

Exit codes:
  0    valid
  1    a violation: no order of the operations explains the answers
  2    wrong usage, a shop that cannot be reached, a `--reset` that fails, or more than this machine
       allows
  3    unknown, or nothing to judge
  70   something failed, such as a worker that does not start
  99   a threshold was missed
  130  interrupted, after printing what was measured
Of several, 130 goes first, then 1, 99 and 3.";

impl RunArgs {
    /// Checks what the flags say together.
    ///
    /// # Errors
    /// Flags that contradict each other, or a URL that is none.
    pub(crate) fn check(self) -> Result<RunConfig, ArgsError> {
        let location = Location::parse(&self.url)?;
        let workers = self.workers.unwrap_or(match self.mode {
            Mode::Task => 1,
            Mode::Thread | Mode::Process => self.concurrency,
        });
        if workers > self.concurrency {
            return Err(ArgsError::IdleWorkers { workers, clients: self.concurrency });
        }
        if self.timeout.is_zero() {
            return Err(ArgsError::NoTime);
        }
        self.check_files()?;
        let mut map = self.map.as_deref().map(read_map).transpose()?;
        let secrets: Vec<(String, Secret)> =
            self.fields.iter().flat_map(|field| field.variables.clone()).collect();
        if let Some(map) = &mut map {
            map.keep_secret(&secrets);
        }
        if self.confirm_rate + self.release_rate > 1.0 {
            return Err(ArgsError::ManyEnds);
        }
        if let Some(map) = &map {
            map.check_clients(self.concurrency)?;
            self.check_map(map)?;
        }
        let admin_token = self.admin_token_file.as_deref().map(admin_token).transpose()?;
        let has_search = map.as_ref().is_none_or(|map| map.members.search.is_some());
        if !has_search && matches!(self.mix, Work::Mix { search: 1.., .. }) {
            return Err(ArgsError::NoSearch);
        }
        let mut restocks = self.restock.clone();
        restocks.sort_by_key(|restock| restock.after);
        let ci = self.ci.check(self.company(workers))?;
        let length = self.length()?;
        let has_products = map.as_ref().is_some_and(|map| !map.products().is_empty());
        let plan = self.plan(length, map.as_ref().and_then(Map::hold_seconds))?;
        Ok(RunConfig {
            location,
            plan,
            profile: self.rate.or(self.stages),
            warm_up: self.warmup,
            length,
            mode: self.mode,
            workers,
            timeout: self.timeout,
            retries: self.retry,
            trust: if self.insecure { Trust::Anybody } else { Trust::Authorities },
            keeps_alive: !self.disable_keepalive,
            fields: self.fields.into_iter().map(|field| field.field).collect(),
            secrets,
            admin_token,
            restocks,
            map,
            initial: self.initial,
            history: match self.history {
                Some(path) => HistoryPlace::File(path),
                None if self.no_history => HistoryPlace::Nowhere,
                None => HistoryPlace::Temporary,
            },
            history_limit: self.history_limit,
            thresholds: self.threshold,
            report: self.report,
            latency: self.latency,
            output: self.output,
            json: self.json,
            // A screen that comes and goes with each round says nothing.
            tui: !self.no_tui && !ci.has_rounds() && !has_products,
            pattern: ci.pattern(1),
            ci,
            url: self.url,
        })
    }

    /// How `workers` let their clients come together.
    fn company(&self, workers: u32) -> Company {
        let apart = if self.rate.is_some() || self.stages.is_some() {
            Some("a closed loop, without `-q` and `--stages`")
        } else if workers > 1 {
            Some("all clients in one worker (`--workers 1`)")
        } else if self.mix.holds() {
            Some("a mix without holds")
        } else {
            None
        };
        Company { apart, buys: self.mix.buys() || self.mix.holds() }
    }

    /// Refuses what the map has no call for.
    fn check_map(&self, map: &Map) -> Result<(), ArgsError> {
        let (holds, sells) = (self.mix.holds(), self.mix.buys() || self.confirm_rate > 0.0);
        for (is_wanted, action, flag, table) in [
            (holds, Action::Hold, "--mix hold=…", "hold"),
            (holds && self.confirm_rate > 0.0, Action::Confirm, "--confirm-rate", "confirm"),
            (holds && self.release_rate > 0.0, Action::Release, "--release-rate", "release"),
            (sells && self.refund_rate > 0.0, Action::Refund, "--refund-rate", "refund"),
            (!self.restock.is_empty(), Action::Restock, "--restock", "restock"),
        ] {
            if is_wanted && !map.has(action) {
                return Err(ArgsError::NoCall { flag, table });
            }
        }
        self.check_products(map)?;
        if holds && self.hold_quantity > 1 && !map.sends_hold_quantity() {
            return Err(ArgsError::NoQuantity);
        }
        if self.hold_seconds.is_some() && map.hold_seconds().is_some() {
            return Err(ArgsError::Lasts);
        }
        for (is_wanted, action, table) in
            [(self.mix.buys(), Action::Buy, "buy"), (holds, Action::Hold, "hold")]
        {
            if self.retry && is_wanted && !map.sends_keys(action) {
                return Err(ArgsError::NoKey(map.file().to_owned(), table));
            }
        }
        Ok(())
    }

    /// Refuses what several products cannot share.
    fn check_products(&self, map: &Map) -> Result<(), ArgsError> {
        let products = map.products();
        if products.is_empty() {
            return Ok(());
        }
        if self.initial.is_some() {
            return Err(ArgsError::ManyProducts(
                "`--initial` (each `[[product]]` has its `initial`)",
            ));
        }
        let weights: Vec<u64> = products.iter().map(|(_, weight)| u64::from(*weight)).collect();
        let clients = shares(u64::from(self.concurrency), &weights);
        let requests = shares(self.requests.unwrap_or(u64::MAX), &weights);
        for (place, (name, _)) in products.iter().enumerate() {
            if clients[place] == 0 || requests[place] < 2 {
                return Err(ArgsError::FewClients((*name).to_owned()));
            }
        }
        Ok(())
    }

    /// Refuses files that the run would lose, or that it cannot read back.
    fn check_files(&self) -> Result<(), ArgsError> {
        let named = [
            ("--history", &self.history),
            ("--report", &self.report),
            ("--output", &self.output),
            ("--map", &self.map),
            ("--junit", &self.ci.junit),
        ];
        let named: Vec<(&str, &Path)> =
            named.iter().filter_map(|(flag, path)| Some((*flag, path.as_deref()?))).collect();
        // A link is the file behind it.
        let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
        for (place, (one, path)) in named.iter().enumerate() {
            for (other, other_path) in &named[place + 1..] {
                if real(path).is_ok_and(|path| real(other_path).is_ok_and(|other| path == other)) {
                    return Err(ArgsError::SameFile { one, other, path: path.to_path_buf() });
                }
            }
        }
        match &self.history {
            Some(path) if path.metadata().is_ok_and(|there| !there.is_file()) => {
                Err(ArgsError::NoFile(path.clone()))
            }
            _ => Ok(()),
        }
    }

    fn length(&self) -> Result<Option<Duration>, ArgsError> {
        let length = match (self.duration, &self.stages, self.requests) {
            (Some(length), _, _) => Some(length),
            (None, Some(stages), _) => Some(stages.length()),
            (None, None, Some(_)) => None,
            (None, None, None) if self.ci.until_sold_out => Some(LENGTH_UNTIL_SOLD_OUT),
            (None, None, None) => Some(LENGTH_DEFAULT),
        };
        match (length, self.duration) {
            (Some(Duration::ZERO), Some(_)) => Err(ArgsError::NoLength),
            (Some(Duration::ZERO), None) => Err(ArgsError::NoStageLength),
            _ => Ok(length),
        }
    }

    /// The plan, where the shop puts tickets aside for so many seconds, or as long as it is asked to.
    fn plan(&self, length: Option<Duration>, lasts: Option<u64>) -> Result<Plan, ArgsError> {
        let pace = match self.rate.as_ref().or(self.stages.as_ref()) {
            Some(profile) => {
                let profile = profile.clone().after_warm_up(self.warmup);
                Pace::Open { profile, arrivals: self.arrivals }
            }
            None if self.arrivals == Arrivals::Poisson => return Err(ArgsError::NoRate),
            None => Pace::Closed,
        };
        // Durations are at most a day each, far below what 64 bits hold.
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Ok(Plan {
            clients: self.concurrency,
            work: self.mix,
            pace,
            warm_up_ns: ns(self.warmup),
            end_ns: length.map(|length| ns(self.warmup + length)),
            requests: self.requests,
            until_sold_out: self.ci.until_sold_out,
            waves: None,
            holds: Holds {
                quantity: self.hold_quantity,
                seconds: self.hold_seconds.or(lasts).unwrap_or(HOLD_SECONDS_DEFAULT),
                confirm: self.confirm_rate,
                release: self.release_rate,
                refund: self.refund_rate,
                end_after_ns: ns(self.confirm_after),
            },
            seed: self.seed,
        })
    }
}

/// The token that the file at `path` has, without white space around it.
fn admin_token(path: &Path) -> Result<Secret, ArgsError> {
    let unreadable = |reason: String| ArgsError::AdminToken { path: path.to_path_buf(), reason };
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unreadable("it has no token in it".to_owned()));
    }
    Ok(Secret(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::history::Header;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parsed(line: &str) -> Result<RunConfig, String> {
        let words = ["run", "http://127.0.0.1:1"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.run.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = parsed("").unwrap();
        assert_eq!((config.plan.clients, config.workers, config.mode), (100, 1, Mode::Task));
        assert_eq!(config.length, Some(Duration::from_secs(10)));
        assert_eq!(config.timeout, Duration::from_secs(10));
        assert_eq!(config.plan.pace, Pace::Closed);
        assert_eq!(config.plan.work, Work::Mix { buy: 1, hold: 0, search: 0 });
    }

    #[test]
    fn a_correct_shop_sells_what_there_was_what_was_held_and_what_is_put_on_sale() {
        let header = Header { held: Some(3), ..Header::new(10) };
        let sold_max = |line: &str| parsed(line).unwrap().sold_max(&header);
        assert_eq!(sold_max(""), Some(13));
        assert_eq!(sold_max("--restock 1s:5 --restock 2s:7"), Some(25));
        assert_eq!(sold_max("--refund-rate 1"), None);
        assert_eq!(parsed("").unwrap().sold_max(&Header::default()), None);
    }

    #[test]
    fn a_rate_opens_the_loop_and_stages_have_a_length() {
        let config = parsed("-q 500 -n 10k").unwrap();
        assert!(matches!(config.plan.pace, Pace::Open { .. }));
        assert_eq!((config.length, config.plan.requests), (None, Some(10_000)));
        let config = parsed("--stages 0:0,4s:500 --warmup 1s").unwrap();
        assert_eq!(config.length, Some(Duration::from_secs(4)));
        assert_eq!(config.plan.end_ns, Some(5_000_000_000));
    }

    #[test]
    fn each_client_has_a_worker_of_its_own_but_for_tasks() {
        assert_eq!(parsed("--mode process -c 7").unwrap().workers, 7);
        assert_eq!(parsed("--mode process -c 7 --workers 2").unwrap().workers, 2);
    }

    #[test]
    fn rounds_try_all_patterns_where_clients_can_wait_for_each_other() {
        let names = |line: &str| {
            let ci = parsed(line).unwrap().ci;
            (1..=3).map(|round| ci.pattern(round).name()).collect::<Vec<_>>()
        };
        let rounds = "--rounds 9 --reset true";
        assert_eq!(names(rounds), ["steady", "at-once", "last-ticket"]);
        for line in ["", "--reset true", "-q 5 --rounds 9 --reset true"] {
            assert_eq!(names(line), ["steady"; 3], "{line}");
        }
        assert_eq!(names(&format!("{rounds} --mode thread")), ["steady"; 3]);
        assert_eq!(
            names(&format!("{rounds} --patterns pairs,steady")),
            ["pairs", "steady", "pairs"]
        );
    }

    #[test]
    fn a_run_until_all_is_sold_has_a_last_end_all_the_same() {
        assert_eq!(parsed("--until-sold-out").unwrap().length, Some(Duration::from_secs(60)));
        assert_eq!(parsed("--until-sold-out -n 9").unwrap().length, None);
        let config = parsed("--until-sold-out -z 5s").unwrap();
        assert_eq!(config.length, Some(Duration::from_secs(5)));
        assert!(config.plan.until_sold_out && !parsed("").unwrap().plan.until_sold_out);
    }

    #[test]
    fn wrong_flags_are_named() {
        for (line, flag) in [
            ("-c 0", "--concurrency"),
            ("-c -1", "--concurrency"),
            ("-c 10001", "--concurrency"),
            ("-n 0", "--requests"),
            ("-n 1.5", "--requests"),
            ("-z 10", "--duration"),
            ("-z 0s", "--duration"),
            ("-q 0", "--rate"),
            ("-q -5", "--rate"),
            ("-q fast", "--rate"),
            ("-q 5 --stages 0:0,1s:5", "--stages"),
            ("--stages 0:0", "--stages"),
            ("--stages 0:5,0:5", "`--stages` ends at 0"),
            ("--stages 0:5,0s:5 -n 10", "`--stages` ends at 0"),
            ("--stages 0:5,0:5 -z 0s", "`--duration` is nothing"),
            ("--arrivals poisson", "--arrivals poisson"),
            ("--mix buy=0", "--mix"),
            ("--mix hold=x", "--mix"),
            ("--mix sell=1", "--mix"),
            ("--confirm-rate 1.5", "--confirm-rate"),
            ("--confirm-rate 0.6 --release-rate 0.6", "`--confirm-rate` and `--release-rate`"),
            ("--refund-rate -1", "--refund-rate"),
            ("--hold-seconds 1", "--hold-seconds"),
            ("--hold-quantity 0", "--hold-quantity"),
            ("--admin-token-file no-such-file", "`--admin-token-file`"),
            ("--workers 0", "--workers"),
            ("--workers 101", "--workers 101"),
            ("--threshold p(99)", "--threshold"),
            ("-t 0s", "--timeout"),
            ("--mode fibre", "--mode"),
            ("--history x --no-history", "--no-history"),
            ("--history-limit none", "--history-limit"),
            ("--history /dev/null", "--history"),
            ("-H Host:x", "the header field `Host` is written by this program"),
            ("-H nothing", "`X-Shop: north`"),
            ("-d 10s", "a time is `-z 10s`"),
            ("--history ./x.html --report x.html", "`--history` and `--report`"),
            ("--report x.toml --map x.toml", "`--report` and `--map`"),
            ("--report x --junit x", "`--report` and `--junit`"),
            ("--rounds 0", "--rounds"),
            ("--rounds 3", "`--rounds 3` needs fresh stock"),
            ("--reset  --rounds 3", "--reset"),
            ("--reset-timeout 5s", "--reset"),
            ("--reset true --reset-timeout 0s", "`--reset-timeout` is nothing"),
            ("--until-sold-out --mix search=1", "needs somebody who buys"),
            ("--patterns waves", "--patterns"),
            ("--patterns pairs -q 5", "`--patterns pairs` needs a closed loop"),
            (
                "--patterns steady,at-once --mode process",
                "`--patterns at-once` needs all clients in one",
            ),
            ("--patterns pairs --mix hold=1", "a mix without holds"),
            ("--require luck", "--require"),
            ("--require sold-out --no-history", "--no-history"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(flag), "{line}: {error}");
        }
    }
}

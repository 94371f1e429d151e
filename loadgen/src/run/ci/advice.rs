//! What to change where a run proves less than it could, by flag and figure. Pure.

use crate::{
    judge::{Overlap, Verdict},
    shop::HAD_ANSWERED,
    tally::Outcomes,
    words::{counted_grouped, grouped},
    worker::ASKS_FOR_LONG,
};

/// So few clients meet a race by chance at best.
const CLIENTS_FEW: u32 = 8;

/// What is advised where there are fewer.
const CLIENTS_ADVISED: u32 = 50;

/// So many purchases should be under way at one time, where a rate says how many come.
const UNDER_WAY: f64 = 4.0;

/// How often.
const TIMES: (&str, &str) = ("time", "times");

/// What a run was and what it saw.
#[derive(Clone, Debug)]
pub(crate) struct Figures<'a> {
    /// How many clients there were.
    pub(crate) clients: u32,
    /// How many tickets a purchase is of.
    pub(crate) quantity: u64,
    /// Operations that were counted.
    pub(crate) requests: u64,
    /// How they ended.
    pub(crate) outcomes: Outcomes,
    /// How many of them there were in the round that `initial` and `left` are of, and how many purchases of these
    /// had an answer.
    pub(crate) of_round: (u64, u64),
    /// Whether what got no final answer was sent again.
    pub(crate) retries: bool,
    /// Whether a connection was used for more than one request.
    pub(crate) keeps_alive: bool,
    /// How many tickets were sold, also in the warm-up.
    pub(crate) sold_ever: u64,
    /// The cause of most that ended badly, and how many did so.
    pub(crate) cause: Option<(&'a str, u64)>,
    /// Tickets at the start and at the end, where that is known.
    pub(crate) initial: Option<i64>,
    /// Tickets at the end.
    pub(crate) left: Option<i64>,
    /// How many operations a second were asked for; `None` in a closed loop.
    pub(crate) rate_rps: Option<f64>,
    /// How long half of them took at most, in microseconds.
    pub(crate) median_us: f64,
    /// How much met.
    pub(crate) overlap: Overlap,
    /// Whether it was to go on until it is sold out.
    pub(crate) until_sold_out: bool,
    /// What the judge says.
    pub(crate) verdict: Verdict,
}

/// What to change, as whole sentences; none where a fault was shown, or nothing is to be changed.
pub(crate) fn advice(figures: &Figures<'_>) -> Vec<String> {
    let Outcomes { sold, sold_out, held, .. } = figures.outcomes;
    let failed = figures.outcomes.failed();
    if figures.verdict == Verdict::Violation || figures.requests == 0 {
        return Vec::new();
    }
    if failed * 2 > figures.requests {
        return vec![refused(figures, failed)];
    }
    if sold + held + figures.sold_ever == 0 {
        let nothing = "Nothing was on sale: put tickets on sale ahead of the run, as by `--reset`.";
        return if sold_out > 0 { vec![nothing.to_owned()] } else { Vec::new() };
    }
    let mut advice = Vec::new();
    if sold_out == 0 {
        let unknown = figures.cause.filter(|_| figures.left.is_some_and(|left| left <= 0));
        advice.push(match unknown.and_then(|cause| no_sold_out(figures, cause)) {
            Some(said) => said,
            None => too_much_stock(figures),
        });
    }
    if let Some((cause, times)) = figures.cause
        && figures.keeps_alive
        && is_stale(cause)
    {
        advice.push(format!(
            "Connections broke, {}: {cause}. {}.",
            counted_grouped(times, TIMES),
            capitalized(FRESH_CONNECTIONS)
        ));
    }
    let overlap = figures.overlap;
    if overlap.purchases >= 2 && overlap.overlapping * 10 < overlap.purchases {
        advice.push(no_overlap(figures));
    } else if figures.clients < CLIENTS_FEW {
        advice.push(format!(
            "Too few clients: {} had at most {} under way at one time, and more of them meet a race more \
             often: `-c {CLIENTS_ADVISED}`.",
            counted_grouped(u64::from(figures.clients), ("client", "clients")),
            counted_grouped(overlap.peak, ("purchase", "purchases")),
        ));
    }
    advice
}

fn refused(figures: &Figures<'_>, failed: u64) -> String {
    let requests = &figures.requests;
    let all = if failed == *requests { "Everything" } else { "Most" };
    let (cause, times) = figures.cause.unwrap_or(("of causes that nobody told", failed));
    let way_out = if let Some(way_out) = turned_away(figures, cause) {
        way_out
    } else if figures.keeps_alive && is_stale(cause) {
        FRESH_CONNECTIONS.to_owned()
    } else if figures.left.is_some_and(|left| left <= 0)
        && figures.outcomes.sold_out == 0
        && let Some(status) = unknown_status(cause)
    {
        named_sold_out(status)
    } else {
        "see one purchase call by call with `loadgen try URL --map FILE.toml --buy`, and mend the map or the \
         account"
            .to_owned()
    };
    format!(
        "{all} failed, {} of {}, most often {}: {cause}. That tries nothing: {way_out}.",
        grouped(failed),
        counted_grouped(*requests, ("operation", "operations")),
        counted_grouped(times, TIMES),
    )
}

/// What to do where a shop closes connections and a request comes too late.
const FRESH_CONNECTIONS: &str = "the shop closes connections without saying so: give each request a fresh one with `--disable-keepalive`";

/// Whether `cause` is of a connection that broke, and would not have if it had been a fresh one.
fn is_stale(cause: &str) -> bool {
    cause.contains(HAD_ANSWERED)
}

/// What to do where `cause` is of a shop that has no time.
fn turned_away(figures: &Figures<'_>, cause: &str) -> Option<String> {
    if cause.contains(ASKS_FOR_LONG) {
        return Some(
            "no client waits for so long: let `Retry-After` be a minute at most".to_owned(),
        );
    }
    if !["status 429", "status 503"].iter().any(|status| cause.contains(status)) {
        return None;
    }
    // Two at least, or nothing meets.
    let fewer = (figures.clients / 4).max(2);
    let fewer = (fewer < figures.clients).then(|| format!("fewer of them (`-c {fewer}`)"));
    let retry = "`--retry`, which keeps `Retry-After`";
    let way_out = match (fewer, figures.retries) {
        (Some(fewer), false) => format!("try {fewer}, and {retry}"),
        (Some(fewer), true) => format!("try {fewer}"),
        (None, false) => format!("try {retry}"),
        (None, true) => "let it take more requests a second while it is tried".to_owned(),
    };
    Some(format!("the shop turns clients away: {way_out}"))
}

/// The status in a `cause` that no rule of the map knows.
fn unknown_status(cause: &str) -> Option<&str> {
    let (_, behind) = cause.split_once("status ")?;
    let (status, rest) = behind.split_at_checked(3)?;
    let is_status = status.bytes().all(|byte| byte.is_ascii_digit());
    (is_status && rest.starts_with(", which no rule of the map knows")).then_some(status)
}

fn named_sold_out(status: &str) -> String {
    format!(
        "if that is \"sold out\", compare `status` and `where` of `sold_out` in the map with it: its status is \
         {status}"
    )
}

/// What to do where nothing is left, nobody was told "sold out", and so many purchases ended by this cause instead.
fn no_sold_out(figures: &Figures<'_>, (cause, times): (&str, u64)) -> Option<String> {
    let way_out = turned_away(figures, cause);
    let way_out = way_out.or_else(|| unknown_status(cause).map(named_sold_out))?;
    Some(format!(
        "Nothing is left, and nobody was told \"sold out\", but {}: {cause}. {}.",
        counted_grouped(times, TIMES),
        capitalized(&way_out)
    ))
}

/// `text` as the beginning of a sentence.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn too_much_stock(figures: &Figures<'_>) -> String {
    let Figures { clients, quantity, .. } = figures;
    let (requests, purchases) = figures.of_round;
    let bought = counted_grouped(purchases, ("purchase", "purchases"));
    let longer = if figures.until_sold_out { "a longer `-z`" } else { "`--until-sold-out`" };
    let (Some(initial), Some(left)) = (figures.initial, figures.left) else {
        return format!(
            "Never sold out: {bought} emptied nothing, so an oversell could not have shown. Put fewer tickets \
             on sale than there are clients ({clients}), or let it go on: {longer}."
        );
    };
    // Whatever else the mix has is counted by `-n` too.
    let enough = u64::try_from(initial).unwrap_or(0) / quantity + u64::from(*clients);
    let enough = enough.saturating_mul(requests).div_ceil(purchases.max(1));
    if left <= 0 {
        return format!(
            "Too few purchases: nothing is left, and nobody asked for more, so an oversell could not have \
             shown. Let it go on: {longer}, or `-n {enough}`."
        );
    }
    let few = (u64::from(*clients) * quantity / 2).max(*quantity);
    let fewer = match u64::try_from(initial) {
        Ok(initial) if few < initial => {
            format!("Put at most {} on sale, or let it go on: ", grouped(few))
        }
        _ => "Let it go on: ".to_owned(),
    };
    format!(
        "Too much stock: {bought} left {} of {}, so an oversell could not have shown. {fewer}{longer}, or \
         `-n {enough}`.",
        grouped(left),
        counted_grouped(u64::try_from(initial).unwrap_or(0), ("ticket", "tickets")),
    )
}

fn no_overlap(figures: &Figures<'_>) -> String {
    let Overlap { purchases, overlapping, .. } = figures.overlap;
    let met = match overlapping {
        0 => {
            format!("none of {} met another", counted_grouped(purchases, ("purchase", "purchases")))
        }
        some => {
            format!("only {} of {} met another", grouped(some), grouped(purchases))
        }
    };
    let way_out = match figures.rate_rps {
        _ if figures.clients == 1 => {
            format!("one client buys one after the other: `-c {CLIENTS_ADVISED}`")
        }
        Some(rate) => {
            let service_s = (figures.median_us / 1e6).max(1e-6);
            format!(
                "one was due every {:.1} ms and took {:.1} ms: `-q {:.0}`, or no `-q` at all",
                1000.0 / rate.max(f64::MIN_POSITIVE),
                service_s * 1000.0,
                (UNDER_WAY / service_s).max(2.0 * rate).ceil(),
            )
        }
        None => format!(
            "there were {} for {}: `-n {}`, or `--until-sold-out`",
            counted_grouped(figures.requests, ("operation", "operations")),
            counted_grouped(u64::from(figures.clients), ("client", "clients")),
            4 * u64::from(figures.clients),
        ),
    };
    format!("No race: {met}, for {way_out}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 50 clients want 20 tickets, 100 times: there is nothing to be changed.
    fn good() -> Figures<'static> {
        Figures {
            clients: 50,
            quantity: 1,
            requests: 100,
            outcomes: Outcomes { sold: 20, sold_out: 80, ..Outcomes::default() },
            of_round: (100, 100),
            retries: false,
            keeps_alive: true,
            sold_ever: 20,
            cause: None,
            initial: Some(20),
            left: Some(0),
            rate_rps: None,
            median_us: 5000.0,
            overlap: Overlap { purchases: 100, overlapping: 100, peak: 50, ..Overlap::default() },
            until_sold_out: false,
            verdict: Verdict::Valid,
        }
    }

    #[track_caller]
    fn says(figures: &Figures<'_>, parts: &[&str]) {
        let advice = advice(figures);
        assert_eq!(advice.len(), 1, "{advice:?}");
        for part in parts {
            assert!(advice[0].contains(part), "no `{part}`: {}", advice[0]);
        }
    }

    #[test]
    fn nothing_is_advised_where_nothing_is_to_be_changed() {
        assert_eq!(advice(&good()), [""; 0]);
        assert_eq!(advice(&Figures { verdict: Verdict::Unknown, ..good() }), [""; 0]);
        let few = Overlap { purchases: 2, overlapping: 2, peak: 2, ..Overlap::default() };
        let pairs =
            Figures { overlap: Overlap { purchases: 100, overlapping: 99, ..few }, ..good() };
        assert_eq!(advice(&pairs), [""; 0]);
    }

    #[test]
    fn a_fault_that_was_shown_needs_no_advice() {
        let outcomes = Outcomes { sold: 100, ..Outcomes::default() };
        let figures =
            Figures { outcomes, clients: 1, left: Some(900), initial: Some(1000), ..good() };
        assert!(!advice(&figures).is_empty());
        assert_eq!(advice(&Figures { verdict: Verdict::Violation, ..figures }), [""; 0]);
    }

    #[test]
    fn too_much_stock_is_told_with_figures() {
        let outcomes = Outcomes { sold: 100, ..Outcomes::default() };
        let much = Figures { outcomes, initial: Some(1000), left: Some(900), ..good() };
        says(
            &much,
            &["left 900 of 1000 tickets", "at most 25 on sale", "`--until-sold-out`", "`-n 1050`"],
        );
        says(&Figures { until_sold_out: true, ..much.clone() }, &["a longer `-z`"]);
        says(&Figures { quantity: 2, ..much.clone() }, &["at most 50 on sale", "`-n 550`"]);
        says(
            &Figures { initial: None, ..much.clone() },
            &["Never sold out", "than there are clients (50)"],
        );
        let outcomes = Outcomes { sold: 50, found: 50, ..Outcomes::default() };
        let of_round = (100, 50);
        says(&Figures { outcomes, of_round, ..much.clone() }, &["50 purchases left", "`-n 2100`"]);
        // Three rounds, of which one left that.
        let of_round = (30, 30);
        says(&Figures { of_round, ..much.clone() }, &["30 purchases left 900"]);
        says(&Figures { left: Some(0), ..much.clone() }, &["Too few purchases", "`-n 1050`"]);
        // Few tickets, and fewer purchases: the stock is not what is to be changed.
        let outcomes = Outcomes { sold: 10, ..Outcomes::default() };
        let (initial, left, requests) = (Some(20), Some(10), 10);
        let of_round = (10, 10);
        let advised = advice(&Figures { outcomes, initial, left, requests, of_round, ..good() });
        assert!(
            advised[0].contains("Let it go on") && !advised[0].contains("at most"),
            "{advised:?}"
        );
    }

    #[test]
    fn purchases_that_did_not_meet_are_told_why() {
        let overlap = Overlap { purchases: 100, overlapping: 0, peak: 1, ..Overlap::default() };
        let apart = Figures { overlap, ..good() };
        says(&Figures { clients: 1, ..apart.clone() }, &["none of 100 purchases", "`-c 50`"]);
        let rate_rps = Some(10.0);
        says(
            &Figures { rate_rps, ..apart.clone() },
            &["every 100.0 ms and took 5.0 ms", "`-q 800`"],
        );
        says(&Figures { requests: 100, ..apart.clone() }, &["`-n 200`"]);
        let overlap = Overlap { overlapping: 4, ..overlap };
        says(&Figures { overlap, rate_rps, ..good() }, &["only 4 of 100 met another"]);
        let overlap = Overlap { overlapping: 40, ..overlap };
        assert_eq!(advice(&Figures { overlap, rate_rps, ..good() }), [""; 0]);
    }

    #[test]
    fn too_few_clients_are_told_so() {
        let overlap = Overlap { peak: 2, ..good().overlap };
        says(
            &Figures { clients: 2, overlap, ..good() },
            &["2 clients", "at most 2 purchases", "`-c 50`"],
        );
        assert_eq!(advice(&Figures { clients: 8, ..good() }), [""; 0]);
    }

    #[test]
    fn what_was_refused_is_told_by_its_cause() {
        let refused = |refused, cause| Figures {
            outcomes: Outcomes { refused, sold: 100 - refused, ..Outcomes::default() },
            cause: Some((cause, refused)),
            ..good()
        };
        says(
            &refused(100, "status 403"),
            &["Everything failed, 100 of 100", "status 403", "`loadgen try"],
        );
        says(&refused(60, "status 429"), &["Most failed, 60 of 100", "`-c 12`", "`--retry`"]);
        let told = "status 503, and asks to wait for more than a minute";
        says(&refused(60, told), &["a minute at most"]);
        let again = Figures { retries: true, ..refused(60, "status 429") };
        assert!(!advice(&again)[0].contains("--retry"));
        for (clients, retries, said) in [
            (1, false, "turns clients away: try `--retry`"),
            (2, true, "turns clients away: let it take more"),
            (3, true, "turns clients away: try fewer of them (`-c 2`)"),
        ] {
            let few = Figures { clients, retries, ..refused(60, "status 503") };
            says(&few, &[said]);
        }
        let slow = refused(60, "no answer within 503ms");
        assert!(!advice(&slow)[0].contains("turns clients away"));
        assert!(!advice(&refused(50, "status 403"))[0].contains("failed"));
    }

    #[test]
    fn a_sold_out_that_the_map_does_not_know_is_told_by_its_status() {
        let nothing_left = |refused, cause| Figures {
            outcomes: Outcomes { sold: 100 - refused, refused, ..Outcomes::default() },
            cause: Some((cause, refused)),
            left: Some(0),
            ..good()
        };
        let unknown = "status 404, which no rule of the map knows";
        for refused in [50, 80] {
            says(
                &nothing_left(refused, unknown),
                &[unknown, "`status` and `where` of `sold_out`", "its status is 404"],
            );
        }
        says(&nothing_left(50, "status 429"), &["50 times", "`--retry`"]);
    }

    #[test]
    fn connections_that_the_shop_closes_are_told_of_with_a_way_out() {
        let fresh = "connection closed before the answer was whole";
        let cause = &format!("{fresh}, {HAD_ANSWERED}");
        for unknown in [40, 80] {
            let broken = Figures {
                outcomes: Outcomes {
                    sold: 10,
                    sold_out: 90 - unknown,
                    unknown,
                    ..Outcomes::default()
                },
                cause: Some((cause, unknown)),
                ..good()
            };
            says(&broken, &[cause, "`--disable-keepalive`"]);
            for other in [
                Figures { keeps_alive: false, ..broken.clone() },
                Figures { cause: Some((fresh, unknown)), ..broken },
            ] {
                let advised = advice(&other);
                assert!(!advised.iter().any(|said| said.contains("--disable")), "{advised:?}");
            }
        }
    }

    #[test]
    fn an_empty_shop_is_told_so() {
        let outcomes = Outcomes { sold_out: 100, ..Outcomes::default() };
        let empty = Figures {
            outcomes,
            sold_ever: 0,
            initial: Some(0),
            verdict: Verdict::Unknown,
            ..good()
        };
        says(&empty, &["Nothing was on sale"]);
        // What was sold in the warm-up was on sale.
        let sold_before = Figures { outcomes, sold_ever: 20, ..good() };
        assert!(!advice(&sold_before).iter().any(|said| said.starts_with("Nothing was")));
        let outcomes = Outcomes { found: 100, ..Outcomes::default() };
        assert_eq!(advice(&Figures { outcomes, ..empty }), [""; 0]);
    }
}

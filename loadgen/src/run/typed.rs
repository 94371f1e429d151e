//! What people type behind flags: counts, rates, mixes and stages.

use std::{env, time::Duration};

use super::config::Restock;
use crate::{
    duration, flags,
    plan::{Profile, ProfileError, Work},
    shop::{Secret, check_field},
};

/// The most operations that can be asked for.
pub(super) const COUNT_MAX: u64 = 1_000_000_000_000;

/// A header field of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name and its value.
    pub(super) field: (String, String),
    /// The variables in it, each with its value, which is shown to nobody.
    pub(super) variables: Vec<(String, Secret)>,
}

/// Reads a header field, such as `Authorization: Bearer …`.
pub(super) fn field(text: &str) -> Result<Field, String> {
    let field = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    let (name, value) = field.ok_or("expected a name and a value, as in `X-Shop: north`")?;
    check_field(name, value)?;
    let mut variables = Vec::new();
    let value = with_variables(value, |name| {
        let value = env::var(name).ok()?;
        variables.push((name.to_owned(), Secret(value.clone())));
        Some(value)
    })?;
    check_field(name, &value)?;
    Ok(Field { field: (name.to_owned(), value), variables })
}

/// `text` with the values of the variables in it: a secret on the command line is there for all to see.
fn with_variables(
    text: &str,
    mut variable: impl FnMut(&str) -> Option<String>,
) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let (name, after) = behind.split_once('}').ok_or("`${` without `}`")?;
        let name =
            name.strip_prefix("env:").ok_or("here stands `${env:NAME}`, and no other `${…}`")?;
        let value = variable(name);
        whole.push_str(before);
        whole.push_str(&value.ok_or_else(|| format!("the environment has no variable `{name}`"))?);
        rest = after;
    }
    Ok(whole + rest)
}

/// Refuses `-d`, which is a body to some tools and a time to others.
pub(super) fn ambiguous(_: &str) -> Result<String, String> {
    Err("here a time is `-z 10s`, and what a purchase sends is said by `--map`".to_owned())
}

/// Reads a rate as a plain decimal number, such as `500` and `0.5`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse().ok().filter(|_| is_plain);
    number.ok_or_else(|| "expected operations a second, as in `500` or `0.5`".to_owned())
}

/// Reads a rate that stays the same.
pub(super) fn constant(text: &str) -> Result<Profile, String> {
    Profile::constant(rate(text)?).map_err(|error| error.to_string())
}

/// Reads `time:rate,time:rate,…`.
pub(super) fn stages(text: &str) -> Result<Profile, String> {
    let points: Vec<(Duration, f64)> = text.split(',').map(stage).collect::<Result<_, String>>()?;
    Profile::stages(&points).map_err(|error: ProfileError| error.to_string())
}

fn stage(text: &str) -> Result<(Duration, f64), String> {
    let (at, rate_rps) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no `time:rate`, as in `10s:500`"))?;
    let named = |reason: String| format!("`{text}`: {reason}");
    let at = if at == "0" { Duration::ZERO } else { duration::parse(at).map_err(named)? };
    Ok((at, rate(rate_rps).map_err(named)?))
}

/// Reads `buy=1,search=9`; what is not named is 0.
pub(super) fn mix(text: &str) -> Result<Work, String> {
    let (mut buy, mut hold, mut search) = (None, None, None);
    for part in text.split(',') {
        let (name, share) = part
            .split_once('=')
            .ok_or_else(|| format!("`{part}` is no `name=share`, as in `buy=1,search=9`"))?;
        let place = match name {
            "buy" => &mut buy,
            "hold" => &mut hold,
            "search" => &mut search,
            _ => {
                return Err(format!(
                    "`{name}` is no operation: there are `buy`, `hold` and `search`"
                ));
            }
        };
        let share = share.parse::<u32>().ok().filter(|share| *share <= 1_000_000);
        let share =
            share.ok_or_else(|| format!("`{part}`: a share is a number from 0 to 1000000"))?;
        if place.replace(share).is_some() {
            return Err(format!("`{name}` is named twice"));
        }
    }
    match (buy.unwrap_or(0), hold.unwrap_or(0), search.unwrap_or(0)) {
        (0, 0, 0) => Err("all shares are 0".to_owned()),
        (buy, hold, search) => Ok(Work::Mix { buy, hold, search }),
    }
}

/// Reads how many tickets are put on sale, and when, as in `1s:50`.
pub(super) fn restock(text: &str) -> Result<Restock, String> {
    let (after, quantity) =
        text.split_once(':').ok_or("expected a time and a number, as in `1s:50`")?;
    Ok(Restock { after: duration::parse(after)?, quantity: flags::whole(1..=COUNT_MAX)(quantity)? })
}

/// Reads a share of a whole, such as `0.5` and `30%`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    const EXPECTED: &str = "expected a share from 0 to 1, as in `0.5` or `50%`";
    let (digits, whole) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text, 1.0),
    };
    let share = rate(digits).map_err(|_| EXPECTED)? / whole;
    (0.0..=1.0).contains(&share).then_some(share).ok_or_else(|| EXPECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_field_can_have_a_variable_in_it() {
        let variable = |name: &str| (name == "TOKEN").then(|| "a${b}".to_owned());
        let with = |text| with_variables(text, variable);
        assert_eq!(with("Bearer ${env:TOKEN}.").as_deref(), Ok("Bearer a${b}."));
        for text in ["${env:NONE}", "${key}", "${env:TOKEN"] {
            assert!(with(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_plain_numbers() {
        assert_eq!((rate("500"), rate("0.5")), (Ok(500.0), Ok(0.5)));
        for text in ["", "-1", "1e3", "inf", "NaN", "5/s", "1.2.3", "."] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["0", "100000000"] {
            assert!(constant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_have_their_bounds() {
        assert_eq!((share("0.5"), share("30%"), share("1")), (Ok(0.5), Ok(0.3), Ok(1.0)));
        for text in ["", "-0.1", "1.1", "101%", "half"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_restock_is_a_time_and_a_number() {
        let after = Duration::from_millis(200);
        assert_eq!(restock("200ms:5"), Ok(Restock { after, quantity: 5 }));
        for text in ["", "5", "1s", "1s:", "1s:0", ":5", "1:5", "1s:-5"] {
            assert!(restock(text).is_err(), "{text}");
        }
    }

    #[test]
    fn stages_name_the_one_that_is_wrong() {
        assert!(stages("0:0,10s:500").is_ok());
        for (text, named) in [
            ("", "``"),
            ("0:0", "two points"),
            ("0:0,10:500", "`10:500`"),
            ("0:0,10s:-5", "`10s:-5`"),
            ("0:0,10s", "`10s`"),
            ("1s:0,10s:5", "`1s`"),
            ("0:0,10s:5,5s:5", "`5s`"),
            ("0:0,10s:0", "above 0"),
        ] {
            let error = stages(text).expect_err(text);
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_mix_names_its_operations() {
        assert_eq!(mix("buy=1,search=9"), Ok(Work::Mix { buy: 1, hold: 0, search: 9 }));
        assert_eq!(mix("search=1"), Ok(Work::Mix { buy: 0, hold: 0, search: 1 }));
        assert_eq!(mix("buy=6,hold=3,search=1"), Ok(Work::Mix { buy: 6, hold: 3, search: 1 }));
        for text in ["", "buy", "buy=x", "buy=-1", "buy=0", "sell=1", "buy=1,buy=2", "buy=1,"] {
            assert!(mix(text).is_err(), "{text}");
        }
    }
}

//! Why a call of several did not bring what the next one needs.

use std::{fmt, time::Duration};

use super::cookies::ForeignCookie;
use crate::{
    duration,
    shop::wire::{Failure, is_passing, is_turned_away},
};

/// What went wrong with one call, and which of the map's it is.
#[derive(Clone, Debug)]
pub(crate) struct FlowFault {
    /// File, line, table and call, as in `` `shop.toml`:12: `buy.step[1]` (`POST /cart`) ``.
    pub(super) call: String,
    /// Whom it was asked of behind its own path, without secrets.
    pub(super) asked_on: Option<String>,
    /// Whether that is one that is made without a purchase: ahead of all, or a search.
    pub(super) is_ahead: bool,
    /// What went wrong.
    pub(super) cause: Cause,
    /// How the answer begins, where there is one, without secrets.
    pub(crate) answer: Option<String>,
}

/// What can go wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cause {
    /// There is no answer.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A name stands for nothing.
    #[error("`${{{0}}}` has no value: no answer gave one")]
    Nameless(String),
    /// A value is not where it should be.
    #[error("`{member}`: nothing stands at `{place}` in its answer")]
    NoValue {
        /// The member of the map.
        member: String,
        /// The place.
        place: String,
    },
    /// The answer is no JSON, and something in it is asked for.
    #[error("`{member}`: `{place}` is a place in JSON, and its answer is none")]
    NoJson {
        /// The member of the map.
        member: String,
        /// The place.
        place: String,
    },
    /// A redirect leads to where one has been.
    #[error("its redirects go in a circle: {0}")]
    Circle(String),
    /// There is no end of them.
    #[error("more than {0} redirects, one after the other")]
    ManyRedirects(usize),
    /// What is asked for is no part of the shop.
    #[error(
        "it leads to another host, `{0}`, and only the shop is asked\n\
         hint: give the shop's URL as the shop itself writes it"
    )]
    OtherHost(String),
    /// What is asked for is nowhere.
    #[error("it leads to `{0}`, which is no URL")]
    NoUrl(String),
    /// A cookie that is not for the shop.
    #[error(
        "the shop sets the cookie `{}` for another host, `{}`, and no browser would send it back",
        .0.name, .0.domain
    )]
    ForeignCookie(ForeignCookie),
    /// A value that no header field takes.
    #[error("the header field `{0}` would have a line end or another control character in it")]
    NoField(String),
    /// The last answer does not come.
    #[error("no last answer within {}: asked {}", duration::format(*.within), if *asked == 1 { "once".to_owned() } else { format!("{asked} times") })]
    Endless {
        /// How long it was asked for.
        within: Duration,
        /// How often.
        asked: u32,
    },
    /// An answer that nothing is known of.
    #[error("{said}, which no rule of the map knows{}", hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
    NoRule {
        /// Its status.
        status: u16,
        /// That, and where it leads.
        said: String,
        /// What to change, where that is known.
        hint: Option<&'static str>,
    },
    /// An answer that does not say what the map has it say, and what to write instead.
    #[error("{reason}\nhint: {hint}")]
    Misread {
        /// What it lacks.
        reason: String,
        /// What to write instead.
        hint: String,
    },
    /// It was refused, or does not say what it should.
    #[error("{0}")]
    Refused(String),
    /// GraphQL's own way to say that something is wrong.
    #[error("its answer has `errors`")]
    Errors,
}

impl fmt::Display for FlowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked_on = self.asked_on.as_ref();
        let asked_on = asked_on.map(|stop| format!(", asked on at `{stop}`")).unwrap_or_default();
        write!(f, "{}{asked_on}: {}", self.call, self.cause)
    }
}

impl FlowFault {
    /// The same in one line that says nothing of this one answer: so it can be counted how often it comes. Which call it
    /// was is told where an operation `is_of_several`.
    pub(super) fn counted(&self, is_of_several: bool) -> String {
        let cause = match &self.cause {
            Cause::NoRule { status, .. } => {
                format!("status {status}, which no rule of the map knows")
            }
            cause => cause.to_string(),
        };
        let cause = cause.lines().next().unwrap_or_default();
        if is_of_several { format!("{}: {cause}", self.call) } else { cause.to_owned() }
    }

    /// Whether the map does not fit the shop, and trying again would end the same way.
    pub(crate) fn is_misfit(&self) -> bool {
        match &self.cause {
            Cause::Failure(failure) => matches!(
                failure,
                Failure::TooLong(_)
                    | Failure::Garbage(_)
                    | Failure::BrokenHttp2(_)
                    | Failure::Unsendable(_)
                    | Failure::Tls
            ),
            Cause::NoRule { status, .. } => !is_passing(*status),
            _ => true,
        }
    }

    /// Whether the call that failed is one that is made without a purchase.
    pub(crate) fn is_ahead_of_purchases(&self) -> bool {
        self.is_ahead
    }

    /// What to do where there was no answer to what looks at the count.
    pub(super) fn way_out(&self) -> Option<&'static str> {
        Some(match self.failure()? {
            Failure::Timeout(_) => "give the shop longer, as with `-t 60s`",
            Failure::Tls => "write `https://`",
            failure if failure.is_broken() => "see in the shop's log why it breaks off",
            Failure::Garbage(_) | Failure::BrokenHttp2(_) | Failure::TooLong(_) => {
                "see what stands there, as with `curl -i`"
            }
            failure => failure.hint(),
        })
    }

    /// The failure that it is, where there was no answer.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match &self.cause {
            Cause::Failure(failure) => Some(failure),
            _ => None,
        }
    }

    /// Whether nothing can have been sent yet.
    pub(super) fn is_ahead(&self) -> bool {
        match &self.cause {
            Cause::Failure(failure) => failure.did_not_happen(),
            Cause::Nameless(_) | Cause::NoField(_) | Cause::OtherHost(_) | Cause::NoUrl(_) => true,
            _ => false,
        }
    }

    /// Whether the answer is that of a shop that did not take the call on; it may have said when to come back.
    pub(super) fn turns_away(&self, says_when: bool) -> bool {
        matches!(&self.cause, Cause::NoRule { status, .. } if is_turned_away(*status, says_when))
    }

    /// Whether it may be otherwise a little later.
    pub(super) fn is_passing(&self) -> bool {
        !self.is_misfit()
    }
}

impl From<ForeignCookie> for Cause {
    fn from(cookie: ForeignCookie) -> Self {
        Self::ForeignCookie(cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_one_whoever_makes_the_call() {
        let cause = Cause::Failure(Failure::Reset);
        let call = "`shop.toml`:2: `buy` (`POST /buy`)".to_owned();
        let fault = FlowFault { call, asked_on: None, is_ahead: false, cause, answer: None };
        assert_eq!(fault.counted(false), Failure::Reset.to_string());
        assert!(fault.counted(true).starts_with("`shop.toml`:2: `buy`"));
    }
}

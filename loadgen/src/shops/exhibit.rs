//! What a shop of the gallery is: its bug, where that was in the world, and the load that brings it out.

use std::{io, path::PathBuf, time::Duration};

use super::calls::Shop;

/// A shop with a bug, and its twin without.
pub(super) struct Exhibit {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// The bug, in one line.
    pub(super) bug: &'static str,
    /// Who had it and what happened, in a few sentences.
    pub(super) story: &'static str,
    /// Where that is told.
    pub(super) source: &'static str,
    /// What the twin does instead, in one line.
    pub(super) mended: &'static str,
    /// The load under which it shows.
    pub(super) load: Load,
    /// How many processes share the shop.
    pub(super) processes: u32,
    /// Why no judge can see it from outside, where none can.
    pub(super) unseen: Option<&'static str>,
    /// Opens it.
    pub(super) open: fn(&Opening) -> io::Result<Box<dyn Shop>>,
}

/// How a shop is opened.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// How many tickets it has at the start.
    pub(super) tickets: i64,
    /// Whether it is the twin.
    pub(super) is_mended: bool,
    /// A folder for its files.
    pub(super) folder: PathBuf,
}

/// What is asked of a shop in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Load {
    /// How many clients there are.
    pub(super) clients: u32,
    /// How many tickets there are at the start.
    pub(super) tickets: i64,
    /// How many operations in all.
    pub(super) requests: u64,
    /// How many a second: by the clock. In a closed loop where nothing is said.
    pub(super) rate_rps: Option<u32>,
    /// Purchases, holds and searches, in this proportion.
    pub(super) mix: [u32; 3],
    /// Which share of the sales is refunded.
    pub(super) refund: f64,
    /// How long a client waits before it confirms a hold, which it always does.
    pub(super) confirm_after: Duration,
    /// How long a client waits for an answer, and then sends again under the same key; no client does where
    /// nothing is said.
    pub(super) retry_after: Option<Duration>,
    /// How many tickets the operator puts on sale meanwhile, and when.
    pub(super) restocks: &'static [(Duration, u64)],
}

impl Load {
    /// Purchases only, of more clients than there are tickets.
    pub(super) const BUYERS: Self = Self {
        clients: 12,
        tickets: 8,
        requests: 24,
        rate_rps: None,
        mix: [1, 0, 0],
        refund: 0.0,
        confirm_after: Duration::ZERO,
        retry_after: None,
        restocks: &[],
    };

    /// The words behind `loadgen run URL` that put the same load on a shop by hand.
    pub(super) fn flags(&self) -> String {
        let Self { clients, requests, mix: [buy, hold, search], .. } = self;
        let ms = |time: Duration| format!("{}ms", time.as_millis());
        let mut flags = format!("-c {clients} -n {requests}");
        flags.extend(self.rate_rps.map(|rate| format!(" -q {rate}")));
        if [*hold, *search] != [0, 0] {
            flags.push_str(&format!(" --mix buy={buy},hold={hold},search={search}"));
        }
        if *hold > 0 {
            flags.push_str(" --confirm-rate 1 --release-rate 0 --hold-seconds 1s");
            flags.push_str(&format!(" --confirm-after {}", ms(self.confirm_after)));
        }
        if self.refund > 0.0 {
            flags.push_str(&format!(" --refund-rate {}", self.refund));
        }
        flags.extend(self.retry_after.map(|after| format!(" -t {} --retry", ms(after))));
        for (after, quantity) in self.restocks {
            flags.push_str(&format!(" --restock {}:{quantity}", ms(*after)));
        }
        flags
    }
}

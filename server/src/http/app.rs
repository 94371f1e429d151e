//! What the handlers of one event loop share.

use crate::{
    counter::single_flight::SingleFlight,
    http::{live::Live, shop::Shop, wire::Shown},
};

/// The counter, its news, and the limits.
pub struct App {
    /// What is sold from.
    pub shop: Shop,
    /// Where those wait who ask what is left; `None` where a quick look does not tell.
    pub reading: SingleFlight<Option<Shown>>,
    /// The news of the count.
    pub live: Live,
    /// The most tickets in one order.
    pub max_per_order: u64,
    /// The token of admin calls.
    pub admin_token: Option<String>,
}

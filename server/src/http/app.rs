//! What the handlers of one event loop share.

use crate::http::{live::Live, shop::Shop};

/// The counter, its news, and the limits.
pub struct App {
    /// What is sold from.
    pub shop: Shop,
    /// The news of the count.
    pub live: Live,
    /// The most tickets in one order.
    pub max_per_order: u64,
    /// The token of admin calls.
    pub admin_token: Option<String>,
}

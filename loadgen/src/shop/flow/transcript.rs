//! What was said, call by call, for people.

use crate::shop::map::Finding;

/// One call of a map, and what came of it; without secrets.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// File, line, table and call.
    pub(crate) call: String,
    /// What was sent: more than one where redirects led on, or the answer was asked for again.
    pub(crate) sent: Vec<Sent>,
    /// The paths that were asked, where redirects led on.
    pub(crate) stops: Vec<String>,
    /// The status of the answer; `None` where there was none.
    pub(crate) status: Option<u16>,
    /// How the answer begins.
    pub(crate) answer: String,
    /// The places that were looked up in it, and what stood there.
    pub(crate) findings: Vec<Finding>,
}

/// One request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The method.
    pub(crate) method: String,
    /// Where to.
    pub(crate) url: String,
    /// The header fields.
    pub(crate) fields: Vec<(String, String)>,
    /// How the body begins.
    pub(crate) body: Option<String>,
}

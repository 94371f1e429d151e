//! What those who read beside the turns are shown of them.

use crate::{
    domain::{Identity, Stock},
    ledger::Cause,
};

/// What the turns have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What tokens are made from; `None` until the ledger was read.
    pub(super) identity: Option<Identity>,
    /// What stood on the counter when a turn last looked.
    pub(super) stock: Option<Stock>,
    /// Why the database cannot be asked, if so.
    pub(super) obstacle: Option<Cause>,
}

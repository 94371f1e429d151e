//! The pages of the operator, `/operator` and `/door`: shells that say nothing by themselves.
//!
//! They ask for the token of admin calls, keep it in the tab's session storage only, and show what those calls
//! answer. Whoever has no token sees a field for one.
//!
//! Browser tests find their way by these ids, which stay: `token`, `sign-in`, `sign-out`; `count`, `held`, `sold`,
//! `refunded`, `admitted`, `revision`, `locking`, `restock`, `restock-quantity`, `set-sale`, `find`, `sales`, `chart`; `code`,
//! `check`, `verdict`, which tells in `data-verdict` whether it is `good`, `bad` or `unsure`.

mod render;

pub use render::{answer_door, answer_operator};

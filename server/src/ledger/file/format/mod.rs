//! What the files say, as text: bytes in, values out; pure.
//!
//! # Layout
//! - [`head`]: the text of `db.txt`; [`reconcile`]: has somebody outside changed the count in it?
//! - [`segment_header`], [`record_line`]: the lines of a segment.
//! - [`snapshot`]: what a ledger has come to.
//! - [`tail`]: what a crash leaves at the end of one, told from damage.
//! - [`watermark`]: up to where the head was written.

pub mod head;
pub mod reconcile;
pub mod record_line;
pub mod segment_header;
pub mod snapshot;
pub mod tail;
pub mod watermark;

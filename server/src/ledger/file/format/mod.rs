//! What the files say, as text: bytes in, values out; pure.
//!
//! # Layout
//! - [`head`]: the text of `db.txt`; [`reconcile`]: has somebody outside changed the count in it?
//! - [`tail`]: what a crash leaves at the end of one, told from damage.
//! - [`watermark`]: up to where the head was written.

pub mod head;
pub mod reconcile;
pub mod tail;
pub mod watermark;

//! The lesson's sellers, kept on purpose.
//!
//! They sell one ticket order at a time straight out of `db.txt`: read, wait,
//! check, wait, write. Under no lock that oversells; under a mutex it is safe
//! within one process; under the file's advisory lock it is safe and slow.

mod seller;

pub use seller::{Delays, Exclusion, LessonError, LessonSale, LessonSeller, Section};

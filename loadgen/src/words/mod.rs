//! Numbers, times, operations and verdicts as people read them, on a terminal and on a page.
//!
//! The judge's stories have words of their own: it stands below.

mod numbers;
mod operations;
mod shell;
mod text;
mod times;
mod verdicts;

pub(crate) use numbers::{counted, counted_grouped, crowd, grouped, grouped_f64, listed, trimmed};
pub(crate) use operations::{answered, answered_in_full, asked, who};
pub(crate) use shell::shell_word;
pub(crate) use text::{
    clipped, clipped_to, harmless, harmless_but_colours, indented, is_control, paragraph, sentence,
};
pub(crate) use times::{latency, time, time_ns};
pub(crate) use verdicts::{coloured, kind_name, sign};

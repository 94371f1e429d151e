//! What people read where a program would read a problem document.

mod render;

pub use render::{RefusalView, answer};

//! The judge, judged.

mod races;

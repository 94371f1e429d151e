//! A load generator with a judge.

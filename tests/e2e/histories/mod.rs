//! Histories: kept by a race, judged by `loadgen check`, told to other judges by `loadgen export`.

mod bad_input;
mod export;
mod golden;
mod kept;
mod pages;

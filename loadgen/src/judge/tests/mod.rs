//! The judge, judged.

mod agreement;
mod brute_force;
mod dice;
mod foreign;
mod holds;
mod properties;
mod races;
mod second_judge;
mod shrinking;
mod simulation;
mod telling;
mod written;

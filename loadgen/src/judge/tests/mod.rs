//! The judge, judged.

mod agreement;
mod brute_force;
mod dice;
mod races;
mod simulation;

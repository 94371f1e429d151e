//! What is the same wherever a counter is kept: it is looked over, moved from engine to engine, and backed up.

mod backup;
mod foreign;
mod import;
mod kept;
mod long;
mod metrics;
mod news;
mod race;
mod told;
mod verify;

//! Connections: accepted, dealt out to event loops, served, and ended.

pub mod activity;
pub mod drain;
pub mod event_loops;
pub mod linger;
pub mod upload;

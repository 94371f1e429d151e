//! Connections: accepted, dealt out to event loops, served, and ended.

pub mod activity;
pub mod connection;
pub mod drain;
pub mod event_loops;
pub mod handshake;
pub mod linger;
pub mod open_connections;
pub mod tls;
pub mod upload;

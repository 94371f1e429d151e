//! Addresses that nobody has just now.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
};

use crate::history::monotonic_ns;

/// Where servers and members listen (ip_local_port_range in ip(7) begins behind these): while one is gone, one of its
/// clients could have its port else.
const PORTS: Range<u16> = 20_000..32_000;

/// So many of them, on loopback.
///
/// # Errors
/// The system refuses.
pub fn free_addresses(many: usize) -> io::Result<Vec<SocketAddr>> {
    let begin = u16::try_from(monotonic_ns() / 1000 % u64::from(PORTS.end - PORTS.start));
    let begin = PORTS.start + begin.unwrap_or(0);
    let ports = (begin..PORTS.end).chain(PORTS.start..begin);
    let listeners = ports.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    // All are looked for before one is given back, so that no two are the same.
    let listeners: Vec<_> = listeners.take(many).collect();
    listeners.iter().map(TcpListener::local_addr).collect()
}

//! Ports for programs that take no port 0.

use loadgen::engines::free_addresses;

/// So many of loopback that nobody has, and that no client is given either.
///
/// # Panics
/// When there are none.
#[track_caller]
pub(crate) fn free_ports<const MANY: usize>() -> [u16; MANY] {
    let free = free_addresses(MANY).expect("free ports");
    std::array::from_fn(|index| free[index].port())
}

//! Who counts as one client: an IPv4 address, or the network of one IPv6 site.

use std::net::IpAddr;

/// One client, which has as many addresses of IPv6 as it wants in its 64 bits (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// An address.
    V4(u32),
    /// A network.
    V6(u64),
}

impl Site {
    /// The one that `address` is of.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments().map(u64::from);
                Self::V6(a << 48 | b << 32 | c << 16 | d)
            }
        }
    }
}

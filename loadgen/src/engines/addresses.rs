//! Addresses that nobody has, and that nobody else of us is given while they are held.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    ops::{Deref, Range},
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as Name, UnixListener},
    },
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

use crate::history::monotonic_ns;

/// Where servers and members listen (ip_local_port_range in ip(7) begins behind these): while one is gone, one of its
/// clients could have its port else.
const PORTS: Range<u16> = 20_000..32_000;

/// Addresses on loopback, for as long as this is there; whoever has them binds them by itself, and again after a while.
#[derive(Debug)]
pub struct Addresses {
    addresses: Vec<SocketAddr>,
    _claims: Vec<UnixListener>,
}

impl Deref for Addresses {
    type Target = [SocketAddr];

    fn deref(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// So many of them.
///
/// # Errors
/// The system refuses, or there are not so many.
pub fn free_addresses(many: usize) -> io::Result<Addresses> {
    let begin = u16::try_from(monotonic_ns() / 1000 % u64::from(PORTS.end - PORTS.start));
    let begin = PORTS.start + begin.unwrap_or(0);
    among((begin..PORTS.end).chain(PORTS.start..begin), many)
}

fn among(ports: impl Iterator<Item = u16>, many: usize) -> io::Result<Addresses> {
    let (addresses, claims): (Vec<_>, Vec<_>) = ports.filter_map(claim).take(many).unzip();
    if addresses.len() < many {
        return Err(io::Error::other(format!("of {many} free ports there are {}", claims.len())));
    }
    Ok(Addresses { addresses, _claims: claims })
}

/// The address with this `port`, if nobody has it and nobody else is going to.
///
/// Whoever binds it does so later, and lets it go for a while when it is started again. So a socket with its name stands
/// for it, which goes with the process that has it, however that ends (unix(7), abstract sockets).
fn claim(port: u16) -> Option<(SocketAddr, UnixListener)> {
    let name = Name::from_abstract_name(format!("tickets-port-{port}")).ok()?;
    let claim = UnixListener::bind_addr(&name).ok()?;
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    bound(address).ok()?;
    Some((address.into(), claim))
}

/// A socket with this `address`, which nobody else has.
///
/// It does not listen: a process that is being started has what is open here until its program begins, and a listener
/// there would keep the address from whoever it is for (SO_REUSEADDR in socket(7)).
fn bound(address: SocketAddrV4) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread, time::Duration};

    use super::*;

    #[test]
    fn no_address_is_given_twice_though_nobody_listens_there_yet() {
        let first = among(PORTS, 5).unwrap();
        let second = among(PORTS, 5).unwrap();
        assert!(first.iter().all(|address| !second.contains(address)), "{first:?}, {second:?}");
        // What is given back can be had again, once no process that was started meanwhile has it (the other tests start
        // some).
        let given_back = first[0];
        drop(first);
        let again = (0..1000).find_map(|_| {
            thread::sleep(Duration::from_millis(10));
            among(std::iter::once(given_back.port()), 1).ok()
        });
        assert_eq!(again.expect("nobody has it for long")[0], given_back);
    }

    #[test]
    fn an_address_where_somebody_listens_is_nobody_elses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(claim(port).is_none());
    }

    #[test]
    fn looking_whether_an_address_is_free_keeps_nobody_from_it() {
        let addresses = free_addresses(1).unwrap();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, addresses[0].port());
        let _with_a_process_that_is_being_started = bound(address).unwrap();
        TcpListener::bind(address).unwrap();
    }

    #[test]
    fn fewer_than_were_asked_for_are_none() {
        assert!(among(PORTS.take(3), 4).is_err());
    }
}

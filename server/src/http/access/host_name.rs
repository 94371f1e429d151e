//! The name of a host as browsers and clients write it in `Host` and `Origin`.

use std::net::Ipv6Addr;

use url::Host;

/// A name under which the server may be called: lower case, international letters encoded, an IPv6
/// address in brackets; without scheme, port and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// Why a text is no name of a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{typed}` is never what a client calls; hint: {hint}")]
pub struct HostNameFault {
    typed: String,
    hint: String,
}

impl HostName {
    /// Reads what an operator typed.
    ///
    /// # Errors
    /// [`HostNameFault`] for what no `Host` ever says: a star, a scheme, a port, a path, a network, a list.
    pub fn parse(typed: &str) -> Result<Self, HostNameFault> {
        let fault = |hint: String| Err(HostNameFault { typed: typed.to_owned(), hint });
        let example = || "a name alone, as in `--allow-host shop.example`".to_owned();
        let every_address =
            || "all addresses of a machine: name each by which it is called".to_owned();
        if typed.contains('*') || typed.trim().contains([',', ' ']) {
            return fault("give each name a flag of its own".to_owned());
        }
        if let Ok(address) = typed.parse::<Ipv6Addr>() {
            return match address.to_canonical().is_unspecified() {
                true => fault(every_address()),
                false => Ok(Self(format!("[{address}]"))),
            };
        }
        let rest = typed.split_once("://").map_or(typed, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_network = rest != authority
            && authority.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_network && !authority.is_empty() && rest.len() == typed.len() {
            return fault("give each address a flag of its own".to_owned());
        }
        let name = without_port(authority);
        let labels = name.strip_suffix('.').unwrap_or(name);
        let is_whole = !labels.is_empty() && labels.split('.').all(|label| !label.is_empty());
        let host = Host::parse(labels).ok().filter(|_| is_whole);
        match host {
            Some(Host::Ipv4(address)) if address.is_unspecified() => fault(every_address()),
            Some(Host::Ipv6(address)) if address.to_canonical().is_unspecified() => {
                fault(every_address())
            }
            Some(host) if name.len() == typed.len() => Ok(Self(host.to_string())),
            Some(host) => fault(format!("the name alone: `--allow-host {host}`")),
            None => fault(example()),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An authority less its port.
pub fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

//! A counter in an etcd cluster: what its address names is read, and nobody is asked yet.

use std::path::PathBuf;

use crate::{
    ledger::etcd::{
        address::{AddressError, EtcdAddress, SCHEME},
        cluster::{Access, Tls},
        engine::EtcdEngine,
        options::{New, Options, Sizes},
    },
    run::{
        RunError,
        machine::{now_ms, random},
        secret_file::read_secret,
    },
};

/// The engine of the counter at `address`, which stands behind `etcd://`, and where that is, for people; a missing
/// counter is made with `init` tickets.
pub(super) fn open(
    address: &str,
    init: Option<u64>,
    names_max: usize,
) -> Result<(EtcdEngine, String), RunError> {
    let typed = format!("{SCHEME}{address}");
    let address: EtcdAddress = typed.parse().map_err(|error: AddressError| RunError::Address {
        scheme: SCHEME,
        reason: error.to_string(),
    })?;
    let access = read(&address)?;
    let new =
        init.map(|tickets| Ok::<_, RunError>(New { tickets, key: random()?, at_ms: now_ms() }));
    let bits = random()?;
    let writer = u128::from_le_bytes(*bits.first_chunk().expect("32 bytes are more than 16"));
    let options = Options { new: new.transpose()?, names_max, sizes: Sizes::default(), writer };
    let engine = EtcdEngine::new(access, &address.name, options)?;
    Ok((engine, address.to_string()))
}

/// Reads the files that `address` names.
fn read(address: &EtcdAddress) -> Result<Access, RunError> {
    let file = |name, path: &PathBuf| {
        read_secret(name, path).map_err(|source| RunError::AddressFile {
            name,
            path: path.clone(),
            source,
        })
    };
    let user = address.user.as_ref().map(|(user, path)| {
        let text = file("password-file", path)?;
        Ok::<_, RunError>((user.clone(), text.lines().next().unwrap_or_default().to_owned()))
    });
    let pem = |name, path: &PathBuf| {
        let read = std::fs::read(path);
        read.map_err(|source| RunError::AddressFile { name, path: path.clone(), source })
    };
    let tls = address.ca.as_ref().map(|ca| {
        let identity = address.identity.as_ref().map(|(certificate, key)| {
            Ok::<_, RunError>((pem("cert", certificate)?, file("key", key)?.into_bytes()))
        });
        Ok::<_, RunError>(Tls { ca: pem("ca", ca)?, identity: identity.transpose()? })
    });
    Ok(Access { members: address.members.clone(), user: user.transpose()?, tls: tls.transpose()? })
}

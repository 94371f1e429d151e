//! A counter in an etcd cluster: what its address names is read, and nobody is asked yet.

use std::{io, path::PathBuf};

use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};

use crate::{
    ledger::{
        Cause, Fault,
        etcd::{
            address::{AddressError, EtcdAddress, SCHEME},
            cluster::{Access, Tls},
            creation,
            engine::EtcdEngine,
            options::{New, Options, Sizes},
            scan::EtcdScan,
            staging::EtcdStage,
        },
        format::base::Base,
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
    let address = parse(address)?;
    let new =
        init.map(|tickets| Ok::<_, RunError>(New { tickets, key: random()?, at_ms: now_ms() }));
    let options = Options { new: new.transpose()?, ..options(names_max)? };
    let engine = EtcdEngine::new(read(&address)?, &address.name, options)?;
    Ok((engine, address.to_string()))
}

/// All of the counter at `address`, from its beginning, where it can be read; and where that is.
pub(super) fn scan(address: &str) -> Result<(Result<EtcdScan, Fault>, String), RunError> {
    let address = parse(address)?;
    let scan = EtcdScan::open(read(&address)?, &address.name);
    Ok((scan.map_err(Fault::from), address.to_string()))
}

/// A counter at `address` in the making, which begins with `base`, and where that is.
pub(super) fn stage(address: &str, base: Base) -> Result<(EtcdStage, String), RunError> {
    let address = parse(address)?;
    let stage = EtcdStage::new(read(&address)?, &address.name, base, &options(usize::MAX)?)?;
    Ok((stage, address.to_string()))
}

/// Removes the counter at `address`, and all that was sold from it.
pub(super) fn remove(address: &str) -> Result<(), RunError> {
    let address = parse(address)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let removed = runtime.block_on(creation::remove(read(&address)?, &address.name));
    let failed = |error| RunError::Engine { place: address.to_string(), cause: Cause::of(error) };
    removed.map_err(failed)
}

fn parse(address: &str) -> Result<EtcdAddress, RunError> {
    let parsed = format!("{SCHEME}{address}").parse();
    parsed.map_err(|error: AddressError| RunError::Address {
        scheme: SCHEME,
        reason: error.to_string(),
    })
}

fn options(names_max: usize) -> Result<Options, RunError> {
    let bits = random()?;
    let writer = u128::from_le_bytes(*bits.first_chunk().expect("32 bytes are more than 16"));
    Ok(Options { new: None, names_max, sizes: Sizes::default(), writer })
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
    let certificates = |name, path: &PathBuf| {
        let pem = pem(name, path)?;
        let nothing =
            || io::Error::new(io::ErrorKind::InvalidData, "no certificate (PEM) is in it");
        match CertificateDer::pem_slice_iter(&pem).next() {
            Some(Ok(_)) => Ok(pem),
            _ => Err(RunError::AddressFile { name, path: path.clone(), source: nothing() }),
        }
    };
    let tls = address.ca.as_ref().map(|ca| {
        let identity = address.identity.as_ref().map(|(certificate, key)| {
            Ok::<_, RunError>((certificates("cert", certificate)?, file("key", key)?.into_bytes()))
        });
        Ok::<_, RunError>(Tls { ca: certificates("ca", ca)?, identity: identity.transpose()? })
    });
    Ok(Access { members: address.members.clone(), user: user.transpose()?, tls: tls.transpose()? })
}

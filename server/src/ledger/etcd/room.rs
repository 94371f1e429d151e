//! How much of its room a cluster has taken, and how many members it has: looked at beside the sales.
//!
//! A cluster that is full sells nothing, so whoever runs it is told in time. How much room there is, a member says
//! among its own metrics only; where that cannot be read nothing is known, and nothing rests on it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use crate::ledger::etcd::{
    cluster::{Access, Cluster, Tls},
    store::reading,
};

/// How long a member may take to tell.
const LOOK: Duration = Duration::from_secs(3);

/// How long to rest between two looks; and until one has been answered: each may cost the members a password's hash.
const REST: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(5));

/// How long to leave the cluster to the first turn.
const AHEAD: Duration = Duration::from_millis(500);

/// From which share on somebody is told, and below which it is over.
const TOLD: (f64, f64) = (0.7, 0.65);

/// The longest text of metrics, in bytes.
const METRICS_BYTES_MAX: u64 = 4 << 20;

/// What a member calls its quota, and what it has taken of it.
const QUOTA: &str = "etcd_server_quota_backend_bytes";
const TAKEN: [&str; 2] = [
    "etcd_mvcc_db_total_size_in_bytes",
    // Before 3.4.
    "etcd_debugging_mvcc_db_total_size_in_bytes",
];

/// How much of its quota the fullest member has taken, from 0 to 1.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<Option<f64>>);

impl Room {
    /// The share; `None` where no member told it when they were asked last.
    pub(super) fn taken(&self) -> Option<f64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, taken: Option<f64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }
}

/// Looks again and again, for as long as it is polled, and tells whoever runs the server, which sells from `place`.
pub(super) async fn watch(room: Arc<Room>, access: Access, cluster: Cluster, place: String) {
    sleep(AHEAD).await;
    // Neither waits for the other: who cannot say who the members are may well be full.
    tokio::join!(watch_members(cluster, &place), watch_room(&room, &access, &place));
}

async fn watch_members(mut cluster: Cluster, place: &str) {
    while !is_number_of_members_told(&mut cluster, place).await {
        sleep(REST.1).await;
    }
}

async fn watch_room(room: &Room, access: &Access, place: &str) {
    let mut is_told = false;
    loop {
        let mut fullest: Option<(f64, &str)> = None;
        for member in &access.members {
            let told = timeout(LOOK, metrics(member, access.tls.as_ref())).await;
            let taken = told.ok().and_then(Result::ok).and_then(|text| taken_in(&text));
            if let Some(taken) = taken
                && fullest.is_none_or(|(most, _)| taken > most)
            {
                fullest = Some((taken, member));
            }
        }
        room.note(fullest.map(|(taken, _)| taken));
        if let Some((taken, member)) = fullest {
            if taken >= TOLD.0 && !is_told {
                tracing::warn!(
                    "{place}: {:.0}% of the room of the etcd member {member} is taken, and a cluster that is full sells \
                     nothing: compact and defragment it, or raise its `--quota-backend-bytes`",
                    taken * 100.0
                );
            }
            is_told = taken >= if is_told { TOLD.1 } else { TOLD.0 };
        }
        sleep(if fullest.is_some() { REST.0 } else { REST.1 }).await;
    }
}

/// Says once where there is one member only; whether the cluster could be asked.
async fn is_number_of_members_told(cluster: &mut Cluster, place: &str) -> bool {
    let Ok(mut link) = cluster.link().await else { return false };
    let Ok(told) = reading(LOOK, link.members.member_list()).await else {
        cluster.forget();
        return false;
    };
    if told.members().len() == 1 {
        tracing::warn!(
            "{place}: the etcd cluster has one member: nothing is sold while that is away, and what it has confirmed is \
             lost with its disk"
        );
    }
    true
}

/// What `member` says of itself, as text.
async fn metrics(member: &str, tls: Option<&Tls>) -> io::Result<String> {
    let stream = TcpStream::connect(member).await?;
    let Some(tls) = tls else { return ask(stream, member).await };
    let host = member.rsplit_once(':').map_or(member, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config(tls).map_err(io::Error::other)?));
    ask(connector.connect(name, stream).await?, member).await
}

/// HTTP/1.0, in which an answer ends with its connection.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, member: &str) -> io::Result<String> {
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {member}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    stream.take(METRICS_BYTES_MAX).read_to_end(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn config(tls: &Tls) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&tls.ca) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(match &tls.identity {
        None => config.with_no_client_auth(),
        Some((certificates, key)) => {
            let certificates = CertificateDer::pem_slice_iter(certificates);
            let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
            config.with_client_auth_cert(certificates, PrivateKeyDer::from_pem_slice(key)?)?
        }
    })
}

/// How much of the quota is taken, where `text` says it.
fn taken_in(text: &str) -> Option<f64> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse::<f64>().ok().filter(|value| *value > 0.0)
    };
    let (quota, taken) = (value(QUOTA)?, TAKEN.into_iter().find_map(value)?);
    Some(taken / quota)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_read_from_what_a_member_says_of_itself() {
        let text = "HTTP/1.0 200 OK\r\n\r\n# HELP etcd_server_quota_backend_bytes Current backend storage quota\n\
                    etcd_server_quota_backend_bytes 2e+09\netcd_mvcc_db_total_size_in_use_in_bytes 7\n\
                    etcd_mvcc_db_total_size_in_bytes 1.402e+09\n";
        assert_eq!(taken_in(text), Some(0.701));
        assert_eq!(taken_in(&text.replace("2e+09", "0")), None, "no quota");
        assert_eq!(taken_in("HTTP/1.0 404 Not Found\r\n\r\n"), None);
    }

    #[test]
    fn what_nobody_has_told_is_not_known() {
        let room = Room::default();
        assert_eq!(room.taken(), None);
        room.note(Some(0.701));
        assert_eq!(room.taken(), Some(0.701));
        room.note(None);
        assert_eq!(room.taken(), None, "nobody tells it any more");
    }
}

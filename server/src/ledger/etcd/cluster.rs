//! The members of a cluster, and calls to one of them.
//!
//! One member is asked until it fails; then all are looked at, at once, and the one
//! that leads is asked from then on. A client is of one member only: so nothing is
//! sent to another, or sent again, but by the code above.
//!
//! The cluster that is found first is the one from then on: a member of another is not
//! used, so that a mistake in an address leads to no second counter.
//!
//! # Invariants
//! - A call ends within its time.
//! - What changes something is sent once.

use std::{
    error::Error as _,
    sync::{Arc, OnceLock},
    time::Duration,
};

use etcd_client::{
    Certificate, Client, ClusterClient, ConnectOptions, Error, Identity, KvClient, TlsOptions,
    WatchClient,
};
use tokio::{task::JoinSet, time::timeout};

use crate::ledger::etcd::error::EtcdError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(1);

/// How long a member may take to say how it is.
const LOOK: Duration = Duration::from_millis(1500);

/// How long the one that leads is waited for, where another has answered.
const GRACE: Duration = Duration::from_millis(50);

/// How often, and for how long, it is asked whether the other side is there.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(1));

/// How long an answer is waited for, by default: a cluster elects a leader in one to two seconds, and what is
/// unknown by then is asked for elsewhere.
pub(super) const ANSWER: Duration = Duration::from_millis(1500);

/// How long for one of many megabytes.
pub(super) const LONG_ANSWER: Duration = Duration::from_secs(10);

/// The most bytes that are read at once.
const READ_BYTES_MAX: usize = 256 << 20;

/// Numbers of gRPC for what came of a call (grpc/grpc, doc/statuscodes.md).
const INVALID_ARGUMENT: i32 = 3;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const FAILED_PRECONDITION: i32 = 9;
const UNAUTHENTICATED: i32 = 16;

/// How a cluster is reached, all files read.
#[derive(Clone)]
pub struct Access {
    /// The members, each as `host:port`.
    pub members: Vec<String>,
    /// Who asks, and the password.
    pub user: Option<(String, String)>,
    /// With what TLS is spoken; without it nothing is secret on the way.
    pub tls: Option<Tls>,
}

/// With what TLS is spoken, in PEM.
#[derive(Clone)]
pub struct Tls {
    /// The certificates of the authorities that vouch for the members.
    pub ca: Vec<u8>,
    /// The certificate with which this side is known, and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// A cluster, and the member that is asked just now.
pub(super) struct Cluster {
    access: Access,
    link: Option<Link>,
    /// Which cluster it is, by its own number, once a member has said it.
    home: Arc<OnceLock<u64>>,
}

/// A member that can be asked.
struct Look {
    member: String,
    link: Link,
    leads: bool,
    /// Which cluster it is of.
    cluster: u64,
}

/// A way to one member.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) kv: KvClient,
    pub(super) watch: WatchClient,
    pub(super) members: ClusterClient,
}

impl Cluster {
    /// The cluster behind `access`; nobody is asked yet.
    pub(super) fn new(access: Access) -> Self {
        Self { access, link: None, home: Arc::default() }
    }

    /// The same cluster, by connections of its own.
    pub(super) fn another(&self) -> Self {
        Self { access: self.access.clone(), link: None, home: Arc::clone(&self.home) }
    }

    /// The member that is asked; where there is none, the best of those that answer.
    ///
    /// # Errors
    /// [`EtcdError`] where none can be used.
    pub(super) async fn link(&mut self) -> Result<Link, EtcdError> {
        if let Some(link) = &self.link {
            return Ok(link.clone());
        }
        let look = look_around(&self.access, self.home.get().copied()).await?;
        // Another part of this process may have found one meanwhile.
        if *self.home.get_or_init(|| look.cluster) != look.cluster {
            return Err(EtcdError::Foreign(look.member));
        }
        Ok(self.link.insert(look.link).clone())
    }

    /// The member that was asked has failed: the next call looks for another.
    pub(super) fn forget(&mut self) {
        self.link = None;
    }
}

/// Looks at all members; gives the one that leads, or another that knows who does, of the cluster `home`.
///
/// Where that is not known yet, all answers are waited for: none is used where they are of two clusters.
async fn look_around(access: &Access, home: Option<u64>) -> Result<Look, EtcdError> {
    let mut looks = JoinSet::new();
    for member in &access.members {
        let (member, access) = (member.clone(), access.clone());
        looks.spawn(async move { look_at(member, &access).await });
    }
    let (mut found, mut faults): (Option<Look>, _) = (None, Vec::new());
    let mut is_one = true;
    loop {
        let next = match &found {
            Some(_) if home.is_some() => {
                timeout(GRACE, looks.join_next()).await.unwrap_or_default()
            }
            _ => looks.join_next().await,
        };
        let due = home.or(found.as_ref().map(|found| found.cluster));
        match next {
            None => break,
            Some(Ok(Ok(look))) if due.is_some_and(|due| look.cluster != due) => {
                is_one = home.is_some();
                faults.push(EtcdError::Foreign(look.member));
            }
            Some(Ok(Ok(look))) if look.leads && home.is_some() => return Ok(look),
            Some(Ok(Ok(look))) if look.leads || found.is_none() => found = Some(look),
            Some(Ok(Err(fault))) => faults.push(fault),
            Some(_) => {}
        }
    }
    found.filter(|_| is_one).ok_or_else(|| worst(faults))
}

/// What is told of several members, none of which can be used: what a person can mend comes first.
fn worst(faults: Vec<EtcdError>) -> EtcdError {
    let rank = |fault: &EtcdError| match fault {
        EtcdError::Denied(_) | EtcdError::Foreign(_) => 0,
        EtcdError::Tls { .. } => 1,
        EtcdError::NoLeader => 2,
        _ => 3,
    };
    let mut reasons: Vec<String> = Vec::new();
    for fault in &faults {
        if let EtcdError::Unknown(reason) = fault
            && !reasons.contains(reason)
        {
            reasons.push(reason.clone());
        }
    }
    let first = faults.into_iter().min_by_key(rank);
    first
        .filter(|fault| rank(fault) < 3)
        .unwrap_or_else(|| EtcdError::Unreachable(reasons.join("; ")))
}

async fn look_at(member: String, access: &Access) -> Result<Look, EtcdError> {
    let unknown = |reason: &str| EtcdError::Unknown(format!("{member}: {reason}"));
    let looking = async {
        let connected = Client::connect([&member], Some(options(access))).await;
        let mut client = connected.map_err(|error| fault(&member, access, &error))?;
        let status = client.status().await.map_err(|error| fault(&member, access, &error))?;
        Ok((client, status))
    };
    let looked = timeout(LOOK, looking).await;
    let (client, status) = looked.map_err(|_| unknown("no answer"))??;
    if status.leader() == 0 {
        return Err(EtcdError::NoLeader);
    }
    let header = status.header().ok_or_else(|| unknown("an answer without a header"))?;
    let (leads, cluster) = (header.member_id() == status.leader(), header.cluster_id());
    let kv = client.kv_client().max_decoding_message_size(READ_BYTES_MAX);
    let (watch, members) = (client.watch_client(), client.cluster_client());
    Ok(Look { link: Link { kv, watch, members }, member, leads, cluster })
}

fn options(access: &Access) -> ConnectOptions {
    let options = ConnectOptions::new()
        .with_connect_timeout(CONNECT)
        .with_require_leader(true)
        .with_tcp_keepalive(KEEP_ALIVE.0)
        .with_keep_alive(KEEP_ALIVE.0, KEEP_ALIVE.1);
    let options = match &access.user {
        Some((name, password)) => options.with_user(name, password),
        None => options,
    };
    match &access.tls {
        None => options,
        Some(Tls { ca, identity }) => {
            let tls = TlsOptions::new().ca_certificate(Certificate::from_pem(ca));
            options.with_tls(match identity {
                Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
                None => tls,
            })
        }
    }
}

/// Why a member cannot be used.
fn fault(member: &str, access: &Access, error: &Error) -> EtcdError {
    if let Some(reason) = refusal(error) {
        return EtcdError::Denied(reason);
    }
    if has_no_leader(error) {
        return EtcdError::NoLeader;
    }
    let reason = deepest(error);
    let is_of_tls = ["certificate", "TLS", "tls", "handshake", "alert"];
    if access.tls.is_some() && is_of_tls.iter().any(|word| reason.contains(word)) {
        return EtcdError::Tls { member: member.to_owned(), reason };
    }
    // Who does not like our certificate says so behind the handshake, and that may be lost with the connection.
    if access.tls.is_some() && reason.contains("closed") {
        let reason =
            format!("{reason}: it may have ended, or not know the certificate of this server");
        return EtcdError::Tls { member: member.to_owned(), reason };
    }
    let ends = ["closed", "reset", "pipe", "protocol", "eof"];
    let lower = reason.to_lowercase();
    if ends.iter().any(|word| lower.contains(word)) {
        // What is no etcd may do so with whatever it does not understand.
        return EtcdError::Unknown(format!(
            "{member}: {reason}, as of a member that has ended, or of what is no etcd"
        ));
    }
    EtcdError::Unknown(format!("{member}: {reason}"))
}

/// Whether a member says that it knows of no leader.
fn has_no_leader(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if status.message() == "etcdserver: no leader")
}

/// What came of a call that changes something, and failed.
pub(super) fn outcome(error: &Error) -> EtcdError {
    if let Some(reason) = refusal(error) {
        return EtcdError::Refused(reason);
    }
    match error {
        Error::GRpcStatus(status)
            if i32::from(status.code()) == RESOURCE_EXHAUSTED
                && status.message().contains("space exceeded") =>
        {
            EtcdError::Full(told(status.message()))
        }
        error if has_no_leader(error) => EtcdError::NoLeader,
        error => EtcdError::Unknown(deepest(error)),
    }
}

/// The words in which a member itself said no, before it changed anything.
///
/// Who is allowed what, and whether a request is one, is looked at ahead of what it asks for (etcd,
/// `server/etcdserver`: `apply_auth.go`, `api/v3rpc/key.go`). Room is looked at ahead of it and behind it: that it was
/// not there says nothing.
fn refusal(error: &Error) -> Option<String> {
    let Error::GRpcStatus(status) = error else { return None };
    let code = i32::from(status.code());
    let is_no = matches!(
        code,
        INVALID_ARGUMENT | PERMISSION_DENIED | FAILED_PRECONDITION | UNAUTHENTICATED
    );
    let is_a_members =
        status.message().starts_with("etcdserver: ") || status.message().starts_with("auth: ");
    (is_no && is_a_members).then(|| told(status.message()))
}

/// A member's words, without whose they are.
fn told(message: &str) -> String {
    message.strip_prefix("etcdserver: ").unwrap_or(message).to_owned()
}

/// What is at the bottom of an error.
fn deepest(error: &Error) -> String {
    let mut at: &dyn std::error::Error = match error {
        Error::GRpcStatus(status) => match status.source() {
            None => return told(status.message()),
            Some(source) => source,
        },
        Error::TransportError(error) => error,
        error => error,
    };
    while let Some(below) = at.source() {
        at = below;
    }
    at.to_string()
}

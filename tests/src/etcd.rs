//! A cluster of three etcd members: Debian's `etcd`, on free ports of 127.0.0.1, in a temporary folder.

use std::{net::TcpListener, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Client, Signal,
    certificate::Certificate,
    peers::Peers,
    process::{Finished, Process},
    program::Program,
    wait::eventually,
};

/// How many members there are.
const MEMBERS: usize = 3;

/// A running cluster.
pub struct Etcd {
    folder: TempDir,
    members: Vec<Member>,
    options: Vec<String>,
    scheme: &'static str,
    peers: Option<Peers>,
}

struct Member {
    client: String,
    peer: String,
    /// Where the others find it.
    advertised: String,
    process: Option<Process>,
}

impl Etcd {
    /// Starts one, and waits until it has a leader.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start() -> Etcd {
        Etcd::with(&[])
    }

    /// The same with these options beside.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn with(options: &[&str]) -> Etcd {
        let options = options.iter().map(ToString::to_string).collect();
        Etcd::begin(options, "http", false).with_a_leader()
    }

    /// The same, of which a member can be cut off from the others.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn that_can_be_parted() -> Etcd {
        // Half of what is the default: who leads is missed the sooner.
        let options = ["--heartbeat-interval=50", "--election-timeout=500"];
        Etcd::begin(options.map(str::to_owned).into(), "http", true).with_a_leader()
    }

    #[track_caller]
    fn with_a_leader(self) -> Etcd {
        eventually("a leader", || self.try_leader());
        self
    }

    /// The same speaking TLS with `certificate`, and with those only whom `clients` vouches for.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn over_tls(certificate: &Certificate, clients: &Certificate) -> Etcd {
        let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
        let options = vec![
            file("cert-file", &certificate.chain()),
            file("key-file", &certificate.key()),
            "--client-cert-auth".to_owned(),
            file("trusted-ca-file", &clients.chain()),
        ];
        Etcd::begin(options, "https", false)
    }

    #[track_caller]
    fn begin(options: Vec<String>, scheme: &'static str, can_be_parted: bool) -> Etcd {
        let folder = TempDir::new().expect("a folder for etcd");
        // etcd takes no port 0; those that were just free are seldom taken meanwhile.
        let free: Vec<_> = (0..2 * MEMBERS)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
            .collect();
        let mut addresses =
            free.iter().map(|free| free.local_addr().expect("it is bound").to_string());
        let members = (0..MEMBERS).map(|_| {
            let mut next = || addresses.next().expect("there are two for each member");
            let (client, peer) = (next(), next());
            Member { client, advertised: peer.clone(), peer, process: None }
        });
        let mut members: Vec<_> = members.collect();
        let addresses: Vec<_> = members.iter().map(|member| member.peer.clone()).collect();
        let peers = can_be_parted.then(|| Peers::before(&addresses));
        for (member, address) in members.iter_mut().zip(peers.iter().flat_map(Peers::addresses)) {
            member.advertised.clone_from(address);
        }
        let mut etcd = Etcd { members, folder, options, scheme, peers };
        drop(free);
        for member in 0..MEMBERS {
            etcd.restart(member);
        }
        etcd
    }

    /// The address of the counter `name` in it, for `--db`.
    pub fn db(&self, name: &str) -> String {
        format!("etcd://{}/{name}", self.addresses().join(","))
    }

    /// Where its members are, each as `host:port`.
    pub fn addresses(&self) -> Vec<String> {
        self.members.iter().map(|member| member.client.clone()).collect()
    }

    /// The member that leads.
    ///
    /// # Panics
    /// When none does.
    #[track_caller]
    pub fn leader(&self) -> usize {
        eventually("a leader", || self.try_leader())
    }

    fn try_leader(&self) -> Option<usize> {
        (0..MEMBERS).find(|member| {
            let status = self.status(*member);
            status.is_some_and(|status| status["header"]["member_id"] == status["leader"])
        })
    }

    /// How far the member that leads has applied the common log.
    ///
    /// # Panics
    /// When none leads.
    #[track_caller]
    pub fn applied_of_the_leader(&self) -> u64 {
        eventually("a leader", || {
            let status = self.status(self.try_leader()?)?;
            status["raftAppliedIndex"].as_str()?.parse().ok()
        })
    }

    /// What a member says of itself; `None` where it says nothing.
    fn status(&self, member: usize) -> Option<Value> {
        let member = &self.members[member];
        let is_running = member.process.as_ref().is_some_and(Process::is_running);
        let client = Client::new(&format!("http://{}", member.client));
        let request = client.request(crate::Method::POST, "/v3/maintenance/status");
        let request = request.json(&json!({})).timeout(std::time::Duration::from_millis(500));
        let answer = is_running.then(|| crate::Answer::try_to(request))?.ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    /// Starts `member`, which is not running.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn restart(&mut self, member: usize) {
        let scheme = self.scheme;
        let peer =
            |(number, member): (usize, &Member)| format!("m{number}=http://{}", member.advertised);
        let peers: Vec<_> = self.members.iter().enumerate().map(peer).collect();
        let Member { client, peer, advertised, .. } = &self.members[member];
        let program = Program::new("etcd")
            .arg(format!("--name=m{member}"))
            .arg(format!("--data-dir={}", self.folder.path().join(format!("m{member}")).display()))
            .arg(format!("--listen-client-urls={scheme}://{client}"))
            .arg(format!("--advertise-client-urls={scheme}://{client}"))
            .arg(format!("--listen-peer-urls=http://{peer}"))
            .arg(format!("--initial-advertise-peer-urls=http://{advertised}"))
            .arg(format!("--initial-cluster={}", peers.join(",")))
            .args(["--initial-cluster-state=new", "--log-level=error"])
            .args(["--auto-compaction-mode=revision", "--auto-compaction-retention=1000"])
            .args(&self.options);
        self.members[member].process = Some(program.start());
    }

    /// Cuts `member` off from the others; who asks it is still answered.
    ///
    /// # Panics
    /// When the cluster cannot be parted, or `member` does not say who it is.
    #[track_caller]
    pub fn isolate(&self, member: usize) {
        let status = eventually("a member that answers", || self.status(member));
        let id = status["header"]["member_id"].as_str().and_then(|id| id.parse::<u64>().ok());
        let name = format!("{:x}", id.expect("a member has a number"));
        self.peers.as_ref().expect("it can be parted").isolate(member, &name);
    }

    /// Whether `member` answers, and knows of no leader.
    pub fn is_alone(&self, member: usize) -> bool {
        let status = self.status(member);
        status.is_some_and(|status| status["leader"].as_str().is_none_or(|leader| leader == "0"))
    }

    /// Lets all reach each other again.
    ///
    /// # Panics
    /// When the cluster cannot be parted.
    #[track_caller]
    pub fn reunite(&self) {
        self.peers.as_ref().expect("it can be parted").mend();
    }

    /// Waits until every member follows one leader.
    ///
    /// # Panics
    /// When they do not.
    #[track_caller]
    pub fn wait_for_all(&self) {
        eventually("all members to follow one leader", || {
            let status =
                (0..MEMBERS).map(|member| self.status(member)).collect::<Option<Vec<_>>>()?;
            let leader = &status[0]["leader"];
            let is_one = leader.is_string() && status.iter().all(|one| one["leader"] == *leader);
            is_one.then_some(())
        });
    }

    /// Sends `signal` to `member`, which is running.
    #[track_caller]
    pub fn signal(&self, member: usize, signal: Signal) {
        let process = self.members[member].process.as_ref();
        process.expect("it is running").signal(signal);
    }

    /// Ends `member` without a chance to clean up (SIGKILL).
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn kill(&mut self, member: usize) {
        let process = self.members[member].process.take();
        drop(process.expect("it is running"));
    }

    /// Runs `etcdctl` with `arguments`, which has to succeed.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> Finished {
        let done = Program::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints={}", self.addresses().join(",")))
            .args(arguments)
            .run();
        assert_eq!(done.code, Some(0), "etcdctl {arguments:?}: {done:?}");
        done
    }
}

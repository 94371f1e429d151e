//! A cluster of three etcd members: Debian's `etcd`, on free ports of 127.0.0.1, in a temporary folder.

use std::{fs, path::Path};

use loadgen::engines::{
    Addresses, Network, Sender,
    etcd::{IMPATIENT, Member, PROGRAM, arguments},
    free_addresses,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Client, Signal,
    certificate::Certificate,
    process::{Finished, Process},
    program::Program,
    wait::eventually,
};

/// How many members there are.
const MEMBERS: usize = 3;

/// What a cluster says that has no time, or is electing a leader.
const LATE: [&str; 4] = ["timed out", "deadline exceeded", "leader changed", "no leader"];

/// A running cluster.
pub struct Etcd {
    members: Vec<Member>,
    _addresses: Addresses,
    running: Vec<Option<Process>>,
    options: Vec<String>,
    scheme: &'static str,
    network: Option<Network>,
    folder: TempDir,
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
        Etcd::begin(IMPATIENT.map(str::to_owned).into(), "http", true).with_a_leader()
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
        let network = can_be_parted.then(|| Network::new().expect("a thread for the network"));
        let addresses = free_addresses(2 * MEMBERS).expect("free ports");
        let (clients, peers) = addresses.split_at(MEMBERS);
        let member = |at: usize| {
            let advertised = network.as_ref().map_or(peers[at], |network| {
                network.link(Sender::Members, at, peers[at]).expect("a free port")
            });
            Member { clients: clients[at], peers: peers[at], advertised }
        };
        let members = (0..MEMBERS).map(member).collect();
        let running = (0..MEMBERS).map(|_| None).collect();
        let _addresses = addresses;
        let mut etcd = Etcd { members, _addresses, running, options, scheme, network, folder };
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
        self.members.iter().map(|member| member.clients.to_string()).collect()
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

    /// How many elections there were, as the member that leads counts them.
    ///
    /// # Panics
    /// When none leads.
    #[track_caller]
    pub fn elections(&self) -> u64 {
        eventually("a leader", || {
            let status = self.status(self.try_leader()?)?;
            status["raftTerm"].as_str()?.parse().ok()
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
        let is_running = self.running[member].as_ref().is_some_and(Process::is_running);
        let client = Client::new(&format!("http://{}", self.members[member].clients));
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
        let program = Program::new(PROGRAM)
            .args(arguments(&self.members, member, self.folder.path(), self.scheme))
            .args(&self.options);
        self.running[member] = Some(program.start());
    }

    /// Cuts `member` off from the others; who asks it is still answered.
    ///
    /// # Panics
    /// When the cluster cannot be parted.
    #[track_caller]
    pub fn isolate(&self, member: usize) {
        self.network.as_ref().expect("it can be parted").cut_member(member);
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
        self.network.as_ref().expect("it can be parted").mend();
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
        let process = self.running[member].as_ref();
        process.expect("it is running").signal(signal);
    }

    /// Ends `member` without a chance to clean up (SIGKILL).
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn kill(&mut self, member: usize) {
        let process = self.running[member].take();
        drop(process.expect("it is running"));
    }

    /// Puts a new cluster in the place of this one: at the same addresses, and with nothing in it.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn replace(&mut self) {
        for member in 0..MEMBERS {
            self.kill(member);
        }
        for member in 0..MEMBERS {
            let data = self.folder.path().join(format!("m{member}"));
            fs::remove_dir_all(data).expect("the data of a member can be removed");
            self.restart(member);
        }
        self.wait_for_all();
    }

    /// Removes what begins with `prefix` from a cluster that is full, until it takes something again.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn make_room(&self, prefix: &str) {
        let removed = self.ctl(&["del", "--prefix", prefix, "--write-out=fields"]).stdout;
        let revision = removed.lines().find_map(|line| line.strip_prefix("\"Revision\" : "));
        self.ctl(&["compact", revision.expect("an answer has a revision")]);
        eventually("room", || {
            // Only what a member has compacted by then does it give back.
            self.ctl(&["defrag"]);
            self.ctl(&["alarm", "disarm"]);
            let is_taken = self.try_ctl(&["put", prefix, ""]).code == Some(0);
            (is_taken && self.ctl(&["alarm", "list"]).stdout.is_empty()).then_some(())
        });
    }

    /// What `member` wrote on standard error since it was started last.
    ///
    /// # Panics
    /// When it is not running.
    #[track_caller]
    pub fn stderr(&self, member: usize) -> String {
        self.running[member].as_ref().expect("it is running").stderr().text()
    }

    /// Runs `etcdctl` with `arguments`, which has to succeed; again where the cluster has no time for it just now.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> Finished {
        let done = self.try_ctl(arguments);
        assert_eq!(done.code, Some(0), "etcdctl {arguments:?}: {done:?}");
        done
    }

    /// The same where it may fail.
    ///
    /// # Panics
    /// When the cluster never has time for it.
    #[track_caller]
    pub fn try_ctl(&self, arguments: &[&str]) -> Finished {
        let program = Program::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .arg(format!("--endpoints={}", self.addresses().join(",")))
            .args(["--dial-timeout=60s", "--command-timeout=60s"])
            .args(arguments);
        eventually("etcdctl to be served", || {
            let done = program.run();
            let is_late =
                done.code != Some(0) && LATE.iter().any(|late| done.stderr.contains(late));
            (!is_late).then_some(done)
        })
    }
}

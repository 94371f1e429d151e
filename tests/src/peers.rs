//! What goes between the members of an etcd cluster, of which one can be cut off from the others.
//!
//! A member tells others one address for all of them, so a proxy of addresses cannot tell who calls. But each of
//! their connections begins with a request that names its sender (`X-Server-From`: etcd, `etcdserver/api/rafthttp`,
//! `http.go` and `stream.go`), and carries that sender's requests only.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// The header that names the sender, in lower case.
const SENDER: &str = "\r\nx-server-from: ";

/// The most that is read of a first request before it is passed on.
const HEAD_MAX: usize = 8 << 10;

/// How long its head may take.
const HEAD: Duration = Duration::from_secs(5);

/// A proxy in front of each member's address for the others.
pub(crate) struct Peers {
    addresses: Vec<String>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ends: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The members that are cut off, as each is named on the wire, with the proxies in front of them.
    isolated: BTreeSet<(usize, String)>,
    open: Vec<Open>,
}

/// A connection, to the member behind proxy `to`, by `from` as it names itself.
struct Open {
    to: usize,
    from: Option<String>,
    ends: [TcpStream; 2],
}

impl State {
    fn is_cut(&self, to: usize, from: Option<&str>) -> bool {
        self.isolated.iter().any(|(member, name)| *member == to || from == Some(name))
    }
}

impl Peers {
    /// Proxies in front of `members`.
    ///
    /// # Panics
    /// When there are no ports.
    #[track_caller]
    pub(crate) fn before(members: &[String]) -> Peers {
        let shared = Arc::<Shared>::default();
        let addresses = members.iter().enumerate().map(|(to, member)| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let address = listener.local_addr().expect("it is bound").to_string();
            let (shared, member) = (Arc::clone(&shared), member.clone());
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if shared.ends.load(Ordering::SeqCst) {
                        return;
                    }
                    let (shared, member) = (Arc::clone(&shared), member.clone());
                    // A connection that cannot be made is one that is closed at once.
                    thread::spawn(move || drop(shared.carry(stream, to, &member)));
                }
            });
            address
        });
        Peers { addresses: addresses.collect(), shared: Arc::clone(&shared) }
    }

    /// Where the others find each member.
    pub(crate) fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// From now on nothing goes between `member`, which is named so on the wire, and the others.
    pub(crate) fn isolate(&self, member: usize, name: &str) {
        let mut state = self.shared.state();
        state.isolated.insert((member, name.to_owned()));
        let (cut, open) = std::mem::take(&mut state.open)
            .into_iter()
            .partition(|open| state.is_cut(open.to, open.from.as_deref()));
        state.open = open;
        close(cut);
    }

    /// From now on all goes through.
    pub(crate) fn mend(&self) {
        self.shared.state().isolated.clear();
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        close(std::mem::take(&mut self.shared.state().open));
        for address in &self.addresses {
            // Who waits for a connection looks whether this is the end with the next one only.
            let _ = TcpStream::connect(address);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self, mut client: TcpStream, to: usize, member: &str) -> std::io::Result<()> {
        client.set_read_timeout(Some(HEAD))?;
        let head = head(&mut client)?;
        client.set_read_timeout(None)?;
        let from = sender(&head);
        let mut server = TcpStream::connect(member)?;
        {
            let mut state = self.state();
            if state.is_cut(to, from.as_deref()) {
                return Ok(());
            }
            let ends = [client.try_clone()?, server.try_clone()?];
            state.open.push(Open { to, from, ends });
        }
        server.write_all(&head)?;
        let (answers, asker) = (server.try_clone()?, client.try_clone()?);
        thread::spawn(move || pass(answers, asker));
        pass(client, server);
        Ok(())
    }
}

fn close(connections: Vec<Open>) {
    for end in connections.into_iter().flat_map(|open| open.ends) {
        let _ = end.shutdown(Shutdown::Both);
    }
}

/// What `client` sends first, up to the end of its first head.
fn head(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 1 << 10];
    while head.len() < HEAD_MAX && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut chunk)? {
            0 => break,
            read => head.extend_from_slice(&chunk[..read]),
        }
    }
    Ok(head)
}

/// The sender that the head of a request names.
fn sender(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, name) = head.split_once(SENDER)?;
    name.split("\r\n").next().map(str::to_owned)
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    // Whichever ends, both do.
    let _ = std::io::copy(&mut from, &mut to);
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

//! What goes between servers and the members of an engine, and between members: proxies that can be cut.
//!
//! # Invariants
//! - A cut is silent, as one of a network is: nobody hears of it, nothing comes through, and what was on its way when it
//!   began, or is sent meanwhile, arrives once it is mended, however late that is.
//!
//! A member of etcd tells the others one address for all of them, so that an address cannot tell who calls. But each of
//! their connections begins with a request that names who sends and mostly whom it is for (`X-Server-From`, `X-Raft-To`:
//! etcd, `etcdserver/api/rafthttp`, `http.go` and `stream.go`), and carries that sender's requests only. One that names
//! nobody is held back while anybody is cut off.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::WriteHalf},
    runtime::{Builder, Handle},
    sync::{oneshot, watch},
    time::{sleep, timeout},
};

/// The headers that name who sends and whom it is for, in lower case.
const FROM: &str = "\r\nx-server-from: ";
const TO: &str = "\r\nx-raft-to: ";

/// The most that is read of a first request before it is passed on, and how long its head may take.
const HEAD_BYTES_MAX: usize = 8 << 10;
const HEAD_MAX: Duration = Duration::from_secs(5);

/// How long to rest where no connection can be taken in, such as for want of open files.
const REST: Duration = Duration::from_millis(10);

/// Who sends by way of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A server.
    Server(usize),
    /// A member.
    Member(usize),
    /// Members of an etcd, which say themselves who they are.
    Members,
}

/// Proxies, and whom they cut off; they end with it.
#[derive(Debug)]
pub struct Network {
    cuts: Arc<watch::Sender<Cuts>>,
    runtime: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Who is cut off.
#[derive(Clone, Debug, Default)]
struct Cuts {
    /// Servers that reach no member.
    servers: BTreeSet<usize>,
    /// Members that reach no other, and are reached by none.
    members: BTreeSet<usize>,
    /// How members of an etcd call themselves, as far as is known.
    names: BTreeMap<usize, String>,
}

/// Whose connection it is, to the member `to`.
#[derive(Clone, Debug)]
struct Way {
    from: Sender,
    /// How a member of an etcd calls itself.
    name: Option<String>,
    to: usize,
}

impl Cuts {
    fn is_cut(&self, way: &Way) -> bool {
        match way.from {
            Sender::Server(server) => self.servers.contains(&server),
            _ if self.members.is_empty() => false,
            _ if self.members.contains(&way.to) => true,
            Sender::Member(member) => self.members.contains(&member),
            Sender::Members => {
                let is_one =
                    |name| self.members.iter().any(|one| self.names.get(one) == Some(name));
                way.name.as_ref().is_none_or(is_one)
            }
        }
    }
}

impl Network {
    /// One that nobody uses yet.
    ///
    /// # Errors
    /// The system refuses a thread or its event loop.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        // A thread of its own: whatever its user waits for, bytes go on.
        let thread = thread::Builder::new().name("network".to_owned()).spawn(move || {
            // Also where the other end was dropped.
            let _ = runtime.block_on(ended);
        })?;
        let cuts = Arc::new(watch::Sender::new(Cuts::default()));
        Ok(Self { cuts, runtime: handle, end: Some(end), thread: Some(thread) })
    }

    /// A proxy by which `from` reaches the member `to`, which listens at `behind`; gives where it listens itself.
    ///
    /// # Errors
    /// There is no port.
    pub fn link(&self, from: Sender, to: usize, behind: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let cuts = Arc::clone(&self.cuts);
        let _inside = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        self.runtime.spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    sleep(REST).await;
                    continue;
                };
                let (cuts, way) = (Arc::clone(&cuts), Way { from, name: None, to });
                // A connection that cannot be made is one that is closed at once.
                tokio::spawn(async move { carry(client, way, behind, &cuts).await });
            }
        });
        Ok(address)
    }

    /// From now on nothing goes between `server` and any member.
    pub fn cut_server(&self, server: usize) {
        self.cuts.send_if_modified(|cuts| cuts.servers.insert(server));
    }

    /// From now on nothing goes between `member` and the other members.
    pub fn cut_member(&self, member: usize) {
        self.cuts.send_if_modified(|cuts| cuts.members.insert(member));
    }

    /// From now on all goes through, and first what was held back.
    pub fn mend(&self) {
        self.cuts.send_modify(|cuts| {
            cuts.servers.clear();
            cuts.members.clear();
        });
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.end.take());
        // It has nothing to do but to end.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn carry(
    mut client: TcpStream,
    mut way: Way,
    behind: SocketAddr,
    cuts: &watch::Sender<Cuts>,
) -> io::Result<()> {
    let mut head = Vec::new();
    if way.from == Sender::Members {
        // One that says nothing yet is passed on without its head.
        let _ = timeout(HEAD_MAX, read_head(&mut client, &mut head)).await;
        way.name = named(&head, FROM);
        if let Some(name) = named(&head, TO) {
            cuts.send_if_modified(|cuts| cuts.names.insert(way.to, name.clone()) != Some(name));
        }
    }
    wait_until_open(cuts, &way).await;
    let mut server = TcpStream::connect(behind).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    server.write_all(&head).await?;
    let (mut asks, mut hears) = client.split();
    let (mut answers, mut asked) = server.split();
    // Whichever ends, both do.
    tokio::select! {
        done = pass(&mut asks, &mut asked, cuts, &way) => done,
        done = pass(&mut answers, &mut hears, cuts, &way) => done,
    }
}

async fn wait_until_open(cuts: &watch::Sender<Cuts>, way: &Way) {
    // It fails only where nobody is left to mend it, and then all of this ends.
    let _ = cuts.subscribe().wait_for(|cuts| !cuts.is_cut(way)).await;
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut WriteHalf<'_>,
    cuts: &watch::Sender<Cuts>,
    way: &Way,
) -> io::Result<()> {
    let mut chunk = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut chunk).await;
        // IMPORTANT: also where it has ended: whoever is cut off does not hear of that either.
        if cuts.borrow().is_cut(way) {
            wait_until_open(cuts, way).await;
        }
        match read? {
            0 => return to.shutdown().await,
            read => to.write_all(&chunk[..read]).await?,
        }
    }
}

/// Reads what `client` sends first, up to the end of its first head.
async fn read_head(client: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<()> {
    while head.len() < HEAD_BYTES_MAX && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(head).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// The value of `header` in the head of a request.
fn named(head: &[u8], header: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, value) = head.split_once(header)?;
    value.split("\r\n").next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
    };

    use super::*;

    /// Listens, and sends back what it hears, once.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut asks = client.try_clone().unwrap();
                    io::copy(&mut asks, &mut client).unwrap();
                });
            }
        });
        address
    }

    fn asked(client: &mut TcpStream, limit: Duration) -> io::Result<u8> {
        let mut byte = [0];
        client.set_read_timeout(Some(limit))?;
        client.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    const LONG: Duration = Duration::from_secs(20);

    /// How long nothing comes through: longer than a byte takes on its way.
    const SHORT: Duration = Duration::from_millis(200);

    #[test]
    fn a_cut_is_silent_and_what_was_sent_meanwhile_arrives_once_it_is_mended() {
        let network = Network::new().unwrap();
        let behind = echo();
        let ways = [0, 1].map(|server| network.link(Sender::Server(server), 0, behind).unwrap());
        let mut clients = ways.map(|way| TcpStream::connect(way).unwrap());
        for client in &mut clients {
            client.write_all(b"a").unwrap();
            assert_eq!(asked(client, LONG).unwrap(), b'a');
        }

        network.cut_server(0);

        let [cut, other] = &mut clients;
        cut.write_all(b"b").unwrap();
        assert_eq!(asked(cut, SHORT).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Nor does a connection that is new.
        let mut late = TcpStream::connect(ways[0]).unwrap();
        late.write_all(b"c").unwrap();
        assert_eq!(asked(&mut late, SHORT).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        other.write_all(b"d").unwrap();
        assert_eq!(asked(other, LONG).unwrap(), b'd');

        network.mend();

        assert_eq!(asked(cut, LONG).unwrap(), b'b');
        assert_eq!(asked(&mut late, LONG).unwrap(), b'c');
    }

    #[test]
    fn a_member_of_an_etcd_is_cut_off_by_the_name_that_it_sends() {
        let network = Network::new().unwrap();
        let behind = echo();
        let way = [0, 1, 2].map(|to| network.link(Sender::Members, to, behind).unwrap());
        let connect = |from: &str, to: usize| {
            let mut client = TcpStream::connect(way[to]).unwrap();
            let head =
                format!("GET / HTTP/1.1\r\nX-Server-From: {from}\r\nX-Raft-To: N{to}\r\n\r\n");
            client.write_all(head.as_bytes()).unwrap();
            client.set_read_timeout(Some(LONG)).unwrap();
            client.read_exact(&mut vec![0; head.len()]).unwrap();
            client
        };
        let (mut to_it, mut from_it) = (connect("N1", 0), connect("N0", 1));
        let mut beside = connect("N1", 2);

        network.cut_member(0);

        for cut in [&mut to_it, &mut from_it] {
            cut.write_all(b"a").unwrap();
            assert_eq!(asked(cut, SHORT).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        beside.write_all(b"b").unwrap();
        assert_eq!(asked(&mut beside, LONG).unwrap(), b'b');
        network.mend();
        assert_eq!(asked(&mut from_it, LONG).unwrap(), b'a');
    }
}

//! A TCP proxy of the test's own, that can keep answers to itself, be far away, or cut what goes through it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// A proxy on a free port of 127.0.0.1.
pub struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    swallows: AtomicBool,
    refuses: AtomicBool,
    ends: AtomicBool,
    delay_micros: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy in front of `address`.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn before(address: &str) -> Proxy {
        Proxy::before_all(&[address])
    }

    /// A proxy in front of several addresses, each of which gets a connection in turn.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn before_all(addresses: &[&str]) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("it is bound").to_string();
        let behind: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for (stream, behind) in listener.incoming().flatten().zip(behind.iter().cycle()) {
                if accepting.ends.load(Ordering::SeqCst) {
                    return;
                }
                if !accepting.refuses.load(Ordering::SeqCst) {
                    // A connection that cannot be made is one that is closed at once.
                    let _ = accepting.carry(stream, behind);
                }
            }
        });
        Proxy { address: own, shared }
    }

    /// Where it listens, such as `127.0.0.1:40001`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its port.
    ///
    /// # Panics
    /// Never: its address ends with one.
    pub fn port(&self) -> u16 {
        let port = self.address.rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("an address with a port")
    }

    /// From now on what is asked goes through, and no answer does.
    pub fn swallow_answers(&self) {
        self.shared.swallows.store(true, Ordering::SeqCst);
    }

    /// From now on what goes through takes so long each way.
    ///
    /// # Panics
    /// Where that is for ever.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).expect("some time");
        self.shared.delay_micros.store(micros, Ordering::SeqCst);
    }

    /// From now on nothing goes through, and what went is closed.
    pub fn cut(&self) {
        self.shared.refuses.store(true, Ordering::SeqCst);
        self.shared.close_all();
    }

    /// From now on all goes through; what was kept back is lost, and its connections are closed.
    pub fn mend(&self) {
        self.shared.swallows.store(false, Ordering::SeqCst);
        self.shared.refuses.store(false, Ordering::SeqCst);
        self.shared.close_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        self.shared.close_all();
        // Who waits for a connection looks whether this is the end with the next one only.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn carry(self: &Arc<Shared>, client: TcpStream, behind: &str) -> std::io::Result<()> {
        let server = TcpStream::connect(behind)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.extend([client.try_clone()?, server.try_clone()?]);
        drop(open);
        for (from, to, is_answer) in
            [(client.try_clone()?, server.try_clone()?, false), (server, client, true)]
        {
            let shared = Arc::clone(self);
            thread::spawn(move || shared.pass(from, to, is_answer));
        }
        Ok(())
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
        let mut chunk = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut chunk) {
            if is_answer && self.swallows.load(Ordering::SeqCst) {
                continue;
            }
            thread::sleep(Duration::from_micros(self.delay_micros.load(Ordering::SeqCst)));
            if to.write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        // Whichever ends, both do.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn close_all(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

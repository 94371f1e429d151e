//! A wire between a client and a server, which loses what it is told to lose.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a wire that holds something back looks whether it still has to.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A port of 127.0.0.1 behind which there is another.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// The next answer with this in it is lost, and its connection with it.
    lost: Mutex<Option<&'static [u8]>>,
    /// What is sent with this in it is kept back, and what is sent behind it.
    held: Mutex<Option<&'static [u8]>>,
    /// Whether nothing gets through any more, and nobody is told.
    is_cut: AtomicBool,
    answers_lost: AtomicU64,
    is_over: AtomicBool,
}

impl Wire {
    /// A wire to `port` of 127.0.0.1.
    ///
    /// # Panics
    /// When there is no free port.
    #[track_caller]
    pub fn to(port: u16) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            lost: Mutex::default(),
            held: Mutex::default(),
            is_cut: AtomicBool::new(false),
            answers_lost: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let ends = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ends.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (to, from) = (Arc::clone(&ends), Arc::clone(&ends));
                let ways = (client.try_clone(), server.try_clone());
                let (Ok(back), Ok(forth)) = ways else { continue };
                thread::spawn(move || carry_requests(client, forth, &to));
                thread::spawn(move || carry_answers(server, &back, &from));
            }
        });
        Wire { port: own, shared }
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Loses the next answer that has `text` in it, and ends its connection: the server has done what it was asked.
    pub fn lose_answer_with(&self, text: &'static [u8]) {
        *lock(&self.shared.lost) = Some(text);
    }

    /// Keeps back what clients send from now on with `text` in it, even after they have gone.
    pub fn hold_requests_with(&self, text: &'static [u8]) {
        *lock(&self.shared.held) = Some(text);
    }

    /// Lets through what was kept back.
    pub fn release_requests(&self) {
        *lock(&self.shared.held) = None;
    }

    /// Lets nothing through from now on, or everything again; nobody is told that it is cut.
    pub fn cut(&self, is_cut: bool) {
        self.shared.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// How many answers were lost.
    pub fn answers_lost(&self) -> u64 {
        self.shared.answers_lost.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// Waits while `holds` says so.
    fn wait_while(&self, holds: impl Fn(&Self) -> bool) {
        while holds(self) && !self.is_over.load(Ordering::SeqCst) {
            thread::sleep(LOOK_EVERY);
        }
    }
}

fn carry_requests(mut client: TcpStream, mut server: TcpStream, shared: &Shared) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = client.read(&mut bytes) {
        let sent = &bytes[..length];
        shared.wait_while(|shared| {
            has(sent, *lock(&shared.held)) || shared.is_cut.load(Ordering::SeqCst)
        });
        if server.write_all(sent).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}

fn carry_answers(mut server: TcpStream, client: &TcpStream, shared: &Shared) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = server.read(&mut bytes) {
        let answer = &bytes[..length];
        if has(answer, *lock(&shared.lost)) {
            *lock(&shared.lost) = None;
            shared.answers_lost.fetch_add(1, Ordering::SeqCst);
            break;
        }
        shared.wait_while(|shared| shared.is_cut.load(Ordering::SeqCst));
        if (&mut &*client).write_all(answer).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

fn has(bytes: &[u8], text: Option<&[u8]>) -> bool {
    text.is_some_and(|text| bytes.windows(text.len()).any(|window| window == text))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the one who listens.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

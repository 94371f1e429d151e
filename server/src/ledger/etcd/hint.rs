//! What is heard of the head, and of others who want to write it, between turns: it wakes whoever waits for news,
//! and nothing rests on it.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use etcd_client::WatchStream;

use crate::ledger::etcd::{
    cluster::{ANSWER, Cluster},
    error::EtcdError,
    keys::Keys,
    store::reading,
    text::{self, Head, Wanted},
};

/// How long to wait before the members are looked at again.
const RETRY: Duration = Duration::from_millis(200);

/// The newest head that was heard of.
#[derive(Debug, Default)]
pub(super) struct Hint {
    heard: Mutex<Heard>,
    changed: Condvar,
}

/// The newest head that was heard of, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) head: Option<Head>,
    /// The revision at which it was written.
    pub(super) head_at: i64,
    pub(super) at: Option<Instant>,
    /// Who asked for a gap last, and when that was heard of.
    pub(super) wanted: Option<(Wanted, Instant)>,
}

impl Hint {
    /// Notes a head that was written at `head_at`, where it is the newest.
    pub(super) fn note(&self, head: &Head, head_at: i64) {
        let mut heard = self.lock();
        if head_at > heard.head_at {
            (heard.head, heard.head_at, heard.at) =
                (Some(head.clone()), head_at, Some(Instant::now()));
            drop(heard);
            self.changed.notify_all();
        }
    }

    /// Notes that somebody asks for a gap.
    fn note_wanted(&self, wanted: Wanted) {
        self.lock().wanted = Some((wanted, Instant::now()));
    }

    /// The newest.
    pub(super) fn heard(&self) -> Heard {
        self.lock().clone()
    }

    /// Waits until something newer than `head_at` is heard of, at most for `patience`.
    pub(super) fn wait_for_newer(&self, head_at: i64, patience: Duration) -> Heard {
        let is_old = |heard: &mut Heard| heard.head_at <= head_at;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, is_old);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        // Nobody panics with half a head.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the head for as long as it is polled.
pub(super) async fn watch(hint: Arc<Hint>, mut cluster: Cluster, keys: Keys) {
    loop {
        if let Err(error) = watch_a_member(&hint, &mut cluster, &keys).await {
            tracing::debug!("no news from etcd by themselves: {error}");
        }
        cluster.forget();
        tokio::time::sleep(RETRY).await;
    }
}

async fn watch_a_member(hint: &Hint, cluster: &mut Cluster, keys: &Keys) -> Result<(), EtcdError> {
    let mut link = cluster.link().await?;
    let mut stream: WatchStream = reading(ANSWER, link.watch.watch(keys.head(), None)).await?;
    reading(ANSWER, stream.watch(keys.wanted(), None)).await?;
    // IMPORTANT: only now: what is written between the two is seen by one of them.
    let now = reading(ANSWER, link.kv.get(keys.head(), None)).await?;
    for kv in now.kvs() {
        note(hint, kv.value(), kv.mod_revision());
    }
    // Whether the member is still there is found out by the connection.
    while let Ok(Some(heard)) = stream.message().await {
        for kv in heard.events().iter().filter_map(etcd_client::Event::kv) {
            if kv.key() == keys.head() {
                note(hint, kv.value(), kv.mod_revision());
            } else if let Ok(wanted) = text::read_line(kv.value()) {
                hint.note_wanted(wanted);
            }
        }
        if heard.canceled() {
            break;
        }
    }
    Ok(())
}

fn note(hint: &Hint, value: &[u8], head_at: i64) {
    if let Ok(head) = text::read_line(value) {
        hint.note(&head, head_at);
    }
}

//! What is asked of a cluster, each in one call: transactions that compare, and reads.
//!
//! A decision rests on a transaction with a write among its operations only, though
//! that one may never come to be: such a one goes through the members' common log.
//! One that only reads is answered by a single member, as a read is, and a member
//! that was paused may answer from the past (etcd-io/etcd#20418).

use std::time::Duration;

use etcd_client::{
    Compare, CompareOp, Error, GetOptions, KeyValue, SortOrder, SortTarget, Txn, TxnOp,
    TxnOpResponse, TxnResponse,
};
use tokio::time::timeout;

use crate::ledger::{
    etcd::{
        cluster::{ANSWER, LONG_ANSWER, Link, outcome},
        error::EtcdError,
        keys::{Keys, first_of},
        text::{self, CounterLine, Head},
    },
    format::record_line::LineFault,
};

/// What a transaction rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// The create revision of the counter.
    pub(super) incarnation: i64,
    /// The revision at which its head was last written.
    pub(super) head_at: i64,
}

/// What a transaction found.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// What it rests on; with the revision that it has now.
    Held(i64),
    /// Something else.
    Moved {
        /// The create revision of the counter; `None` where there is none.
        incarnation: Option<i64>,
        /// The head, and when it was written; `None` where there is none.
        head: Option<(Head, i64)>,
    },
}

/// What was read of a counter at one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The create revision of the counter; `None` where there is none.
    pub(super) incarnation: Option<i64>,
    /// The head, and when it was written; `None` where there is none.
    pub(super) head: Option<(Head, i64)>,
    /// The batches that were asked for, and their first revisions.
    pub(super) batches: Vec<(u64, Vec<u8>)>,
}

/// That counter and head are what `guard` says.
pub(super) fn unmoved(keys: &Keys, guard: Guard) -> Vec<Compare> {
    vec![
        Compare::create_revision(keys.counter(), CompareOp::Equal, guard.incarnation),
        Compare::mod_revision(keys.head(), CompareOp::Equal, guard.head_at),
    ]
}

fn what_is_there(keys: &Keys) -> Vec<TxnOp> {
    let is_there = GetOptions::new().with_keys_only();
    vec![TxnOp::get(keys.counter(), Some(is_there)), TxnOp::get(keys.head(), None)]
}

/// Puts a batch behind the head, and the head that it makes; both or neither.
pub(super) async fn append(
    link: &mut Link,
    keys: &Keys,
    guard: Guard,
    head: &Head,
    (first, batch): (u64, Vec<u8>),
) -> Result<Found, EtcdError> {
    let puts = [
        TxnOp::put(keys.head(), text::line(head), None),
        TxnOp::put(keys.batch(first), batch, None),
    ];
    let txn = Txn::new().when(unmoved(keys, guard)).and_then(puts).or_else(what_is_there(keys));
    let answer = changing(ANSWER, link.kv.txn(txn)).await?;
    found(keys, &answer)
}

/// Asks whether the head is as it was; nothing is changed.
pub(super) async fn confirm(
    link: &mut Link,
    keys: &Keys,
    guard: Guard,
) -> Result<Found, EtcdError> {
    let mut otherwise = what_is_there(keys);
    // IMPORTANT: without this it would only read, and a single member would answer it.
    otherwise.push(TxnOp::delete(keys.nothing(), None));
    let txn = Txn::new().when(unmoved(keys, guard)).or_else(otherwise);
    let answer = changing(ANSWER, link.kv.txn(txn)).await?;
    match found(keys, &answer)? {
        Found::Held(_) => Ok(Found::Held(guard.head_at)),
        moved => Ok(moved),
    }
}

fn found(keys: &Keys, answer: &TxnResponse) -> Result<Found, EtcdError> {
    if answer.succeeded() {
        let at = answer.header().map(etcd_client::ResponseHeader::revision);
        let at = at.ok_or_else(|| EtcdError::Unknown("an answer without a revision".to_owned()))?;
        return Ok(Found::Held(at));
    }
    let mut gets = gets(answer);
    let incarnation = gets.next().and_then(|kvs| kvs.first().map(KeyValue::create_revision));
    let head = head_in(keys, gets.next())?;
    Ok(Found::Moved { incarnation, head })
}

/// The counter's first line, and its incarnation; `None` where there is none.
pub(super) async fn read_counter(
    link: &mut Link,
    keys: &Keys,
    name: &str,
) -> Result<Option<(CounterLine, i64)>, EtcdError> {
    let answer = reading(ANSWER, link.kv.get(keys.counter(), None)).await?;
    let Some(kv) = answer.kvs().first() else { return Ok(None) };
    let damaged = |fault: LineFault| damaged(&keys.counter(), &fault);
    let (version, known) = (text::version(kv.value()).map_err(damaged)?, text::VERSION);
    if version > known {
        return Err(EtcdError::Newer { name: name.to_owned(), version, known });
    }
    let line = text::read_line(kv.value()).map_err(damaged)?;
    Ok(Some((line, kv.create_revision())))
}

/// Makes a counter where no key of its name is; whether it did.
pub(super) async fn create(
    link: &mut Link,
    keys: &Keys,
    counter: &CounterLine,
    head: &Head,
) -> Result<bool, EtcdError> {
    let nobody = Compare::version(keys.prefix(), CompareOp::Equal, 0).with_prefix();
    let puts = [
        TxnOp::put(keys.counter(), text::line(counter), None),
        TxnOp::put(keys.head(), text::line(head), None),
    ];
    let txn = Txn::new().when([nobody]).and_then(puts);
    Ok(changing(ANSWER, link.kv.txn(txn)).await?.succeeded())
}

/// Reads the head and up to `limit` batches from the one on that begins with the record `first`.
pub(super) async fn read_on(
    link: &mut Link,
    keys: &Keys,
    first: u64,
    limit: i64,
) -> Result<Reading, EtcdError> {
    let batches = GetOptions::new().with_range(keys.batches_end()).with_limit(limit);
    let mut reads = what_is_there(keys);
    reads.push(TxnOp::get(keys.batch(first), Some(batches)));
    let answer = reading(LONG_ANSWER, link.kv.txn(Txn::new().and_then(reads))).await?;
    let mut gets = gets(&answer);
    let incarnation = gets.next().and_then(|kvs| kvs.first().map(KeyValue::create_revision));
    let head = head_in(keys, gets.next())?;
    let kvs = gets.next().unwrap_or_default();
    let batches = kvs.into_iter().map(|kv| {
        let (key, value) = kv.into_key_value();
        first_of(&key).map(|first| (first, value)).ok_or_else(|| damaged(&key, &"no revision"))
    });
    Ok(Reading { incarnation, head, batches: batches.collect::<Result<_, _>>()? })
}

/// The batch that has the record `revision`, and where it has none, the page.
pub(super) async fn read_around(
    link: &mut Link,
    keys: &Keys,
    revision: u64,
) -> Result<Option<Vec<u8>>, EtcdError> {
    let last_of = |first: Vec<u8>, end: Vec<u8>| {
        let order = (SortTarget::Key, SortOrder::Descend);
        let options = GetOptions::new().with_range(end).with_limit(1).with_sort(order.0, order.1);
        TxnOp::get(first, Some(options))
    };
    let reads = [
        last_of(keys.batch(0), keys.batch(revision + 1)),
        last_of(keys.page(0), keys.page(revision + 1)),
    ];
    let answer = reading(LONG_ANSWER, link.kv.txn(Txn::new().and_then(reads))).await?;
    let mut gets = gets(&answer);
    let mut next = || gets.next().and_then(|kvs| kvs.into_iter().next());
    let (batch, page) = (next(), next());
    if let Some(batch) = batch {
        return Ok(Some(batch.into_key_value().1));
    }
    let Some(page) = page else { return Ok(None) };
    text::page_text(page.value()).map(Some).map_err(|error| damaged(page.key(), &error))
}

/// What the reads of a transaction gave, in order.
pub(super) fn gets(answer: &TxnResponse) -> impl Iterator<Item = Vec<KeyValue>> {
    answer.op_responses().into_iter().filter_map(|response| match response {
        TxnOpResponse::Get(mut get) => Some(get.take_kvs()),
        _ => None,
    })
}

/// The head among what was read, and when it was written.
fn head_in(keys: &Keys, read: Option<Vec<KeyValue>>) -> Result<Option<(Head, i64)>, EtcdError> {
    let Some(kv) = read.and_then(|kvs| kvs.into_iter().next()) else { return Ok(None) };
    let head = text::read_line(kv.value()).map_err(|fault| damaged(&keys.head(), &fault))?;
    Ok(Some((head, kv.mod_revision())))
}

/// A value that is not what was written.
pub(super) fn damaged(key: &[u8], reason: &impl ToString) -> EtcdError {
    let key = String::from_utf8_lossy(key).into_owned();
    EtcdError::Damaged { key, reason: reason.to_string() }
}

/// Waits for a call that changes something.
pub(super) async fn changing<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, EtcdError> {
    let answer = timeout(limit, call).await;
    answer
        .map_err(|_| EtcdError::Unknown("no answer in time".to_owned()))?
        .map_err(|error| outcome(&error))
}

/// Waits for a call that only reads.
pub(super) async fn reading<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, EtcdError> {
    changing(limit, call).await
}

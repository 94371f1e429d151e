//! What is asked of a cluster, each in one call: transactions that compare, and reads.
//!
//! A decision rests on a transaction with a write among its operations only, though
//! that one may never come to be: such a one goes through the members' common log.
//! One that only reads is answered by a single member, as a read is, and a member
//! that was paused may answer from the past (etcd-io/etcd#20418).

use std::{sync::Arc, time::Duration};

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
        text::{self, CounterLine, Head, Wanted},
    },
    format::record_line::LineFault,
};

/// Which counter one is.
///
/// Numbers alone do not say it: in a cluster that was put in the place of another they can be the same. The line has
/// the counter's secret key, which is drawn at random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incarnation {
    /// The create revision of its first line.
    pub(super) created_at: i64,
    /// The first line, as it stands there.
    pub(super) line: Arc<[u8]>,
}

/// When a head was written, and how it stands there: with the owner of its batch, whom no other batch has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeadMark {
    /// The revision at which it was last written.
    pub(super) at: i64,
    pub(super) line: Vec<u8>,
}

/// What a transaction rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    pub(super) incarnation: Incarnation,
    pub(super) head: HeadMark,
}

/// What a transaction found.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// What it rests on; with the cluster's revision behind it.
    Held(i64),
    /// Something else.
    Moved {
        /// The counter; `None` where there is none.
        incarnation: Option<Incarnation>,
        /// The head; `None` where there is none.
        head: Option<(Head, HeadMark)>,
    },
}

/// What was read of a counter at one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The counter; `None` where there is none.
    pub(super) incarnation: Option<Incarnation>,
    /// The head; `None` where there is none.
    pub(super) head: Option<(Head, HeadMark)>,
    /// The batches that were asked for, and their first revisions.
    pub(super) batches: Vec<(u64, Vec<u8>)>,
}

impl Incarnation {
    fn of(kv: &KeyValue) -> Self {
        Self { created_at: kv.create_revision(), line: kv.value().into() }
    }

    /// That the counter among `keys` is this one.
    pub(super) fn is_there(&self, keys: &Keys) -> Vec<Compare> {
        vec![
            Compare::create_revision(keys.counter(), CompareOp::Equal, self.created_at),
            Compare::value(keys.counter(), CompareOp::Equal, &*self.line),
        ]
    }
}

/// That counter and head are what `guard` says.
pub(super) fn unmoved(keys: &Keys, guard: Guard) -> Vec<Compare> {
    let Guard { incarnation, head } = guard;
    let mut compares = incarnation.is_there(keys);
    compares.push(Compare::mod_revision(keys.head(), CompareOp::Equal, head.at));
    compares.push(Compare::value(keys.head(), CompareOp::Equal, head.line));
    compares
}

fn what_is_there(keys: &Keys) -> Vec<TxnOp> {
    vec![TxnOp::get(keys.counter(), None), TxnOp::get(keys.head(), None)]
}

/// Puts a batch behind the head, and the line of the head that it makes, both or neither; where another's is there
/// already, what is `wanted`.
pub(super) async fn append(
    link: &mut Link,
    keys: &Keys,
    guard: Guard,
    head: Vec<u8>,
    (first, batch): (u64, Vec<u8>),
    wanted: Option<Wanted>,
) -> Result<Found, EtcdError> {
    let mut otherwise = what_is_there(keys);
    otherwise.extend(wanted.map(|wanted| ask(keys, &guard, &wanted)));
    let puts = [TxnOp::put(keys.head(), head, None), TxnOp::put(keys.batch(first), batch, None)];
    let txn = Txn::new().when(unmoved(keys, guard)).and_then(puts).or_else(otherwise);
    let answer = changing(ANSWER, link.kv.txn(txn)).await?;
    found(keys, &answer)
}

/// Puts what is `wanted`; a counter that was removed meanwhile leaves no key behind.
fn ask(keys: &Keys, guard: &Guard, wanted: &Wanted) -> TxnOp {
    let put = [TxnOp::put(keys.wanted(), text::line(wanted), None)];
    TxnOp::txn(Txn::new().when(guard.incarnation.is_there(keys)).and_then(put))
}

/// Asks whether the head is as it was; where it is not, what is `wanted` is put, and else nothing is changed.
pub(super) async fn confirm(
    link: &mut Link,
    keys: &Keys,
    guard: Guard,
    wanted: Option<Wanted>,
) -> Result<Found, EtcdError> {
    let mut otherwise = what_is_there(keys);
    otherwise.extend(wanted.map(|wanted| ask(keys, &guard, &wanted)));
    // IMPORTANT: without this it would only read, and a single member would answer it.
    otherwise.push(TxnOp::delete(keys.nothing(), None));
    let txn = Txn::new().when(unmoved(keys, guard)).or_else(otherwise);
    let answer = changing(ANSWER, link.kv.txn(txn)).await?;
    found(keys, &answer)
}

fn found(keys: &Keys, answer: &TxnResponse) -> Result<Found, EtcdError> {
    if answer.succeeded() {
        let at = answer.header().map(etcd_client::ResponseHeader::revision);
        let at = at.ok_or_else(|| EtcdError::Unknown("an answer without a revision".to_owned()))?;
        return Ok(Found::Held(at));
    }
    let mut gets = gets(answer);
    let incarnation = gets.next().and_then(|kvs| kvs.first().map(Incarnation::of));
    let head = head_in(keys, gets.next())?;
    Ok(Found::Moved { incarnation, head })
}

/// The counter's first line, and its incarnation; `None` where there is none.
pub(super) async fn read_counter(
    link: &mut Link,
    keys: &Keys,
    name: &str,
) -> Result<Option<(CounterLine, Incarnation)>, EtcdError> {
    let answer = reading(ANSWER, link.kv.get(keys.counter(), None)).await?;
    let Some(kv) = answer.kvs().first() else { return Ok(None) };
    let damaged = |fault: LineFault| damaged(&keys.counter(), &fault);
    let (version, known) = (text::version(kv.value()).map_err(damaged)?, text::VERSION);
    if version > known {
        return Err(EtcdError::Newer { name: name.to_owned(), version, known });
    }
    let line = text::read_line(kv.value()).map_err(damaged)?;
    Ok(Some((line, Incarnation::of(kv))))
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
    let incarnation = gets.next().and_then(|kvs| kvs.first().map(Incarnation::of));
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

/// The head among what was read.
fn head_in(
    keys: &Keys,
    read: Option<Vec<KeyValue>>,
) -> Result<Option<(Head, HeadMark)>, EtcdError> {
    let Some(kv) = read.and_then(|kvs| kvs.into_iter().next()) else { return Ok(None) };
    let head = text::read_line(kv.value()).map_err(|fault| damaged(&keys.head(), &fault))?;
    let at = kv.mod_revision();
    Ok(Some((head, HeadMark { at, line: kv.into_key_value().1 })))
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

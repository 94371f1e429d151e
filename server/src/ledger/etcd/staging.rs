//! A counter in etcd that is made of another's records, and is none before it is whole.
//!
//! All its keys are where they will be, but for the first line of the ledger: that stands at `import`. One
//! transaction puts it at `counter`, where those who sell look for it.

use std::io;

use etcd_client::{Compare, CompareOp, Txn, TxnOp};

use crate::ledger::{
    Cause, Engine, Fault, Staged, Unpublished,
    etcd::{
        archive::EtcdArchive,
        batch::EtcdBatch,
        cluster::{ANSWER, Access},
        engine::EtcdEngine,
        error::EtcdError,
        keys::Keys,
        options::Options,
        progress::{Opened, Progress},
        store::{self, changing},
        text,
        turn::EtcdTurn,
    },
    format::base::Base,
};

/// A counter that nobody sells from yet.
pub struct EtcdStage {
    engine: EtcdEngine,
    /// Whether it was seen that no counter of the name is there.
    is_free: bool,
}

impl EtcdStage {
    /// The counter `name` in the making, which begins with `base`; nobody is asked yet.
    ///
    /// # Errors
    /// What the system says where it has no room for a thread.
    pub fn new(access: Access, name: &str, base: Base, options: &Options) -> io::Result<Self> {
        let keys = Keys::of_import(name);
        let engine = EtcdEngine::with(access, name, keys, Some(base), options)?;
        Ok(Self { engine, is_free: false })
    }

    /// What is read beside the turns.
    pub fn archive(&self) -> std::sync::Arc<EtcdArchive> {
        self.engine.archive()
    }
}

impl Engine for EtcdStage {
    type Batch = EtcdBatch;
    type Turn<'a> = EtcdTurn<'a>;

    fn begin(&mut self) -> Result<EtcdTurn<'_>, Fault> {
        if !self.is_free {
            refuse_a_counter(&mut self.engine.progress)?;
            self.is_free = true;
        }
        self.engine.begin()
    }

    fn rest(&mut self) -> Result<(), Fault> {
        self.engine.rest()
    }
}

impl Staged for EtcdStage {
    fn is_begun(&mut self) -> Result<bool, Fault> {
        refuse_a_counter(&mut self.engine.progress)?;
        let keys = self.engine.progress.keys.clone();
        Ok(is_there(&mut self.engine.progress, &keys)?)
    }

    /// What was made stays.
    fn commit(&mut self) -> Result<(), Fault> {
        refuse_a_counter(&mut self.engine.progress)
    }

    fn publish(&mut self) -> Result<(), Unpublished> {
        publish(&mut self.engine.progress).map_err(|error| match error {
            EtcdError::Unknown(_) | EtcdError::NoLeader | EtcdError::Full(_) => {
                Unpublished::Unknown(Cause::of(error))
            }
            error => Unpublished::Refused(error.into()),
        })
    }
}

/// Refuses to make a counter where there is one.
fn refuse_a_counter(progress: &mut Progress) -> Result<(), Fault> {
    let name = progress.name.clone();
    if is_there(progress, &Keys::of(&name))? {
        return Err(EtcdError::Taken(name).into());
    }
    Ok(())
}

/// Whether the first line of a counter is at its place among `keys`.
fn is_there(progress: &mut Progress, keys: &Keys) -> Result<bool, EtcdError> {
    let (handle, name) = (progress.handle.clone(), progress.name.clone());
    let found = handle.block_on(async {
        let mut link = progress.cluster.link().await?;
        store::read_counter(&mut link, keys, &name).await
    });
    if found.is_err() {
        progress.cluster.forget();
    }
    Ok(found?.is_some())
}

/// Puts the first line where those who sell look for it, while the ledger is as this process knows it.
fn publish(progress: &mut Progress) -> Result<(), EtcdError> {
    let unknown = || EtcdError::Unknown("the counter is not read yet".to_owned());
    let (line, _) = progress.found.clone().ok_or_else(unknown)?;
    let guard = progress.opened.as_ref().and_then(Opened::guard).ok_or_else(unknown)?;
    let (staged, name) = (progress.keys.clone(), progress.name.clone());
    let keys = Keys::of(&name);
    let published = progress.handle.clone().block_on(async {
        let mut link = progress.cluster.link().await?;
        let mut unmoved = store::unmoved(&staged, guard);
        unmoved.push(Compare::version(keys.counter(), CompareOp::Equal, 0));
        let moves = [
            TxnOp::put(keys.counter(), text::line(&line), None),
            TxnOp::delete(staged.counter(), None),
        ];
        let txn = Txn::new().when(unmoved).and_then(moves);
        if changing(ANSWER, link.kv.txn(txn)).await?.succeeded() {
            return Ok(());
        }
        // An earlier try may have come through, though its answer was lost.
        match store::read_counter(&mut link, &keys, &name).await? {
            Some((found, _)) if found.begins.key == line.begins.key => Ok(()),
            Some(_) => Err(EtcdError::Taken(name)),
            None => Err(EtcdError::Overtaken(name)),
        }
    });
    if published.is_err() {
        progress.cluster.forget();
    }
    published
}

//! Finding a counter in etcd, making one, and removing one.

use etcd_client::DeleteOptions;

use crate::ledger::{
    etcd::{
        cluster::{Access, Cluster, LONG_ANSWER, Link},
        error::EtcdError,
        keys::Keys,
        store::{self, Incarnation, changing},
        text::{CounterLine, Head, VERSION},
    },
    format::base::Base,
};

/// The first line of the counter `name`, and its incarnation; it is made to begin with `new` where no key of it is there.
///
/// # Errors
/// [`EtcdError::Importing`] where one is only on its way; [`EtcdError::Missing`] where there is none and none is to be made; [`EtcdError::Remains`] where parts of one are
/// there; else why the cluster cannot be used.
pub(super) async fn find_or_create(
    link: &mut Link,
    keys: &Keys,
    name: &str,
    new: Option<&Base>,
) -> Result<(CounterLine, Incarnation), EtcdError> {
    if let Some(found) = store::read_counter(link, keys, name).await? {
        return Ok(found);
    }
    let importing = Keys::of_import(name);
    if importing.counter() != keys.counter()
        && store::read_counter(link, &importing, name).await?.is_some()
    {
        return Err(EtcdError::Importing(name.to_owned()));
    }
    let Some(begins) = new.cloned() else { return Err(EtcdError::Missing(name.to_owned())) };
    let head = Head::of(begins.stock(), begins.after, None, false);
    let counter = CounterLine { etcd: VERSION, begins };
    let is_made = store::create(link, keys, &counter, &head).await?;
    if let Some(found) = store::read_counter(link, keys, name).await? {
        return Ok(found);
    }
    if is_made {
        return Err(EtcdError::Missing(name.to_owned()));
    }
    // Another has made it just now, as a counter or as an import; or what is there is neither.
    if store::read_counter(link, &importing, name).await?.is_some() {
        return Err(EtcdError::Importing(name.to_owned()));
    }
    match store::read_counter(link, &Keys::of(name), name).await? {
        // What was being imported has got its name meanwhile.
        Some(found) if keys.counter() == Keys::of(name).counter() => Ok(found),
        Some(_) => Err(EtcdError::Taken(name.to_owned())),
        None => Err(EtcdError::Remains(name.to_owned())),
    }
}

/// Removes the counter `name`, and all that was sold from it; none is no error.
///
/// # Errors
/// [`EtcdError`]: it may be there still.
pub async fn remove(access: Access, name: &str) -> Result<(), EtcdError> {
    let mut link = Cluster::new(access).link().await?;
    let all = DeleteOptions::new().with_prefix();
    changing(LONG_ANSWER, link.kv.delete(Keys::of(name).prefix(), Some(all))).await.map(|_| ())
}

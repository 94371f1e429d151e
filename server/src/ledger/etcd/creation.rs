//! Finding a counter in etcd, and making one.

use crate::ledger::{
    etcd::{
        cluster::Link,
        error::EtcdError,
        keys::Keys,
        store,
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
) -> Result<(CounterLine, i64), EtcdError> {
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
    let found = store::read_counter(link, keys, name).await?;
    let remains = || EtcdError::Remains(name.to_owned());
    // Where it was not made, another server has made it just now, or what is there is none.
    found.ok_or_else(|| if is_made { EtcdError::Missing(name.to_owned()) } else { remains() })
}

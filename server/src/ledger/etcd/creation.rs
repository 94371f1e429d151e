//! Finding a counter in etcd, and making one.

use crate::{
    domain::Stock,
    ledger::{
        etcd::{
            cluster::Link,
            error::EtcdError,
            keys::Keys,
            options::New,
            store,
            text::{CounterLine, Head, VERSION},
        },
        format::base::Base,
    },
};

/// The first line of the counter `name`, and its incarnation; it is made of `new` where no key of it is there.
///
/// # Errors
/// [`EtcdError::Missing`] where there is none and none is to be made; [`EtcdError::Remains`] where parts of one are
/// there; else why the cluster cannot be used.
pub(super) async fn find_or_create(
    link: &mut Link,
    keys: &Keys,
    name: &str,
    new: Option<New>,
) -> Result<(CounterLine, i64), EtcdError> {
    if let Some(found) = store::read_counter(link, keys, name).await? {
        return Ok(found);
    }
    let Some(New { tickets, key, at_ms }) = new else {
        return Err(EtcdError::Missing(name.to_owned()));
    };
    let stock = Stock::new(tickets, 0, 0);
    let counter = CounterLine { etcd: VERSION, begins: Base::of(key, 0, stock, at_ms) };
    let is_made = store::create(link, keys, &counter, &Head::of(stock, 0, None, false)).await?;
    let found = store::read_counter(link, keys, name).await?;
    let remains = || EtcdError::Remains(name.to_owned());
    // Where it was not made, another server has made it just now, or what is there is none.
    found.ok_or_else(|| if is_made { EtcdError::Missing(name.to_owned()) } else { remains() })
}

//! Making a counter in etcd.

use tokio::runtime;

use crate::{
    domain::Stock,
    ledger::{
        etcd::{
            cluster::{Access, Cluster, Link},
            error::EtcdError,
            keys::Keys,
            store,
            text::{CounterLine, Head, VERSION},
        },
        format::base::Base,
    },
};

/// What there is under a counter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// A counter, which was there.
    Already,
    /// A counter, which was made just now.
    Made,
}

/// Looks for the counter `name`; makes it, with this stock and this key, where `new` says so and no key of it is there.
///
/// # Errors
/// [`EtcdError::Missing`] where there is none and none is to be made; [`EtcdError::Remains`] where parts of one are
/// there; else why the cluster cannot be used.
pub fn find_or_create(
    access: &Access,
    name: &str,
    new: Option<(u64, [u8; 32], u64)>,
) -> Result<There, EtcdError> {
    let system = |error: std::io::Error| EtcdError::Unreachable(error.to_string());
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let keys = Keys::of(name);
    runtime.block_on(async {
        let mut link = Cluster::new(access.clone()).link().await?;
        if is_there(&mut link, &keys, name).await? {
            return Ok(There::Already);
        }
        let Some((tickets, key, at_ms)) = new else {
            return Err(EtcdError::Missing(name.to_owned()));
        };
        let stock = Stock::new(tickets, 0, 0);
        let counter = CounterLine { etcd: VERSION, begins: Base::of(key, 0, stock, at_ms) };
        let head = Head::of(stock, 0, None, false);
        if store::create(&mut link, &keys, &counter, &head).await? {
            return Ok(There::Made);
        }
        // Another server has made it just now, or what is there is none.
        let is_there = is_there(&mut link, &keys, name).await?;
        if is_there { Ok(There::Already) } else { Err(EtcdError::Remains(name.to_owned())) }
    })
}

async fn is_there(link: &mut Link, keys: &Keys, name: &str) -> Result<bool, EtcdError> {
    store::read_counter(link, keys, name).await.map(|counter| counter.is_some())
}

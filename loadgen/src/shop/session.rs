//! Where a worker buys, and the open way there.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    answer::{NoStock, Stock, missing},
    db_file::{CounterError, FileSession},
    flow::{FlowFault, FlowSession},
    http_session::HttpSession,
    http_shop::Shop,
    location::{Location, LocationError},
    reader::{Reader, Response},
    way::IdleConnections,
    wire::{Failure, Order, TlsConfigs, TlsError, Waiting},
};
use crate::{
    history::{Answer, Missing, Outcome},
    plan::{Action, Holds},
    setup::Delays,
};

/// Where a worker buys; travels to a worker process as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Address {
    /// A server.
    Server {
        /// Its base, as in `http://127.0.0.1:8080`.
        url: String,
    },
    /// A server that has been looked up.
    Shop(Box<Shop>),
    /// The counter's file itself.
    File {
        /// Where `db.txt` lies.
        path: PathBuf,
        /// Whether a purchase takes the advisory lock.
        locked: bool,
        /// Between reading and checking, in nanoseconds.
        check_delay_ns: u64,
        /// Between checking and writing, in nanoseconds.
        write_delay_ns: u64,
    },
}

impl Address {
    /// How what comes from there is read.
    pub(crate) fn reader(&self) -> Reader {
        match self {
            Self::Shop(shop) => Reader::of(shop),
            Self::Server { .. } | Self::File { .. } => Reader::OWN,
        }
    }
}

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The server cannot be looked up.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The server does not answer.
    #[error("cannot reach the server: {0}")]
    Http(#[from] Failure),
    /// The counter's file cannot be used.
    #[error(transparent)]
    Counter(#[from] CounterError),
    /// There is nobody to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// An open way to buy: a connection that is established, or a file that is open.
#[derive(Debug)]
pub(crate) enum Session {
    /// To a server that is asked for everything in one call.
    Http(Box<HttpSession>),
    /// To one that takes several.
    Flow(Box<FlowSession>),
    /// To the counter's file.
    File(FileSession),
}

impl Session {
    /// The way of `client` to `address`, to hold as `holds` says; a server is not connected to yet.
    ///
    /// # Errors
    /// The server's address is none, there is nobody to trust, or the file cannot be opened.
    pub(crate) async fn at(
        address: &Address,
        client: u32,
        holds: Holds,
        waiting: Waiting,
        tls_configs: &TlsConfigs,
    ) -> Result<Self, SessionError> {
        Ok(match address {
            Address::Server { url } => {
                let location = Location::parse(url)?;
                let addresses = location.resolve().await?;
                let mut shop = Shop::new(&location, addresses, None);
                shop.holds = Some(holds);
                Self::Http(Box::new(HttpSession::new(&shop, waiting, tls_configs)?))
            }
            Address::Shop(shop) => Self::to_shop(shop, client, waiting, tls_configs)?,
            Address::File { path, locked, check_delay_ns, write_delay_ns } => {
                let delays = Delays {
                    check: Duration::from_nanos(*check_delay_ns),
                    write: Duration::from_nanos(*write_delay_ns),
                };
                Self::File(FileSession::open(path, *locked, delays)?)
            }
        })
    }

    /// The way of `client` to `shop`, on the lane that its map takes.
    ///
    /// # Errors
    /// There is nobody to trust.
    pub(crate) fn to_shop(
        shop: &Shop,
        client: u32,
        waiting: Waiting,
        tls_configs: &TlsConfigs,
    ) -> Result<Self, TlsError> {
        Ok(match &shop.map {
            Some(map) if map.is_flow() => {
                let flow = FlowSession::new(shop, map, client, waiting, tls_configs)?;
                Self::Flow(Box::new(flow))
            }
            _ => Self::Http(Box::new(HttpSession::new(shop, waiting, tls_configs)?)),
        })
    }

    /// The way of whoever is alone with `shop`, who is its `client`: to look ahead of all, to buy first, or to put
    /// tickets on sale. What goes wrong is told by the map's lines.
    ///
    /// # Errors
    /// There is nobody to trust.
    pub(crate) fn of_operator(shop: &Shop, client: u32) -> Result<Self, TlsError> {
        let configs = TlsConfigs::default();
        Ok(match &shop.map {
            Some(map) => Self::Flow(Box::new(FlowSession::new(
                shop,
                map,
                client,
                Waiting::Shared,
                &configs,
            )?)),
            None => Self::Http(Box::new(HttpSession::new(shop, Waiting::Shared, &configs)?)),
        })
    }

    /// Shares idle connections with others, where there are connections at all.
    pub(crate) fn share(&mut self, idle: IdleConnections) {
        if let Self::Http(session) = self {
            session.share(idle);
        }
    }

    /// Leaves what it has open to others until the next call.
    pub(crate) fn rest(&mut self) {
        if let Self::Http(session) = self {
            session.rest();
        }
    }

    /// Sets up all that the first call needs.
    ///
    /// # Errors
    /// The server does not answer.
    pub(crate) async fn connect(&mut self) -> Result<(), SessionError> {
        match self {
            Self::Http(session) => Ok(session.connect().await?),
            Self::Flow(session) => Ok(session.connect().await?),
            Self::File(_) => Ok(()),
        }
    }

    /// Does what a client does once, ahead of all else, as `order`.
    ///
    /// # Errors
    /// An answer does not bring what is needed.
    pub(crate) async fn begin(&mut self, order: Order<'_>) -> Result<(), FlowFault> {
        match self {
            Self::Flow(session) => session.begin(order).await,
            Self::Http(_) | Self::File(_) => Ok(()),
        }
    }

    /// Asks how many tickets there are, as `order`.
    ///
    /// # Errors
    /// There is no answer, or none that says so.
    pub(crate) async fn stock(&mut self, order: Order<'_>) -> Result<Stock, NoStock> {
        match self {
            Self::Http(session) => session.stock().await,
            Self::Flow(session) => session.stock(order).await,
            Self::File(_) => Err("`db.txt` is not asked".to_owned().into()),
        }
    }

    /// What went wrong with the last operation, where the map does not fit the shop.
    pub(crate) fn misfit(&self) -> Option<&FlowFault> {
        match self {
            Self::Flow(session) => session.misfit(),
            Self::Http(_) | Self::File(_) => None,
        }
    }

    /// When the last answer says to come back, where it was read here.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Flow(session) => session.retry_after(),
            Self::Http(_) | Self::File(_) => None,
        }
    }

    /// How long one operation may take where each answer may take `limit`.
    pub(crate) fn patience(&self, limit: Duration) -> Duration {
        match self {
            Self::Flow(session) => session.patience(limit),
            Self::Http(_) | Self::File(_) => limit,
        }
    }

    /// Carries out `action` as `order`, at `now_ns` of the run's clock. It may be dropped before it is
    /// done: then [`Session::gave_up`] says what is known.
    pub(crate) async fn call(
        &mut self,
        action: Action,
        order: Order<'_>,
        now_ns: u64,
    ) -> Response<'_> {
        match self {
            Self::Http(session) => session.call(action, order, now_ns).await,
            Self::Flow(session) => Response::Answer(Box::new(session.call(action, order).await)),
            Self::File(session) => {
                let answer = match action {
                    Action::Buy => session.buy().await,
                    Action::Search => session.search().await,
                    Action::Hold
                    | Action::Confirm
                    | Action::Release
                    | Action::Refund
                    | Action::Restock => Answer::refused("`db.txt` by itself has no holds"),
                };
                let is_missing = matches!(answer.outcome, Outcome::Refused | Outcome::Unknown);
                let missing = is_missing.then_some(Missing::Unsent);
                Response::Answer(Box::new(Answer { missing, ..answer }))
            }
        }
    }

    /// What is known of a call that was dropped after `limit`.
    pub(crate) fn gave_up(&self, action: Action, limit: Duration) -> Answer {
        let failure = match self {
            Self::Flow(session) => return session.gave_up(action, limit),
            Self::Http(session) if !session.is_sent() => Failure::ConnectTimeout(limit),
            Self::Http(_) | Self::File(_) => Failure::Timeout(limit),
        };
        missing(action, &failure)
    }
}

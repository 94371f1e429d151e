//! The gallery: small shops over HTTP, each with one bug that real systems had, and each with its mended twin.
//!
//! - `calls`: what a shop is asked; `http`: one way to ask all of them, by the routes of `server`.
//! - `till`, `count_file`: what shops keep, and in which no bug is.
//! - `exhibit`: what is told of a shop, and its load; `gallery/`: one file a shop.
//! - `service`: a shop that is open; `serving`: until somebody ends it.
//! - `proof/`: the judge's record on all of them; `args`, `list`: typed by the user, told.
//!
//! # Invariants
//! - A shop shares no code with `server` and none with the judge, who sees its answers and nothing else.
//! - A bug shows by calls that really overlap, and by no coin.

mod calls;
mod till;

mod count_file;
mod exhibit;

mod gallery;
mod http;

mod service;

mod args;
mod error;

mod proof;
mod serving;

mod list;

pub(crate) use args::{ShopArgs, ShopsArgs};
pub(crate) use error::ShopsError;
pub(crate) use list::show;
pub(crate) use service::{SecondArgs, serve_beside};
pub(crate) use serving::serve;

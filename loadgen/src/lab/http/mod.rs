//! The lab over HTTP: its page, what may be asked of it, and the news.
//!
//! - `access`: who may ask at all, and who may drive; pure.
//! - `lab`: one lab for all who look on, put away while nobody drives; `routes`: what is asked.
//! - `page`: the page.

mod access;
mod lab;
mod page;
mod routes;

pub(super) use routes::serve;

//! A ticket counter over HTTP that cannot oversell.

pub mod cli;
pub mod desk;
pub mod domain;
pub mod http;
pub mod ledger;
pub mod naive;

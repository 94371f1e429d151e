//! SIGKILL and SIGSTOP: at random moments under buyers who never give up, and step by step.
//!
//! - [`shop`]: the buyers, who retry with the same key, and what must hold of all they were told.
//! - [`box_office`]: visitors who hold, refund and are let in, and what must hold of that.
//! - [`fleet`]: the servers, and what happens to them.
//! - [`rounds`]: accidents at random moments.
//! - [`steps`]: a kill ahead of each single step of a sale.

mod box_office;
mod fleet;
mod rounds;
mod shop;
mod steps;

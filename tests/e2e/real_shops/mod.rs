//! Shops that nobody here wrote, as their makers publish them, bought from by a map alone.
//!
//! Each is installed once, in pinned versions, and sells from a PostgreSQL of its own. Where it cannot be installed
//! its test says so and is over. `REAL_SHOPS=1` takes those that take longer too.

mod installation;
mod open_shop;
mod oscar;
mod pretix;
mod vendure;

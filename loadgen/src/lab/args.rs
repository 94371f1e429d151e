//! The lab's flags: typed by the user, checked once.

use std::{net::SocketAddr, path::PathBuf};

use crate::flags;

/// Be the scheduler: let real workers sell a ticket twice, step by step, in a browser.
///
/// Serves a page on which you say whose turn it is. Every worker is a process that runs the lesson's
/// program on a real `db.txt`, and stops before each line. Open the link that it prints.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = MORE)]
pub(crate) struct LabArgs {
    /// Where to serve the page; on another address than the loopback, others may only watch
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    #[arg(value_parser = flags::address, conflicts_with = "replay")]
    pub(super) listen: SocketAddr,

    /// Play a schedule that the page has kept, without a browser; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    pub(super) replay: Option<PathBuf>,

    /// Print what came of it as one JSON object on stdout, and words on stderr
    #[arg(long, requires = "replay")]
    pub(super) json: bool,

    /// Draw the schedule as a picture
    #[arg(long, value_name = "FILE.svg", requires = "replay")]
    pub(super) picture: Option<PathBuf>,
}

const MORE: &str = "\
With `--listen 0.0.0.0:8090` a class can follow on its own machines: by this machine's number, not by a name. \
Whoever has the link with the token, which is printed on stderr, may drive.

Exit codes of a replay:
  0    every ticket that was sold was sold once
  1    a ticket was sold twice
  2    wrong usage, or no schedule
  3    unknown: not over yet, a deadlock, or a worker crashed
  70   something failed, such as a process that does not start
  130  interrupted";

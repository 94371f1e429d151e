//! What is typed to draw a map.

use std::path::PathBuf;

/// Draw a first map of a shop.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MapArgs {
    #[command(subcommand)]
    pub(super) command: MapCommand,
}

/// What can be done about maps.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum MapCommand {
    /// Draw a first map from a description or from one recorded purchase; what it could not know is marked with `# ?`
    Init(InitArgs),
}

/// Where a map is drawn from.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Where the shop is, as in `http://127.0.0.1:8080`
    pub(super) url: String,

    /// An OpenAPI description in JSON
    #[arg(long, value_name = "FILE", conflicts_with = "har")]
    pub(super) openapi: Option<PathBuf>,

    /// A whole purchase as a browser has recorded it (in its network tools: save as HAR)
    #[arg(long, value_name = "FILE")]
    pub(super) har: Option<PathBuf>,
}

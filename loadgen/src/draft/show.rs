//! Reads what a map is drawn from, and prints the map.

use std::{fs, io, path::PathBuf};

use serde_json::Value;
use url::Url;

use super::{
    args::{InitArgs, MapArgs, MapCommand},
    har::{self, HarError},
    openapi::{self, OpenApiError},
    sketch::{MARK, Sketch, SketchCall},
};
use crate::{
    exit_code,
    report::{print_data, say},
    shop::{Location, LocationError},
    words::harmless,
};

/// Why there is no map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    /// The URL leads nowhere.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no JSON.
    #[error("`{}` is no JSON: {source}\nhint: YAML becomes JSON with `yq -o json`", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// It is no description of a shop.
    #[error("`{}`: {source}", path.display())]
    OpenApi {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: OpenApiError,
    },
    /// No purchase is recorded in it.
    #[error("`{}`: {source}", path.display())]
    Har {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: HarError,
    },
    /// The map cannot be printed.
    #[error("cannot print the map: {0}")]
    Print(io::Error),
}

impl DraftError {
    /// The exit code that stands for it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Print(_) => exit_code::INTERNAL,
            _ => exit_code::USAGE,
        }
    }
}

/// Draws a map and prints it; returns the exit code.
///
/// # Errors
/// There is nothing to draw it from.
pub(crate) fn show(args: &MapArgs) -> Result<u8, DraftError> {
    let MapCommand::Init(args) = &args.command;
    let text = drawn(args)?.toml();
    let doubts = text.matches(MARK).count();
    print_data(harmless(&text)).map_err(DraftError::Print)?;
    say(&format!("note: {doubts} places are marked with `{MARK}`: see to them, and try the map"));
    Ok(exit_code::VALID)
}

fn drawn(args: &InitArgs) -> Result<Sketch, DraftError> {
    let location = Location::parse(&args.url)?;
    if let Some(path) = &args.openapi {
        let document = json(path)?;
        return openapi::sketch(&document)
            .map_err(|source| DraftError::OpenApi { path: path.clone(), source });
    }
    if let Some(path) = &args.har {
        let recording = json(path)?;
        let url: Url = location.url().parse().expect("it was read before");
        return har::sketch(&recording, &url)
            .map_err(|source| DraftError::Har { path: path.clone(), source });
    }
    let buy = SketchCall {
        method: "POST".to_owned(),
        path: "/orders".to_owned(),
        doubts: vec![
            "what does a purchase send: `path`, `headers`, and `json`, `form` or `body`".to_owned(),
        ],
        ..SketchCall::default()
    };
    let notes =
        vec!["A map to fill in: `--openapi FILE` or `--har FILE` would know more.".to_owned()];
    Ok(Sketch { notes, buy, sold: vec![200, 201], ..Sketch::default() })
}

fn json(path: &PathBuf) -> Result<Value, DraftError> {
    let text = fs::read(path).map_err(|source| DraftError::Io { path: path.clone(), source })?;
    serde_json::from_slice(&text).map_err(|source| DraftError::Json { path: path.clone(), source })
}

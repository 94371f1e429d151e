//! The list of the gallery.

use std::io;

use serde_json::json;

use super::{args::ShopsArgs, error::ShopsError, gallery::EXHIBITS, proof::prove};
use crate::{
    exit_code,
    report::{print_data, print_json},
    words::{indented, paragraph},
};

/// Lists the shops, or lets the judge loose on them, as `args` say; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(crate) fn show(args: &ShopsArgs) -> Result<u8, ShopsError> {
    if args.prove {
        return prove(args);
    }
    list(args.json).map_err(ShopsError::Write)?;
    Ok(exit_code::VALID)
}

fn list(as_json: bool) -> io::Result<()> {
    if as_json {
        let shops: Vec<_> = EXHIBITS
            .iter()
            .map(|one| {
                json!({"name": one.name, "bug": one.bug, "mended": one.mended, "story": one.story, "source": one.source})
            })
            .collect();
        return print_json(&json!({ "shops": shops }));
    }
    let mut text = String::new();
    for exhibit in &EXHIBITS {
        let bug = format!("{}; the twin {}.", exhibit.bug, exhibit.mended);
        text.push_str(&format!("{}\n{}\n", exhibit.name, indented(&bug, 2)));
    }
    text.push_str(&format!("\n{}\n", paragraph(AFTER)));
    print_data(text)
}

const AFTER: &str = "`loadgen shop NAME` serves one, with its story and the load that brings its bug out; `--mended` \
                     serves its twin. `loadgen shops --prove` lets the judge loose on all of them.";

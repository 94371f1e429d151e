//! The list of the gallery.

use std::io;

use serde_json::json;

use super::{args::ShopsArgs, error::ShopsError, gallery::EXHIBITS, proof::prove};
use crate::{
    exit_code,
    kept_file::KeptFile,
    report::{print_data, print_json, write_json},
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
    let shops = EXHIBITS.iter().map(|one| {
        json!({"name": one.name, "bug": one.bug, "mended": one.mended, "story": one.story, "source": one.source})
    });
    let shops = json!({ "shops": shops.collect::<Vec<_>>() });
    if let Some(path) = &args.output {
        let kept = KeptFile::create(path).and_then(|mut file| {
            file.add(|mut out| write_json(&mut out, &shops))?;
            file.keep()
        });
        kept.map_err(ShopsError::Output)?;
    }
    let printed = if args.json { print_json(&shops) } else { list() };
    printed.map_err(ShopsError::Write)?;
    Ok(exit_code::VALID)
}

fn list() -> io::Result<()> {
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

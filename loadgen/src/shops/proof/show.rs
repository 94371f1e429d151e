//! The judge's record: all rounds, then the table and what it means.

use std::io;

use serde::Serialize;

use super::{
    record::{self, Record, RecordView},
    rounds::{Proof, carry_out},
    table::{table, words},
};
use crate::{
    kept_file::KeptFile,
    report::{ProgressLine, print_data, print_json, print_words, write_json},
    shops::{args::ShopsArgs, error::ShopsError, gallery::EXHIBITS},
    words::counted,
};

/// The object that `--json` prints.
#[derive(Serialize)]
struct ProofView<'a> {
    rounds: u32,
    seed: u64,
    shops: Vec<RecordView<'a>>,
}

/// Lets the judge loose on the shops that `args` name and prints what came of it; returns the exit code.
///
/// # Errors
/// There is no result; nothing is left behind all the same.
pub(in crate::shops) fn prove(args: &ShopsArgs) -> Result<u8, ShopsError> {
    // Before the rounds: a name that cannot be had would be known only when all are over.
    let output = args.output.as_deref().map(KeptFile::create).transpose();
    let output = output.map_err(ShopsError::Output)?;
    let is_asked = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let exhibits = EXHIBITS.iter().filter(|exhibit| is_asked(exhibit.name)).collect();
    let proof = Proof { exhibits, rounds: args.rounds, seed: args.seed };
    let mut line = ProgressLine::new();
    let shops = counted(proof.exhibits.len(), ("shop", "shops"));
    let title = format!("{shops}, {}", counted(args.rounds, ("round", "rounds")));
    line.begin(&title);
    let watch = |done, all| line.update(|| format!("{title}, {done} of {all} done"));
    let records = carry_out(&proof, watch)?;
    drop(line);
    let shops = records.iter().map(Record::view).collect();
    let view = ProofView { rounds: args.rounds, seed: args.seed, shops };
    // IMPORTANT: before the file, which must not take the result along.
    let printed = print(args, &records, &view).map_err(ShopsError::Write);
    if let Some(mut file) = output {
        let written = file.add(|mut out| write_json(&mut out, &view));
        written.and_then(|()| file.keep()).map_err(ShopsError::Output)?;
    }
    printed?;
    Ok(record::exit_code(&records))
}

/// Data to stdout and words to stderr: the table is data, unless JSON is.
fn print(args: &ShopsArgs, records: &[Record], view: &ProofView<'_>) -> io::Result<()> {
    let text = format!("{}\n\n{}\nseed {}\n", table(records), words(records), view.seed);
    if !args.json {
        return print_data(text);
    }
    print_words(text)?;
    print_json(view)
}

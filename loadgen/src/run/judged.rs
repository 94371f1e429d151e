//! The verdict on a run: its history, read back and judged.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use crate::{
    history::{self, Answer, Header, Operation, finish_history},
    judge::{self, Evidence, Judgement},
};

/// What a run left behind, besides its history.
#[derive(Clone, Debug)]
pub(super) struct Remains {
    /// The first line of the history, with the end in it.
    pub(super) header: Header,
    /// When all began.
    pub(super) start_ns: u64,
    /// Clients whose workers are gone.
    pub(super) lost: Vec<u32>,
    /// How many operations found no room.
    pub(super) unrecorded: u64,
    /// Whether some clients may still be at work.
    pub(super) was_cut_short: bool,
}

/// Completes the history at `path`, reads it back and judges it.
///
/// # Errors
/// The file cannot be read or written.
pub(super) fn judge_history(path: &Path, remains: &Remains) -> io::Result<Judgement> {
    finish_history(path, &remains.header)?;
    let (mut operations, mut lacks) = read(path)?;
    let open = open_operations(&operations, remains);
    append(path, &open)?;
    operations.extend(open);
    if remains.unrecorded > 0 {
        lacks.push(format!("{} operations were not recorded", remains.unrecorded));
    }
    if remains.was_cut_short {
        lacks.push("the run was cut short before the last answers".to_owned());
    }
    let evidence = Evidence { header: &remains.header, operations: &operations, lacks: &lacks };
    let mut judgement = judge::judge(&evidence);
    for lack in lacks {
        if !judgement.doubts.contains(&lack) {
            judgement.doubts.push(lack);
        }
    }
    Ok(judgement)
}

fn read(path: &Path) -> io::Result<(Vec<Operation>, Vec<String>)> {
    let mut operations = Vec::new();
    let mut broken = 0_u64;
    for line in BufReader::new(File::open(path)?).lines().skip(1) {
        match history::decode(&line?) {
            Ok(operation) => operations.push(operation),
            Err(_) => broken += 1,
        }
    }
    let lacks = if broken > 0 { vec![format!("{broken} lines are broken")] } else { Vec::new() };
    Ok((operations, lacks))
}

/// A client whose worker is gone may have had one more purchase open, from its last answer on.
fn open_operations(operations: &[Operation], remains: &Remains) -> Vec<Operation> {
    let mut since: BTreeMap<u32, u64> =
        remains.lost.iter().map(|client| (*client, remains.start_ns)).collect();
    if since.is_empty() {
        return Vec::new();
    }
    for operation in operations {
        if let Some(since_ns) = since.get_mut(&operation.process) {
            let last_ns = operation.return_ns.unwrap_or(operation.call_ns);
            *since_ns = (*since_ns).max(last_ns);
        }
    }
    since
        .into_iter()
        .map(|(client, since_ns)| {
            Operation::buy(client, since_ns, since_ns, Answer::unknown("its worker is gone"))
        })
        .collect()
}

fn append(path: &Path, operations: &[Operation]) -> io::Result<()> {
    if operations.is_empty() {
        return Ok(());
    }
    let mut file = File::options().append(true).open(path)?;
    operations.iter().try_for_each(|operation| writeln!(file, "{}", history::encode(operation)))
}

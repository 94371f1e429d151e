//! The history of a fleet: a file that all its workers write, from its first line to the last.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use tempfile::TempPath;

use crate::{
    history::{
        self, Answer, Header, History, Operation, OperationKind, Places, ReadError, ReadLimits,
        Room, begin_history, finish_history, read_files,
    },
    kept_file::KeepError,
    worker::{HistoryShare, WORKER_IS_GONE},
};

/// Where the operations of a fleet go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryPlace {
    /// Into a temporary file, until they are judged.
    Temporary,
    /// The same, in this folder.
    TemporaryIn(PathBuf),
    /// Into this file.
    File(PathBuf),
    /// Nowhere: there is nothing to judge then.
    Nowhere,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// It cannot be written.
    #[error("cannot write the history `{path}`: {source}")]
    Begin {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// Its end cannot be written.
    #[error("the history cannot be completed: {0}")]
    Complete(io::Error),
    /// It cannot be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The file that operations are written to; a temporary one goes away with this.
#[derive(Debug)]
pub(crate) struct FleetHistory {
    path: PathBuf,
    /// It itself, whatever becomes of its name.
    file: File,
    temporary: Option<TempPath>,
    room: Room,
}

impl FleetHistory {
    /// Begins the history at `place` with `header` and room for so many `operations`; `None` where there is to
    /// be none.
    ///
    /// # Errors
    /// It cannot be written there.
    pub(crate) fn begin(
        place: &HistoryPlace,
        header: &Header,
        operations: u64,
    ) -> Result<Option<Self>, HistoryError> {
        let failed =
            |path: &Path, source| HistoryError::Begin { path: path.display().to_string(), source };
        let room = Room::new(operations);
        let temporary = |folder: &Path| {
            let mut file = tempfile::Builder::new();
            let file = file.prefix("loadgen-").suffix(".ndjson").tempfile_in(folder);
            let path = file.map_err(|source| failed(folder, source))?.into_temp_path();
            Ok::<_, HistoryError>((path.to_path_buf(), Some(path)))
        };
        let (path, temporary) = match place {
            HistoryPlace::Nowhere => return Ok(None),
            HistoryPlace::File(path) => (path.clone(), None),
            HistoryPlace::Temporary => temporary(&std::env::temp_dir())?,
            HistoryPlace::TemporaryIn(folder) => temporary(folder)?,
        };
        let file = begin_history(&path, header).map_err(|source| failed(&path, source))?;
        Ok(Some(Self { path, file, temporary, room }))
    }

    /// Where this process can open it, even where its name is gone.
    pub(crate) fn path(&self) -> PathBuf {
        match self.look() {
            Ok(()) => self.path.clone(),
            Err(_) => PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd())),
        }
    }

    /// Whether it is still where it was asked for; where it was asked for nowhere, that is nobody's concern.
    ///
    /// # Errors
    /// Its name is gone, or another file's.
    pub(crate) fn check_place(&self) -> Result<(), KeepError> {
        match self.look() {
            Err(source) if self.temporary.is_none() => {
                Err(KeepError::Write { path: self.path.clone(), source })
            }
            _ => Ok(()),
        }
    }

    /// Whether its name is its own.
    fn look(&self) -> io::Result<()> {
        let (own, there) = (self.file.metadata()?, fs::metadata(&self.path)?);
        let is_same = (own.dev(), own.ino()) == (there.dev(), there.ino());
        let replaced = || io::Error::new(io::ErrorKind::NotFound, "another file has its name");
        is_same.then_some(()).ok_or_else(replaced)
    }

    /// What a worker needs to write into it, in the room that all share.
    pub(crate) fn share(&self) -> HistoryShare {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        HistoryShare { path, room: self.room.clone() }
    }

    /// Writes `header`, which knows the end, and what the clients that are `lost` may have left open since
    /// `start_ns`, and reads all of it back.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn complete(
        &self,
        header: &Header,
        lost: &[u32],
        start_ns: Option<u64>,
    ) -> Result<History, HistoryError> {
        let path = self.path();
        finish_history(&path, header).map_err(HistoryError::Complete)?;
        let limits = ReadLimits::of_this_machine();
        let histories = read_files(std::slice::from_ref(&path), limits)?;
        let mut history = histories.into_iter().next().unwrap_or_default();
        let open = open_operations(&history.operations, lost, start_ns.unwrap_or(0));
        let holds = |one: &Operation| !matches!(one.op, OperationKind::Buy | OperationKind::Search);
        if !open.is_empty() && history.operations.iter().any(holds) {
            // It may have been none of a purchase.
            history.lacks.push(match open.len() {
                1 => "what 1 client had open is not recorded".to_owned(),
                clients => format!("what {clients} clients had open is not recorded"),
            });
        }
        append(&path, &open).map_err(HistoryError::Complete)?;
        history.operations.extend(open);
        if self.temporary.is_some() || path != self.path {
            // Whoever looked there would find nothing.
            history.places = Places::default();
            let path = path.display().to_string();
            for lack in &mut history.lacks {
                *lack = lack.replace(&path, "the history");
            }
        }
        Ok(history)
    }
}

/// A client of which nobody knows how it ended may have had one more purchase open, from its last
/// answer on.
fn open_operations(operations: &[Operation], lost: &[u32], start_ns: u64) -> Vec<Operation> {
    let mut since: BTreeMap<u32, u64> = lost.iter().map(|client| (*client, start_ns)).collect();
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
            Operation::buy(client, since_ns, since_ns, Answer::unknown(WORKER_IS_GONE))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Outcome, Tickets, signed};

    fn sale(client: u32, number: u64) -> Operation {
        let answer = Answer {
            tickets: Tickets::one(number),
            remaining: Some(signed(2 - number)),
            revision: Some(number),
            ..Answer::new(Outcome::Sold)
        };
        Operation::buy(client, 10, 20 + number, answer)
    }

    /// The sale of the first ticket of two, and an answer that both are sold.
    fn begun(place: &HistoryPlace) -> FleetHistory {
        let history = FleetHistory::begin(place, &Header::new(2), 9).unwrap().unwrap();
        let sold_out =
            Answer { remaining: Some(0), revision: Some(2), ..Answer::new(Outcome::SoldOut) };
        append(&history.path(), &[sale(1, 1), Operation::buy(2, 11, 40, sold_out)]).unwrap();
        history
    }

    fn end(unrecorded: u64) -> Header {
        Header { left: Some(0), left_revision: Some(2), unrecorded, ..Header::new(2) }
    }

    #[test]
    fn a_lost_client_may_have_had_one_purchase_open_since_its_last_answer() {
        let folder = tempfile::tempdir().unwrap();
        let history = begun(&HistoryPlace::File(folder.path().join("run.ndjson")));
        let read = history.complete(&end(0), &[1, 3], Some(5)).unwrap();
        let open: Vec<_> =
            read.operations[2..].iter().map(|buy| (buy.process, buy.call_ns)).collect();
        assert_eq!(open, [(1, 21), (3, 5)]);
        assert!(read.operations[2..].iter().all(|buy| buy.return_ns.is_none()));
        let text = fs::read_to_string(history.path()).unwrap();
        assert!(text.lines().last().unwrap().contains(r#""process":3"#), "{text}");
        assert_eq!(read.header, end(0));
    }

    #[test]
    fn a_history_whose_folder_went_away_is_judged_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ndjson");
        let history = begun(&HistoryPlace::File(path.clone()));
        assert!(history.check_place().is_ok());
        fs::remove_file(&path).unwrap();
        assert_eq!(history.complete(&end(0), &[], None).unwrap().operations.len(), 2);
        assert!(history.check_place().is_err());
        // Somebody else's file of that name is left alone.
        fs::write(&path, "another").unwrap();
        let read = history.complete(&end(0), &[], None).unwrap();
        assert_eq!((read.operations.len(), &read.header), (2, &end(0)));
        assert!(read.places.is_empty());
        let error = history.check_place().unwrap_err().to_string();
        assert!(error.contains("another file has its name"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }

    #[test]
    fn a_history_that_goes_away_is_no_place() {
        let history = begun(&HistoryPlace::Temporary);
        let path = history.path();
        let read = history.complete(&end(2), &[], Some(5)).unwrap();
        assert!(read.places.is_empty());
        assert_eq!(read.lacks, ["the history:1: 2 operations were not recorded"]);
        drop(history);
        assert!(!path.exists());
    }
}

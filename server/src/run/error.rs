//! Why a server cannot start, and the way out.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::{
    db::Db,
    ledger::{
        Cause, CopyError, MoveError,
        file::{
            disk::RealDisk,
            error::{LogError, OpenError, TurnError},
            format::head::HEAD_BYTES_MAX,
            layout::Layout,
            reader::HeadError,
        },
    },
    run::certificate::TlsError,
};

/// Exit code: something else went wrong.
const EXIT_FAILURE: u8 = 1;
/// Exit code: a mistake on the command line.
pub const EXIT_USAGE: u8 = 2;
/// Exit code: `db.txt` or the ledger is not what it must be (`EX_DATAERR`).
const EXIT_DATA: u8 = 65;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Other machines would reach the server, and no name is allowed by which they may call it.
    #[error("--listen {address}: other machines reach that, and there is no `--allow-host`")]
    NoAllowedHost {
        /// The address.
        address: SocketAddr,
    },
    /// The counter cannot be opened.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The counter cannot be created.
    #[error("cannot create {}: {source}", path.display())]
    Init {
        /// The counter's file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no folder to make something in.
    #[error("{}: there is no folder for it", path.display())]
    NoFolder {
        /// What was to be made.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// There is no counter where one is to be read.
    #[error("{}: no such file", path.display())]
    NoCounter {
        /// Where it would be.
        path: PathBuf,
    },
    /// The token of admin calls cannot be used.
    #[error("--admin-token-file {}: {reason}", path.display())]
    AdminToken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is nothing to repair from.
    #[error("no ledger in {}: nothing says what the count should be", folder.display())]
    NoLedger {
        /// Where the ledger would be.
        folder: PathBuf,
    },
    /// What is to be put in place is no backup.
    #[error("{} is no backup: there is no db.txt in it", folder.display())]
    NoBackup {
        /// What was taken for one.
        folder: PathBuf,
    },
    /// Something is where a backup is to be made, or put in place.
    #[error("{} is there already: nothing was written", path.display())]
    InTheWay {
        /// What is there.
        path: PathBuf,
    },
    /// A ledger was put in place, and its counter's file could not be; nor could it be taken back.
    #[error(
        "{} was put in place, but not {} ({cause}), and cannot be taken away again: {source}",
        folder.display(), head.display()
    )]
    LedgerLeft {
        /// The ledger's folder.
        folder: PathBuf,
        /// The counter's file.
        head: PathBuf,
        /// Why that was not put there.
        cause: io::Error,
        /// What the system says.
        source: io::Error,
    },
    /// A counter is in place, and a power cut may undo that.
    #[error("{} is in place, and whole; that may not survive a power cut: {source}", path.display())]
    NotSynced {
        /// The counter's file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was copied is not what was read.
    #[error("the copy in {} is not what was read: there is no backup", path.display())]
    Copy {
        /// Where the backup would be.
        path: PathBuf,
    },
    /// The durable yardstick cannot keep anything.
    #[error("the scratch file: {0}")]
    Scratch(#[source] io::Error),
    /// More connections were asked for than files may be open.
    #[error("--connections-max {asked}: this process may have {possible}")]
    ConnectionsMax {
        /// How many were asked for.
        asked: usize,
        /// How many the system allows.
        possible: usize,
    },
    /// Those who listen would leave no connection to buyers.
    #[error("--live-max {asked}: of {connections_max} connections some are for buyers")]
    LiveMax {
        /// How many were asked for.
        asked: usize,
        /// How many connections there may be.
        connections_max: usize,
    },
    /// A lesson would sell past the ledger.
    #[error("--locking {locking}: the counter has a ledger in {}", folder.display())]
    LessonBesideLedger {
        /// The locking that was asked for.
        locking: &'static str,
        /// Where the ledger is.
        folder: PathBuf,
    },
    /// A lesson sells from a file only.
    #[error("--locking {locking}: a lesson sells from a file, and {db} is none")]
    LessonWithoutFile {
        /// The locking that was asked for.
        locking: &'static str,
        /// Where the counter is kept.
        db: Db,
    },
    /// This program was built without what the counter is kept in.
    #[error("--db {db}: this server was built without it")]
    NotBuiltIn {
        /// Where the counter is kept.
        db: Db,
    },
    /// The address of a counter cannot be read.
    #[error("--db {scheme}…: {reason}")]
    Address {
        /// How it begins.
        scheme: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A file that the address of a counter names cannot be read.
    #[error("--db …{name}={}: {source}", path.display())]
    AddressFile {
        /// As what it is named.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What the counter is kept in says that nothing can be sold from it.
    #[error("{place}: {cause}")]
    Engine {
        /// Where the counter is kept.
        place: String,
        /// What it says.
        cause: Cause,
    },
    /// A ledger stands where its counter has no file any more.
    #[error("{} is there without its counter's file: nothing was written", folder.display())]
    LedgerWithoutHead {
        /// The ledger's folder.
        folder: PathBuf,
        /// The counter's file.
        head: PathBuf,
    },
    /// A counter cannot be moved.
    #[error("{from} to {to}: {source}")]
    Import {
        /// From where.
        from: String,
        /// Where to.
        to: String,
        /// Why not.
        source: MoveError,
    },
    /// The group commit does not dawdle.
    #[error("--check-delay and --write-delay need `--locking file`, `mutex` or `none`")]
    Delays,
    /// The system refuses something, such as room for a thread.
    #[error("{0}")]
    System(#[from] io::Error),
}

impl RunError {
    /// A way out, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Ledger(OpenError::Turn(
                TurnError::Head(HeadError::Io { path, source })
                | TurnError::Log(LogError::Io { path, source, .. }),
            )) if source.kind() == io::ErrorKind::PermissionDenied => Some(format!(
                "the counter's file, its ledger, and the folder of both have to be of the user who runs this: \
                 `ls -ld {}` shows whose it is",
                path.display()
            )),
            Self::Ledger(OpenError::Turn(
                TurnError::Head(HeadError::Io { source, .. })
                | TurnError::Log(LogError::Io { source, .. }),
            )) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                Some("this disk can only be read: `server verify` is all that works on it".to_owned())
            }
            Self::Ledger(OpenError::Turn(TurnError::Head(HeadError::Io { path, source }))) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let missing = parent.filter(|parent| !parent.exists());
                let hint = if let Some(missing) = missing {
                    how_to_make(missing)
                } else if Layout::around(path).folder.exists() {
                    format!("{} writes it anew from its ledger", repair_of(path))
                } else {
                    format!(
                        "`--init 100` creates a counter with 100 tickets; where there was one, \
                         `server restore BACKUP --db {}` puts a backup of it there",
                        path.display()
                    )
                };
                (source.kind() == io::ErrorKind::NotFound).then_some(hint)
            }
            Self::Ledger(OpenError::Turn(TurnError::HeadAhead { path, .. })) => {
                let starts = Layout::around(path).starts(&RealDisk);
                let hint = match starts.is_ok_and(|starts| starts.is_empty()) {
                    // IMPORTANT: only there: a ledger that is made anew has another key, and no ticket is known to it.
                    true => {
                        "put the folder of the ledger back; or, if it is lost for good, remove what is \
                         left of it and write {\"count\": N, \"sold\": M} with the tickets sold so far"
                            .to_owned()
                    }
                    false => format!(
                        "{} goes on from what the ledger has; put a newer copy of its folder back first if there is one",
                        repair_of(path)
                    ),
                };
                Some(hint)
            }
            Self::Ledger(OpenError::Turn(TurnError::HeadFull { .. })) => Some(format!(
                "take some of them out, or make them shorter: with the count, all has to fit in {HEAD_BYTES_MAX} bytes"
            )),
            Self::NoCounter { .. } => Some("`--db` says where the counter is".to_owned()),
            Self::NoFolder { folder, .. } => Some(how_to_make(folder)),
            Self::NoBackup { folder } if folder.is_file() => Some(format!(
                "a backup is a folder: `{}`",
                folder.parent().unwrap_or(Path::new(".")).display()
            )),
            Self::Ledger(OpenError::Turn(TurnError::Head(HeadError::Malformed { path, .. }))) => {
                let has_ledger = Layout::around(path).folder.exists();
                Some(match has_ledger {
                    true => format!("{} writes it anew from its ledger", repair_of(path)),
                    false => "write {\"count\": N} with what is left; it has no ledger yet that knows".to_owned(),
                })
            }
            Self::Ledger(OpenError::Turn(TurnError::Log(LogError::Damaged { path, .. }))) => {
                let head = Layout::head_of(path)?;
                let db = head.display();
                Some(format!(
                    "`server verify --db {db}` shows what can be read; put back a copy of what is damaged or missing, or, \
                     once the counter is moved away, a backup of all of it with `server restore BACKUP --db {db}`"
                ))
            }
            Self::Ledger(OpenError::Locked { .. }) => {
                Some("wait for it, or end it; `--lock-timeout` says how long to wait".to_owned())
            }
            Self::NoAllowedHost { .. } => Some(
                "`--allow-host shop.example` says by which name, or address, clients call it; behind a \
                 proxy on this machine, listen on 127.0.0.1"
                    .to_owned(),
            ),
            Self::Tls(error) => error.hint().map(str::to_owned),
            Self::ConnectionsMax { .. } => Some(
                "`ulimit -n` raises how many files may be open; 64 are for other things".to_owned(),
            ),
            Self::LiveMax { connections_max, .. } => {
                Some(format!("`--live-max` has to be less than {connections_max}"))
            }
            Self::LessonBesideLedger { .. } => Some(
                "only `--locking group` writes its sales there; for a lesson take another `--db`"
                    .to_owned(),
            ),
            Self::NotBuiltIn { db: Db::Etcd(_) } => {
                Some("`cargo build --release --features etcd` builds one with it".to_owned())
            }
            Self::NotBuiltIn { .. } => {
                Some("`cargo build --release --features postgres` builds one with it".to_owned())
            }
            Self::InTheWay { .. } => {
                Some("take another name, or move what is there out of the way".to_owned())
            }
            Self::LedgerLeft { cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists => Some(
                "somebody else has made that file: move the folder away before a server is started there, for it is not \
                 the ledger of that file"
                    .to_owned(),
            ),
            Self::LedgerLeft { folder, head, .. } => Some(format!(
                "the whole counter is in {}: keep it, and let {} make the counter's file anew",
                folder.display(),
                repair_of(head)
            )),
            Self::NotSynced { .. }
            | Self::Import { source: MoveError::Copy(CopyError::NotSynced(_)), .. } => Some(
                "there is nothing to be done again: see whether the disk is well, and look it over with `server verify`"
                    .to_owned(),
            ),
            Self::LedgerWithoutHead { head, .. } => Some(format!(
                "an import that was broken off in its last step leaves a whole ledger so: {} writes the counter's file",
                repair_of(head)
            )),
            Self::Import {
                source: MoveError::Gone { .. } | MoveError::Changed { .. } | MoveError::EditedBehind,
                ..
            } => Some(
                "`POST /sale` with {\"open\": true} at a server of it makes it the counter again; see that the \
                 other is sold from no more"
                    .to_owned(),
            ),
            Self::Import { source: MoveError::Edited, .. } => {
                Some("the next try takes that over".to_owned())
            }
            Self::Import { source: MoveError::Ended { .. }, .. } => Some(
                "put back a backup of the new place, with `server restore --sold-at-least`; where nothing was sold \
                 there, `--again` copies it once more"
                    .to_owned(),
            ),
            Self::Import { source: MoveError::Copy(CopyError::Unnamed(_)), .. } => Some(
                "start it again: it goes on, or says that the counter is there".to_owned(),
            ),
            Self::Import { source: MoveError::Copy(CopyError::NotNamed(_)), .. } => Some(
                "what was to be moved is closed by now: once that is put right, start it again, and it goes on".to_owned(),
            ),
            Self::Import { source: MoveError::Copy(CopyError::Differs), .. } => Some(
                "another import was begun there: remove what it has left, or take another name".to_owned(),
            ),
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("`--listen 127.0.0.1:0` picks a free port".to_owned())
            }
            _ => None,
        }
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Delays
            | Self::NoAllowedHost { .. }
            | Self::LessonBesideLedger { .. }
            | Self::LessonWithoutFile { .. }
            | Self::NotBuiltIn { .. }
            | Self::Address { .. }
            | Self::InTheWay { .. }
            | Self::LedgerWithoutHead { .. }
            | Self::ConnectionsMax { .. }
            | Self::LiveMax { .. } => EXIT_USAGE,
            Self::Ledger(OpenError::Turn(
                TurnError::Head(_)
                | TurnError::HeadAhead { .. }
                | TurnError::HeadFull { .. }
                | TurnError::Log(LogError::Damaged { .. } | LogError::DamagedRecord { .. }),
            ))
            | Self::NoCounter { .. }
            | Self::NoBackup { .. } => EXIT_DATA,
            Self::Ledger(OpenError::Turn(
                TurnError::Replaced { .. }
                | TurnError::AnotherLife { .. }
                | TurnError::CopiedOver { .. }
                | TurnError::Moved { .. }
                | TurnError::Log(LogError::Io { .. })
                | TurnError::Commit(_),
            ))
            | Self::Ledger(OpenError::Locked { .. })
            | Self::Listen { .. }
            | Self::Init { .. }
            | Self::NoFolder { .. }
            | Self::LedgerLeft { .. }
            | Self::NotSynced { .. }
            | Self::AdminToken { .. }
            | Self::Engine { .. }
            | Self::Import { .. }
            | Self::AddressFile { .. }
            | Self::Tls(_)
            | Self::NoLedger { .. }
            | Self::Copy { .. }
            | Self::Scratch(_)
            | Self::System(_) => EXIT_FAILURE,
        }
    }
}

/// What writes the counter's file at `head` anew.
fn repair_of(head: &Path) -> String {
    format!("`server repair --db {}`", head.display())
}

/// How a missing `folder` is made.
fn how_to_make(folder: &Path) -> String {
    let folder = folder.display();
    format!("there is no folder `{folder}`: `install -d -m 700 {folder}` makes it")
}

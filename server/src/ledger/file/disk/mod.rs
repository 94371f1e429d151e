//! The only door to the file system, and this machine behind it.

mod door;
mod machine;

pub use door::{Disk, DiskFile, FileId, FileLock, FileStat};
pub use machine::{RealDisk, RealFile};

//! The page as a file.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use super::{PageRun, render};

/// Writes the page for `runs` to `path`: whole or not at all. It is written under another name in
/// the same folder first, so that a page which is there already stays until the new one is complete.
///
/// # Errors
/// The folder does not take it.
pub(crate) fn write(path: &Path, title: &str, runs: &[PageRun<'_>]) -> io::Result<()> {
    let page = render(title, runs);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new().prefix(".report-").tempfile_in(folder)?;
    file.write_all(page.as_bytes())?;
    make_readable(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// A temporary file is its owner's alone; a report is for whoever may read what its owner writes.
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

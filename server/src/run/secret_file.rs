//! Files that nobody else should read.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// Who is neither the owner nor of the group, and may read (chmod(2)).
const READABLE_BY_OTHERS: u32 = 0o004;

/// The text of the file at `path`, which `flag` names; warns where everybody on the machine may read it.
///
/// A group may: that is how a key is shared with the one program that needs it.
///
/// # Errors
/// What the system says, or that it is no text.
pub fn read_secret(flag: &str, path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    // A folder is never a secret, and whoever shuts it shuts out those who have files in it.
    if found.is_file() && found.permissions().mode() & READABLE_BY_OTHERS != 0 {
        let path = path.display();
        tracing::warn!(
            "{flag} {path}: everybody on this machine may read it; hint: chmod 600 {path}"
        );
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

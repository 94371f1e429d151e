//! A count in a file, as one line of a constant length: for the shops that share a file.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::till::Till;

/// How long the line is: two numbers, and white space.
const LENGTH: usize = 32;

/// The file in `folder`, created with so many tickets where there is none.
pub(super) fn create(folder: &Path, tickets: i64) -> io::Result<PathBuf> {
    let path = folder.join("count.txt");
    match File::create_new(&path) {
        Ok(file) => file.write_all_at(line(&Till::new(tickets)).as_bytes(), 0)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(path)
}

/// What stands in `file`.
pub(super) fn read(file: &File) -> io::Result<Till> {
    let mut line = [0; LENGTH];
    file.read_exact_at(&mut line, 0)?;
    let text = String::from_utf8_lossy(&line);
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(left)), Some(Ok(sold))) => Ok(Till::after(left, sold)),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "no two numbers")),
    }
}

/// Writes `till` over what stands in `file`, at once.
pub(super) fn write(file: &File, till: &Till) -> io::Result<()> {
    file.write_all_at(line(till).as_bytes(), 0)
}

/// The line that says what is left and what was sold.
pub(super) fn line(till: &Till) -> String {
    format!("{:>15} {:>15}\n", till.left, till.sold)
}

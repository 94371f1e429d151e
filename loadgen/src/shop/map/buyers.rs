//! Who buys: a file with a row for each client.

use std::{fs::File, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::shop::secret::Secret;

/// Rows of values with names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::shop) struct Buyers {
    columns: Vec<String>,
    rows: Vec<Vec<Secret>>,
}

/// Why a file has no buyers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuyersError {
    /// It cannot be read.
    #[error("cannot read the buyers `{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A row has another number of fields than the header.
    #[error(
        "`{path}`:{line}: expected as many fields as the first line names, {expected}, and there are {found}"
    )]
    Ragged {
        /// The file.
        path: String,
        /// Where in it.
        line: u64,
        /// How many fields the row has.
        found: u64,
        /// How many there should be.
        expected: u64,
    },
    /// Something else is wrong with it.
    #[error("`{path}` is no table of buyers: {reason}")]
    NoTable {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Buyers {
    /// Reads the CSV file at `path`: the first line names the columns.
    ///
    /// # Errors
    /// There is none, or a row of it is no row.
    pub(super) fn read(path: &Path) -> Result<Self, BuyersError> {
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|source| BuyersError::Io { path: name.clone(), source })?;
        Self::parse(&name, file)
    }

    fn parse(path: &str, input: impl io::Read) -> Result<Self, BuyersError> {
        let no_table = |reason: &str| BuyersError::NoTable {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let columns: Vec<String> = reader
            .headers()
            .map_err(|error| fault(path, &error))?
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').to_owned())
            .collect();
        if columns.iter().any(|name| name.is_empty() || name.contains(['$', '{', '}', ':', ' '])) {
            return Err(no_table("its first line names the columns, as in `email,password`"));
        }
        if let Some(twice) = columns
            .iter()
            .enumerate()
            .find_map(|(place, name)| columns[..place].contains(name).then_some(name))
        {
            return Err(no_table(&format!("two columns are called `{twice}`")));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| fault(path, &error))?;
            rows.push(record.iter().map(|field| Secret(field.to_owned())).collect());
        }
        if rows.is_empty() {
            return Err(no_table("it has no row below the names of its columns"));
        }
        Ok(Self { columns, rows })
    }

    /// The names of its columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many buyers there are.
    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }

    /// The values of `client`, with their names. Whoever has no row of its own has one of those there are.
    pub(in crate::shop) fn row(&self, client: u32) -> impl Iterator<Item = (&str, &str)> {
        let place = usize::try_from(client).unwrap_or(0) % self.rows.len().max(1);
        let values = self.rows.get(place).into_iter().flatten().map(|value| value.0.as_str());
        self.columns.iter().map(String::as_str).zip(values)
    }
}

/// In words without a value: those are secrets.
fn fault(path: &str, error: &csv::Error) -> BuyersError {
    let path = path.to_owned();
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            return BuyersError::Ragged { path, line, found: *len, expected: *expected_len };
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line} is no UTF-8")
        }
        csv::ErrorKind::Io(source) => source.to_string(),
        _ => "it cannot be read".to_owned(),
    };
    BuyersError::NoTable { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_round_and_values_may_have_anything_in_them() {
        let text = "\u{feff}email, password\na@x,\"p,\"\"1\"\nb@x,p2\n";
        let buyers = Buyers::parse("buyers.csv", text.as_bytes()).unwrap();
        assert_eq!(buyers.columns(), ["email", "password"]);
        let row = |client| buyers.row(client).collect::<Vec<_>>();
        assert_eq!(row(0), [("email", "a@x"), ("password", "p,\"1")]);
        assert_eq!((row(1), row(2)), (vec![("email", "b@x"), ("password", "p2")], row(0)));
        assert!(!format!("{buyers:?}").contains("a@x"));
    }

    #[test]
    fn what_is_no_table_is_named_without_its_values() {
        for (text, named) in [
            (
                "email,password\na@x,hunter2\nb@x\n",
                "`buyers.csv`:3: expected as many fields as the first line names, 2, and there are 1",
            ),
            ("email,password\na@x,hunter2,3\n", "names, 2, and there are 3"),
            ("email,password\n", "no row"),
            ("", "no row"),
            ("email,e mail\nx,y\n", "names the columns"),
            ("email,email\nx,y\n", "two columns"),
        ] {
            let error = Buyers::parse("buyers.csv", text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}

//! Where the operations of a history were read, in little memory: a mark for each run of lines.

/// The file and the line of each operation of a history.
#[derive(Clone, Debug, Default)]
pub struct Places {
    files: Vec<String>,
    runs: Vec<Run>,
}

/// Operations on lines that follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The place in the history of the first.
    first: usize,
    /// Which file it is in.
    file: u32,
    /// The line of the first, from 1.
    line: u64,
}

impl Places {
    /// Whether nobody said where the operations come from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The file and the line, from 1, of the operation at `place`.
    #[must_use]
    pub fn of(&self, place: usize) -> Option<(&str, u64)> {
        let after = self.runs.partition_point(|run| run.first <= place);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let file = self.files.get(run.file as usize)?;
        Some((file, run.line + (place - run.first) as u64))
    }

    /// Where the operations from `place` on stand, one a line, up to the next call of this.
    pub(super) fn begin(&mut self, place: usize, file: &str, line: u64) {
        let known = self.files.iter().rposition(|name| name == file);
        let number = known.unwrap_or_else(|| {
            self.files.push(file.to_owned());
            self.files.len() - 1
        });
        let file = u32::try_from(number).expect("no command line names so many files");
        let goes_on = self
            .runs
            .last()
            .is_some_and(|run| run.file == file && run.line + (place - run.first) as u64 == line);
        if !goes_on {
            self.runs.push(Run { first: place, file, line });
        }
    }

    /// Takes the operations at `left_out`, which is sorted, out of `count` operations.
    pub(super) fn without(&self, left_out: &[usize], count: usize) -> Self {
        let mut kept = Self::default();
        let mut gone = left_out.iter().copied().peekable();
        let mut at = 0;
        for place in 0..count {
            if gone.next_if_eq(&place).is_some() {
                continue;
            }
            if let Some((file, line)) = self.of(place) {
                kept.begin(at, file, line);
            }
            at += 1;
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_knows_its_line() {
        let mut places = Places::default();
        places.begin(0, "a", 2);
        places.begin(3, "a", 5);
        places.begin(4, "a", 9);
        places.begin(6, "b", 2);
        assert_eq!(places.runs.len(), 3, "lines that go on need no mark");
        let lines: Vec<_> = (0..8).map(|place| places.of(place).unwrap()).collect();
        assert_eq!(
            lines,
            [("a", 2), ("a", 3), ("a", 4), ("a", 5), ("a", 9), ("a", 10), ("b", 2), ("b", 3)]
        );
        let without = places.without(&[1, 4], 8);
        let lines: Vec<_> = (0..6).map(|place| without.of(place).unwrap()).collect();
        assert_eq!(lines, [("a", 2), ("a", 4), ("a", 5), ("a", 10), ("b", 2), ("b", 3)]);
        assert_eq!(Places::default().of(0), None);
    }
}

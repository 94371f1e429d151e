//! The critical sections of a run: who was between read and write at one time, and who wrote over
//! what another had written since.

use super::run::RunView;
use crate::history::Outcome;

/// One critical section; times are nanoseconds since the run's first call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Section {
    /// The place of its operation.
    pub(super) place: usize,
    /// When the count was read.
    pub(super) read: f64,
    /// When it was written, or found to be too low.
    pub(super) write: f64,
    /// Whether it wrote.
    pub(super) has_written: bool,
    /// The operation that wrote in between, where one did: what was read is out of date then.
    pub(super) overwritten: Option<usize>,
}

/// The critical sections of a run, by their reads.
pub(super) fn sections(view: &RunView<'_>) -> Vec<Section> {
    let mut sections: Vec<Section> = view
        .in_call_order
        .iter()
        .filter_map(|place| {
            let operation = view.operation(*place);
            let section = operation.section.as_deref()?;
            Some(Section {
                place: *place,
                read: view.time(section.read_ns),
                write: view.time(section.write_ns),
                has_written: operation.outcome == Outcome::Sold,
                overwritten: None,
            })
        })
        .collect();
    sections.sort_by(|one, other| one.read.total_cmp(&other.read));
    mark_overwritten(&mut sections);
    sections
}

fn mark_overwritten(sections: &mut [Section]) {
    let mut writes: Vec<(f64, usize)> = sections
        .iter()
        .filter(|section| section.has_written)
        .map(|section| (section.write, section.place))
        .collect();
    writes.sort_by(|one, other| one.0.total_cmp(&other.0));
    for section in sections.iter_mut().filter(|section| section.has_written) {
        let after = writes.partition_point(|(write, _)| *write <= section.read);
        section.overwritten = writes[after..]
            .iter()
            .take_while(|(write, _)| *write < section.write)
            .map(|(_, place)| *place)
            .find(|place| *place != section.place);
    }
}

/// How many were between read and write at one time, at most.
pub(super) fn at_once_max(sections: &[Section]) -> usize {
    let mut ends: Vec<f64> = sections.iter().map(|section| section.write).collect();
    ends.sort_by(f64::total_cmp);
    // When the n-th has read, all have ended whose write is not later.
    let open = |(before, section): (usize, &Section)| {
        before + 1 - ends.partition_point(|end| *end <= section.read).min(before + 1)
    };
    sections.iter().enumerate().map(open).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(place: usize, read: f64, write: f64) -> Section {
        Section { place, read, write, has_written: true, overwritten: None }
    }

    #[test]
    fn one_after_the_other_overwrites_nothing() {
        let mut row = [section(0, 0.0, 3.0), section(1, 3.0, 6.0), section(2, 6.0, 9.0)];
        mark_overwritten(&mut row);
        assert!(row.iter().all(|section| section.overwritten.is_none()));
        assert_eq!(at_once_max(&row), 1);
    }

    #[test]
    fn whoever_writes_after_another_has_written_since_the_read_is_caught() {
        let mut heap = [section(0, 0.0, 3.0), section(1, 1.0, 4.0), section(2, 2.0, 5.0)];
        heap[1].has_written = false;
        mark_overwritten(&mut heap);
        assert_eq!(heap.map(|section| section.overwritten), [None, None, Some(0)]);
        assert_eq!(at_once_max(&heap), 3);
        assert_eq!(at_once_max(&[]), 0);
    }
}

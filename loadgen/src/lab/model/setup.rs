//! What a lab is set up with, and the schedule that was played in it: as a file, and as a link.

use serde::{Deserialize, Serialize};

use crate::lab::model::program::Variant;

/// The fewest and the most workers.
const WORKERS: std::ops::RangeInclusive<u8> = 2..=5;

/// The fewest and the most tickets.
const TICKETS: std::ops::RangeInclusive<u32> = 1..=20;

/// The most steps of a schedule: more than any that comes to its end has.
const STEPS_MAX: usize = 500;

/// What a lab is set up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    pub(crate) variant: Variant,
    pub(crate) workers: u8,
    pub(crate) tickets: u32,
}

/// A schedule, and what it was played with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Play {
    /// The version of this format: 1.
    pub(crate) lab: u8,
    pub(crate) variant: Variant,
    pub(crate) workers: u8,
    pub(crate) tickets: u32,
    /// Whose turn it was, step by step: numbers of workers, from 1.
    pub(crate) schedule: Vec<u8>,
}

/// Why a schedule cannot be played.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("`{0}` is no version of a schedule that this program knows")]
    Version(u8),
    #[error("`{0}` workers: a lab has {start} to {end}", start = WORKERS.start(), end = WORKERS.end())]
    Workers(u8),
    #[error("`{0}` tickets: a lab has {start} to {end}", start = TICKETS.start(), end = TICKETS.end())]
    Tickets(u32),
    #[error("step {place}: there is no worker `{worker}`")]
    NoWorker { place: usize, worker: u8 },
    #[error("`{0}` steps are more than any schedule has")]
    TooLong(usize),
}

impl Setup {
    /// # Errors
    /// More or fewer workers or tickets than a lab has.
    pub(crate) fn check(self) -> Result<Self, SetupError> {
        if !WORKERS.contains(&self.workers) {
            return Err(SetupError::Workers(self.workers));
        }
        if !TICKETS.contains(&self.tickets) {
            return Err(SetupError::Tickets(self.tickets));
        }
        Ok(self)
    }

    /// The numbers of the workers.
    pub(crate) fn numbers(self) -> std::ops::RangeInclusive<u8> {
        1..=self.workers
    }
}

impl Play {
    /// The schedule `schedule` of a lab with this `setup`.
    pub(crate) fn new(setup: Setup, schedule: Vec<u8>) -> Self {
        let Setup { variant, workers, tickets } = setup;
        Self { lab: 1, variant, workers, tickets, schedule }
    }

    /// What it is played with.
    pub(crate) fn setup(&self) -> Setup {
        Setup { variant: self.variant, workers: self.workers, tickets: self.tickets }
    }

    /// # Errors
    /// A version, a number or a step that no lab has.
    pub(crate) fn check(self) -> Result<Self, SetupError> {
        if self.lab != 1 {
            return Err(SetupError::Version(self.lab));
        }
        self.setup().check()?;
        if self.schedule.len() > STEPS_MAX {
            return Err(SetupError::TooLong(self.schedule.len()));
        }
        let numbers = self.setup().numbers();
        let odd = self.schedule.iter().position(|worker| !numbers.contains(worker));
        match odd {
            Some(at) => Err(SetupError::NoWorker { place: at + 1, worker: self.schedule[at] }),
            None => Ok(self),
        }
    }

    /// As the fragment of a link: `none/2/1/1122…`.
    pub(crate) fn fragment(&self) -> String {
        let steps: String = self.schedule.iter().map(u8::to_string).collect();
        format!("{}/{}/{}/{steps}", self.variant.name(), self.workers, self.tickets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETUP: Setup = Setup { variant: Variant::None, workers: 2, tickets: 1 };

    fn play(schedule: &[u8]) -> Play {
        Play::new(SETUP, schedule.to_vec())
    }

    #[test]
    fn a_schedule_reads_back_from_its_file() {
        let play = play(&[1, 2, 1]);
        let text = serde_json::to_string(&play).unwrap();
        let expected = r#"{"lab":1,"variant":"none","workers":2,"tickets":1,"schedule":[1,2,1]}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Play>(&text).unwrap().check(), Ok(play.clone()));
        assert_eq!(play.fragment(), "none/2/1/121");
    }

    #[test]
    fn what_no_lab_has_is_refused_and_named() {
        let refused = |play: Play| play.check().unwrap_err().to_string();
        assert!(refused(play(&[1, 3])).contains("step 2: there is no worker `3`"));
        assert!(refused(play(&[0])).contains("step 1"));
        assert!(refused(play(&[1; 501])).contains("`501` steps"));
        assert!(refused(Play { lab: 2, ..play(&[]) }).contains('2'));
        assert!(refused(Play { workers: 1, ..play(&[]) }).contains("2 to 5"));
        assert!(refused(Play { workers: 6, ..play(&[]) }).contains("`6`"));
        assert!(refused(Play { tickets: 0, ..play(&[]) }).contains("1 to 20"));
        let unknown = r#"{"lab":1,"variant":"none","workers":2,"tickets":1,"schedule":[],"x":1}"#;
        assert!(serde_json::from_str::<Play>(unknown).is_err());
    }
}

//! A lab and what is done with it: steps, back, start over, another scene.
//!
//! # Invariants
//! - What is shown has really happened: going back means to start over with new workers, and to play
//!   the same steps but the last.
//! - The model plays along, and where it comes to something else, that is said.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::lab::{
    analysis::{
        cost::Cost,
        facts::Facts,
        missions::{MISSIONS, Mission},
        telling::sentence,
    },
    error::LabError,
    model::{
        program::{VARIANTS, Variant},
        schedules::{Counts, Schedules},
        setup::{Play, Setup},
        states::{Model, Place},
    },
    workers::stage::{Event, Stage},
};

/// The most schedules that are listed one by one.
pub(super) const LISTED_MAX: u64 = 100_000;

/// What is said where the steps that were remembered cannot be taken again.
const NOT_AGAIN: &str =
    "New workers: the kernel served those before in another order, so they begin at the start.";

/// What is said before the first step.
const NOBODY_YET: &str = "New workers: nobody has done anything yet.";

/// A lab, from its start to its end.
#[derive(Debug)]
pub(super) struct Session {
    folder: PathBuf,
    setup: Setup,
    stage: Stage,
    model: Option<Model>,
    schedule: Vec<u8>,
    events: Vec<Event>,
    facts: Facts,
    mission: &'static Mission,
    done: BTreeSet<&'static str>,
    costs: Vec<Cost>,
    schedules: (Setup, Schedules),
    said: String,
}

/// What is remembered of a lab that was put away.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    play: Play,
    mission: &'static Mission,
    done: BTreeSet<&'static str>,
    costs: Vec<Cost>,
}

impl Default for Memory {
    /// Nothing yet: the first mission.
    fn default() -> Self {
        let mission = &MISSIONS[0];
        let play = Play::new(mission.setup, Vec::new());
        Self { play, mission, done: BTreeSet::new(), costs: Vec::new() }
    }
}

impl Session {
    /// A lab with its files in `folder`, as far as `memory` has it.
    ///
    /// Where its steps cannot be taken again, it begins at the start.
    ///
    /// # Errors
    /// As for [`Stage::set_up`] and [`Stage::step`].
    pub(super) async fn begin(folder: &Path, memory: Memory) -> Result<Self, LabError> {
        let Memory { play, mission, done, costs } = memory;
        let setup = play.setup();
        let stage = Stage::set_up(folder, setup).await?;
        let facts = facts(setup, &stage, &[])?;
        let mut session = Self {
            folder: folder.to_owned(),
            setup,
            stage,
            model: Some(Model::new(setup)),
            schedule: Vec::new(),
            events: Vec::new(),
            facts,
            mission,
            done,
            costs,
            schedules: (setup, Schedules::default()),
            said: NOBODY_YET.to_owned(),
        };
        match session.go_through(&play).await {
            Err(LabError::Stuck { .. }) => {
                session.start_over(setup).await?;
                session.said = NOT_AGAIN.to_owned();
            }
            played => played?,
        }
        Ok(session)
    }

    /// Ends the workers, and says what is to be remembered of them.
    pub(super) fn put_away(self) -> Memory {
        Memory { play: self.played(), mission: self.mission, done: self.done, costs: self.costs }
    }

    /// Lets `worker` take its next step; false where it has none.
    ///
    /// # Errors
    /// As for [`Stage::step`].
    pub(super) async fn step(&mut self, worker: u8) -> Result<bool, LabError> {
        let Some(events) = self.stage.step(worker).await? else { return Ok(false) };
        let variant = self.setup.variant;
        let said: Vec<String> = events.iter().map(|event| sentence(variant, event)).collect();
        self.said = said.join(" ");
        self.schedule.push(worker);
        self.events.extend(events);
        self.facts = facts(self.setup, &self.stage, &self.events)?;
        self.model = followed(self.model.take(), worker, &self.stage)?;
        if let Some(cost) = Cost::of(&self.facts, &self.events) {
            self.note(cost);
        }
        if let Some(ending) = self.facts.ending() {
            self.said = format!("{} {ending}", self.said);
        }
        if self.is_mission_done() {
            if self.done.insert(self.mission.name) {
                self.said = format!("{} The mission is done.", self.said);
            }
        } else if self.facts.is_over && self.setup == self.mission.setup {
            self.said =
                format!("{} But the mission asks for more: go back, or start over.", self.said);
        }
        Ok(true)
    }

    /// Keeps `cost` in the place of what this locking has cost before.
    fn note(&mut self, cost: Cost) {
        let rank = |cost: &Cost| VARIANTS.iter().position(|one| *one == cost.setup.variant);
        self.costs.retain(|known| known.setup.variant != cost.setup.variant);
        self.costs.push(cost);
        self.costs.sort_by_key(rank);
    }

    /// Starts over with new workers, and plays the same steps but the last.
    ///
    /// # Errors
    /// As for [`Session::play`].
    pub(super) async fn back(&mut self) -> Result<(), LabError> {
        let mut schedule = self.schedule.clone();
        schedule.pop();
        self.play(&Play::new(self.setup, schedule)).await?;
        self.said = format!("Back to step {}.", self.schedule.len());
        Ok(())
    }

    /// Starts over with new workers.
    ///
    /// # Errors
    /// As for [`Stage::set_up`].
    pub(super) async fn start_over(&mut self, setup: Setup) -> Result<(), LabError> {
        self.stage = Stage::set_up(&self.folder, setup).await?;
        self.setup = setup;
        self.model = Some(Model::new(setup));
        self.schedule.clear();
        self.events.clear();
        self.facts = facts(setup, &self.stage, &[])?;
        if self.schedules.0 != setup {
            self.schedules = (setup, Schedules::default());
        }
        self.said = NOBODY_YET.to_owned();
        Ok(())
    }

    /// Sets the scene of `mission`.
    ///
    /// # Errors
    /// As for [`Stage::set_up`].
    pub(super) async fn take_on(&mut self, mission: &'static Mission) -> Result<(), LabError> {
        self.mission = mission;
        self.start_over(mission.setup).await?;
        Ok(())
    }

    /// Plays a whole schedule from the start.
    ///
    /// # Errors
    /// A step that nobody can take; else as for [`Stage::set_up`] and [`Stage::step`].
    pub(super) async fn play(&mut self, play: &Play) -> Result<(), LabError> {
        self.start_over(play.setup()).await?;
        self.go_through(play).await
    }

    async fn go_through(&mut self, play: &Play) -> Result<(), LabError> {
        for (at, worker) in play.schedule.iter().enumerate() {
            if !self.step(*worker).await? {
                return Err(LabError::Stuck { place: at + 1, worker: *worker });
            }
        }
        Ok(())
    }

    /// What is played, and how far.
    pub(super) fn played(&self) -> Play {
        Play::new(self.setup, self.schedule.clone())
    }

    pub(super) fn setup(&self) -> Setup {
        self.setup
    }

    pub(super) fn variant(&self) -> Variant {
        self.setup.variant
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What is to be brought about.
    pub(super) fn mission(&self) -> &'static Mission {
        self.mission
    }

    /// Whether what has happened since the start is what the mission asks for.
    pub(super) fn is_mission_done(&self) -> bool {
        self.mission.is_done(&self.facts)
    }

    /// The names of the missions that were ever done.
    pub(super) fn done(&self) -> &BTreeSet<&'static str> {
        &self.done
    }

    /// What each locking has cost that was brought to its end, the last time it was, in the order of [`VARIANTS`].
    pub(super) fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// What has happened last, in words.
    pub(super) fn said(&self) -> &str {
        &self.said
    }

    /// Whether the model has come to the same so far.
    pub(super) fn model_agrees(&self) -> bool {
        self.model.is_some()
    }

    /// What all ways to go on come to where `worker` takes the next step; `None` where it cannot, or
    /// where nobody has counted: for more than two workers.
    pub(super) fn ways(&mut self, worker: u8) -> Option<Counts> {
        if self.setup.workers > 2 {
            return None;
        }
        let mut model = self.model.clone()?;
        model.step(worker).then(|| self.schedules.1.count(&model))
    }

    /// What all schedules of two workers come to, and each of them where they are few enough.
    pub(super) fn map(&mut self) -> Option<(Counts, Option<String>)> {
        if self.setup.workers > 2 {
            return None;
        }
        let (setup, schedules) = &mut self.schedules;
        let counts = schedules.count(&Model::new(*setup));
        Some((counts, schedules.letters(*setup, LISTED_MAX)))
    }

    /// The schedule of two workers with this `number`.
    pub(super) fn schedule(&mut self, number: u64) -> Option<Vec<u8>> {
        if self.setup.workers > 2 {
            return None;
        }
        let (setup, schedules) = &mut self.schedules;
        schedules.schedule(*setup, number)
    }
}

fn facts(setup: Setup, stage: &Stage, events: &[Event]) -> Result<Facts, LabError> {
    let told = stage.workers().map(|(_, _, told, waits_in)| (told, waits_in.is_some()));
    Ok(Facts::gather(setup, events, told, &stage.file()?))
}

/// `model` with the step of `worker`, where it has come to what has really happened.
fn followed(model: Option<Model>, worker: u8, stage: &Stage) -> Result<Option<Model>, LabError> {
    let Some(mut model) = model else { return Ok(None) };
    let is_same = model.step(worker)
        && model.file() == stage.file()?
        && model.buyers().iter().zip(stage.workers()).all(|(buyer, (_, _, told, waits_in))| {
            let place = match (told.next, waits_in) {
                (_, Some(line)) => Place::Waits(line),
                (Some(line), None) => Place::At(line),
                (None, None) if told.broke.is_some() => Place::Broke,
                (None, None) => Place::Ended,
            };
            let count = if place == Place::Broke { buyer.count } else { told.count };
            (buyer.place, buyer.count, buyer.ticket) == (place, count, told.ticket)
        });
    Ok(is_same.then_some(model))
}

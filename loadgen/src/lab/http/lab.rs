//! One lab for all who look on.
//!
//! # Invariants
//! - One command at a time, and whoever watches is told after each.
//! - A lab that nobody drives any more is put away: its workers end, and its files are removed. Who
//!   comes back finds it as it was.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, MutexGuard, watch},
    time::sleep,
};

use crate::lab::{
    analysis::missions,
    error::LabError,
    model::{
        program::Variant,
        setup::{Play, Setup},
    },
    session::{Memory, Session},
    views::view::View,
};

/// How long a lab is kept for a driver who may be back at once, as after a reload.
const GRACE: Duration = Duration::from_secs(3);

/// How long it is kept for whoever drives without a page, from their last command.
const IDLE: Duration = Duration::from_secs(30);

/// What may be asked of a lab by whoever drives.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Command {
    /// Let a worker take its next step.
    Step { worker: u8 },
    /// One step back.
    Back,
    /// New workers, the same scene.
    StartOver,
    /// Another scene.
    SetUp { variant: Variant, workers: u8, tickets: u32 },
    /// A whole schedule, from the start.
    Play { play: Play },
    /// The scene of a mission.
    TakeOn { mission: String },
}

/// A lab, and who looks on.
#[derive(Debug)]
pub(super) struct Lab {
    folder: PathBuf,
    place: Mutex<Place>,
    /// The lab as JSON, after each command.
    news: watch::Sender<Arc<str>>,
    /// How often it was told.
    version: AtomicU64,
    drivers: AtomicUsize,
}

/// What is told of a lab.
#[derive(Serialize)]
struct Told {
    /// Higher for what was told later: news may come late.
    version: u64,
    lab: View,
}

/// Where a lab is.
#[derive(Debug)]
enum Place {
    Here(Box<Session>),
    Away(Memory),
}

/// Somebody who drives; dropped, they have left.
#[derive(Debug)]
pub(super) struct Driver(Arc<Lab>);

impl Lab {
    /// A lab with its files in `folder`; nothing is started before somebody comes.
    pub(super) fn new(folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.to_owned(),
            place: Mutex::new(Place::Away(Memory::default())),
            news: watch::Sender::new("null".into()),
            version: AtomicU64::new(0),
            drivers: AtomicUsize::new(0),
        })
    }

    /// Carries out `command`, to its end also where nobody waits for it any more; returns the lab behind it, as JSON.
    ///
    /// # Errors
    /// The command cannot be carried out, or a worker is gone. There is a lab all the same.
    pub(super) async fn carry_out(
        self: &Arc<Self>,
        command: Command,
    ) -> Result<Arc<str>, LabError> {
        let lab = Arc::clone(self);
        // IMPORTANT: a worker that was told to go on does so, whoever hears of it.
        let carried_out = tokio::spawn(async move {
            let told = lab.carry_out_here(command).await;
            lab.put_away_after(IDLE);
            told
        });
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        carried_out.await.map_err(gone).map_err(LabError::io("carry out a command"))?
    }

    async fn carry_out_here(&self, command: Command) -> Result<Arc<str>, LabError> {
        let mut place = self.place.lock().await;
        let session = self.here(&mut place).await?;
        let done = obey(session, command).await;
        if let Err(LabError::Worker { .. } | LabError::Io { .. }) = done {
            // What has gone wrong in the middle cannot be shown: from the start.
            session.start_over(session.setup()).await?;
        }
        let told = self.tell(session)?;
        done.map(|()| told)
    }

    /// What `look` finds in the lab, which stays away where it was.
    ///
    /// # Errors
    /// As for [`Session::begin`].
    pub(super) async fn look<T>(
        &self,
        look: impl FnOnce(&mut Session) -> T,
    ) -> Result<T, LabError> {
        let mut place = self.place.lock().await;
        let was_away = matches!(*place, Place::Away(_));
        let found = look(self.here(&mut place).await?);
        if was_away {
            self.put_away(&mut place);
        }
        Ok(found)
    }

    /// The lab as JSON, from now on.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<str>> {
        self.news.subscribe()
    }

    /// Somebody drives from now on: the lab is there, and told to them first.
    ///
    /// # Errors
    /// As for [`Session::begin`].
    pub(super) async fn enter(self: &Arc<Self>) -> Result<Driver, LabError> {
        self.drivers.fetch_add(1, Ordering::SeqCst);
        let driver = Driver(Arc::clone(self));
        let mut place = self.place.lock().await;
        let session = self.here(&mut place).await?;
        self.tell(session)?;
        Ok(driver)
    }

    async fn here<'a>(
        &self,
        place: &'a mut MutexGuard<'_, Place>,
    ) -> Result<&'a mut Session, LabError> {
        if let Place::Away(memory) = &**place {
            let session = Session::begin(&self.folder, memory.clone()).await?;
            **place = Place::Here(Box::new(session));
        }
        match &mut **place {
            Place::Here(session) => Ok(session),
            Place::Away(_) => unreachable!("it has just been brought here"),
        }
    }

    fn tell(&self, session: &mut Session) -> Result<Arc<str>, LabError> {
        let version = self.version.fetch_add(1, Ordering::SeqCst);
        let told = serde_json::to_string(&Told { version, lab: View::of(session)? });
        let told = told.map_err(io::Error::from).map_err(LabError::io("tell the lab"))?;
        let told: Arc<str> = told.into();
        self.news.send_replace(Arc::clone(&told));
        Ok(told)
    }

    /// Ends the workers after `grace`, where nobody drives by then, nor has said anything since.
    fn put_away_after(self: &Arc<Self>, grace: Duration) {
        if self.drivers.load(Ordering::SeqCst) > 0 {
            return;
        }
        let (lab, version) = (Arc::clone(self), self.version.load(Ordering::SeqCst));
        // Without a runtime the program ends, and all of it with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sleep(grace).await;
                let mut place = lab.place.lock().await;
                if lab.version.load(Ordering::SeqCst) == version {
                    lab.put_away(&mut place);
                }
            });
        }
    }

    /// Ends the workers where nobody drives.
    fn put_away(&self, place: &mut Place) {
        if self.drivers.load(Ordering::SeqCst) > 0 {
            return;
        }
        let old = std::mem::replace(place, Place::Away(Memory::default()));
        *place = Place::Away(match old {
            Place::Here(session) => session.put_away(),
            Place::Away(memory) => memory,
        });
    }
}

async fn obey(session: &mut Session, command: Command) -> Result<(), LabError> {
    match command {
        Command::Step { worker } => {
            if session.step(worker).await? {
                return Ok(());
            }
            let place = session.played().schedule.len() + 1;
            Err(LabError::Stuck { place, worker })
        }
        Command::Back => session.back().await,
        Command::StartOver => session.start_over(session.setup()).await,
        Command::SetUp { variant, workers, tickets } => {
            session.start_over(Setup { variant, workers, tickets }.check()?).await
        }
        Command::Play { play } => session.play(&play.check()?).await,
        Command::TakeOn { mission } => match missions::named(&mission) {
            Some(mission) => session.take_on(mission).await,
            None => Err(LabError::NoMission(mission)),
        },
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.drivers.fetch_sub(1, Ordering::SeqCst);
        self.0.put_away_after(GRACE);
    }
}

//! A schedule that was kept, played without a browser.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use crate::lab::{
    analysis::{
        facts::Outcome,
        telling::{self, numbers},
    },
    args::LabArgs,
    error::LabError,
    model::setup::Play,
    session::{Memory, Session},
    views::{
        picture,
        view::{View, steps},
    },
};
use crate::{
    exit_code,
    kept_file::KeptFile,
    report::{or_closed, write_json},
};

/// The most that a schedule's file may be long, in bytes.
const BYTES_MAX: u64 = 64 * 1024;

/// Plays `play` with its files in `folder`, and tells what came of it; returns the exit code.
///
/// # Errors
/// It cannot be played to its end.
pub(super) async fn replay(play: &Play, args: &LabArgs, folder: &Path) -> Result<u8, LabError> {
    let picture = args.picture.as_deref().map(KeptFile::create).transpose();
    let picture = picture.map_err(LabError::Picture)?;
    let mut session = Session::begin(folder, Memory::default()).await?;
    session.play(play).await?;
    if let Some(picture) = picture {
        picture.keep_text(&picture::draw(&session)).map_err(LabError::Picture)?;
    }
    tell(&mut session, args.json)?;
    Ok(match session.facts().result() {
        Some(Outcome::Right) => exit_code::VALID,
        Some(Outcome::Oversold) => exit_code::VIOLATION,
        Some(Outcome::Broke | Outcome::Deadlock) | None => exit_code::UNKNOWN,
    })
}

/// The schedule in the file at `path`, or in what comes on standard input.
///
/// # Errors
/// It cannot be read, or is no schedule.
pub(super) fn read(path: &Path) -> Result<Play, LabError> {
    let failed = |source| LabError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().lock().take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        let file = fs::File::open(path).map_err(failed)?;
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    let none = |error: serde_json::Error| LabError::NoSchedule {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    Ok(serde_json::from_str::<Play>(&text).map_err(none)?.check()?)
}

/// Says what came of it.
fn tell(session: &mut Session, as_json: bool) -> Result<(), LabError> {
    let failed = LabError::io("write the result");
    if as_json {
        let view = View::of(session)?;
        or_closed(write_json(&mut io::stdout().lock(), &view)).map_err(&failed)?;
    }
    let text = text(session);
    let written = if as_json {
        anstream::stderr().lock().write_all(text.as_bytes())
    } else {
        anstream::stdout().lock().write_all(text.as_bytes())
    };
    or_closed(written).map_err(failed)
}

fn text(session: &Session) -> String {
    let title = session.variant().title();
    let mut text = format!("{title}: {}\n", numbers(session.setup()));
    for step in steps(session) {
        let number = step.number.map(|number| number.to_string()).unwrap_or_default();
        text += &format!("{number:>4}  {}\n", step.says);
    }
    let ending = session.facts().ending().unwrap_or_else(|| "Not over yet.".to_owned());
    let costs = session.costs().iter().map(|cost| format!("It took {}\n", telling::cost(cost)));
    text + &ending + "\n" + &costs.collect::<String>()
}

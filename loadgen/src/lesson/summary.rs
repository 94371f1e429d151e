//! A lesson that was performed, as plain data, and the object that `--json` prints.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    event::{Doing, Scene, seconds_since},
    finding::{Finding, worst},
    play::{Lesson, Use},
};
use crate::{exit_code, judge::Verdict};

/// A lesson that was performed.
#[derive(Debug)]
pub(super) struct Performance {
    /// Which.
    pub(super) lesson: &'static Lesson,
    /// What was seen of its claims.
    pub(super) findings: Vec<Finding>,
    /// What happened.
    pub(super) scenes: Vec<Scene>,
    /// What was measured.
    pub(super) figures: Vec<(String, f64)>,
    /// How long it took, in seconds.
    pub(super) elapsed_s: f64,
}

impl Performance {
    /// Whether it saw what it teaches.
    pub(super) fn verdict(&self) -> Verdict {
        worst(&self.findings)
    }
}

/// The exit code of lessons that were performed: the worst of their verdicts.
pub(super) fn exit_code(performances: &[Performance]) -> u8 {
    match total(performances) {
        Verdict::Valid => exit_code::VALID,
        Verdict::Violation => exit_code::VIOLATION,
        Verdict::Unknown => exit_code::UNKNOWN,
    }
}

/// The worst verdict; with no lesson, nothing was shown.
pub(super) fn total(performances: &[Performance]) -> Verdict {
    performances.iter().map(Performance::verdict).max().unwrap_or(Verdict::Unknown)
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    verdict: Verdict,
    lessons: Vec<LessonSummary<'a>>,
}

#[derive(Debug, Serialize)]
struct LessonSummary<'a> {
    name: &'a str,
    teaches: &'a str,
    verdict: Verdict,
    elapsed_s: f64,
    findings: &'a [Finding],
    figures: Map<String, Value>,
    scenes: Vec<SceneSummary<'a>>,
    shows: &'a str,
    product: &'a [Use],
}

#[derive(Debug, Serialize)]
struct SceneSummary<'a> {
    title: &'a str,
    length_s: f64,
    events: Vec<EventSummary<'a>>,
    bars: Vec<BarSummary<'a>>,
}

#[derive(Debug, Serialize)]
struct EventSummary<'a> {
    at_s: f64,
    who: &'a str,
    what: &'a str,
}

#[derive(Debug, Serialize)]
struct BarSummary<'a> {
    who: &'a str,
    doing: Doing,
    from_s: f64,
    to_s: f64,
}

impl<'a> Summary<'a> {
    /// The performances as an object.
    pub(super) fn new(performances: &'a [Performance]) -> Self {
        Self {
            verdict: total(performances),
            lessons: performances.iter().map(lesson_summary).collect(),
        }
    }
}

fn lesson_summary(performance: &Performance) -> LessonSummary<'_> {
    LessonSummary {
        name: performance.lesson.name,
        teaches: performance.lesson.teaches,
        verdict: performance.verdict(),
        elapsed_s: performance.elapsed_s,
        findings: &performance.findings,
        figures: performance
            .figures
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(*value)))
            .collect(),
        scenes: performance.scenes.iter().map(scene_summary).collect(),
        shows: performance.lesson.shows,
        product: performance.lesson.product,
    }
}

fn scene_summary(scene: &Scene) -> SceneSummary<'_> {
    let at = |at_ns| seconds_since(scene.began_ns, at_ns);
    let mut events: Vec<EventSummary<'_>> = scene
        .events
        .iter()
        .map(|event| EventSummary { at_s: at(event.at_ns), who: &event.who, what: &event.what })
        .collect();
    // They were kept in the order in which they were heard of; two processes may cross.
    events.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    let bars = scene
        .bars
        .iter()
        .map(|bar| BarSummary {
            who: &bar.who,
            doing: bar.doing,
            from_s: at(bar.from_ns),
            to_s: at(bar.to_ns),
        })
        .collect();
    SceneSummary { title: &scene.title, length_s: at(scene.ended_ns), events, bars }
}

//! The page of `loadgen report`, as a person meets it: opened from a file, in a real Chromium.

use std::{fs, path::PathBuf};

use e2e::{Browser, Finished};
use loadgen::history::{
    Answer, CriticalSection, Header, Operation, Outcome, Tickets, encode, signed,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs::loadgen;

const MS: u64 = 1_000_000;
const ARROW_RIGHT: &str = "\u{e014}";
const ARROW_DOWN: &str = "\u{e015}";
const WORKERS: u32 = 8;
const TICKETS: u64 = 3;

#[test]
fn page_opens_from_a_file_with_the_verdict_first() {
    let report = Report::of(&["none", "file"]);
    let browser = report.open();

    assert_eq!(report.finished.code, Some(1), "{:?}", report.finished);
    let text = page_text(&browser);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no `{part}` in {text}"));
    assert!(at("violation") < at("The smallest counterexample"));
    assert!(at("The smallest counterexample") < at("The cause"));
    assert!(at("The cause") < at("What was left"));
    assert!(text.contains("8 purchases were between read and write at once"), "{text}");
    assert!(text.contains("Never more than one purchase was between read and write"), "{text}");
    // The last that the script does: it ran to its end.
    assert_eq!(browser.run("return document.querySelectorAll('.hint').length"), json!(1));
}

#[test]
fn page_asks_nobody_for_anything_and_fits_a_phone() {
    let browser = Report::of(&["none", "file"]).open();

    let asked = browser.run("return performance.getEntriesByType('resource').map(r => r.name)");
    assert_eq!(asked, json!([]));
    let overhang = browser.run("return document.documentElement.scrollWidth - innerWidth");
    assert!(overhang.as_f64().is_some_and(|pixels| pixels <= 0.0), "{overhang} px too wide");
}

#[test]
fn arrow_keys_read_one_operation_after_the_other() {
    let browser = Report::of(&["none"]).open();

    browser.press("timeline-0", ARROW_RIGHT);
    let first = reading(&browser, "timeline-0");
    browser.press("timeline-0", ARROW_RIGHT);
    let second = reading(&browser, "timeline-0");
    browser.press("timeline-0", ARROW_DOWN);
    let below = reading(&browser, "timeline-0");

    assert!(first.starts_with("Worker 0: buy 1, sold ticket 1, 2 left. Called at 0 ns"), "{first}");
    assert!(second.starts_with("Worker 1: "), "{second}");
    assert!(below.starts_with("Worker 2: "), "{below}");
}

#[test]
fn pointer_reads_the_operation_that_it_is_at() {
    let browser = Report::of(&["none"]).open();

    browser.run(
        "const bar = document.querySelectorAll('#timeline-0 .op')[3];
         bar.scrollIntoView({ block: 'center' });
         const box = bar.getBoundingClientRect();
         const at = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
         bar.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, ...at }));",
    );

    assert!(reading(&browser, "timeline-0").starts_with("Worker 3: "));
}

#[test]
fn figures_of_one_run_zoom_together_and_back() {
    let browser = Report::of(&["none", "file"]).open();
    let width = |id: &str| {
        let script = format!(
            "return document.querySelector('#{id} .picture').getBoundingClientRect().width"
        );
        browser.run(&script).as_f64().expect("a width")
    };
    let zoom = |place: usize| {
        browser.run(&format!(
            "document.querySelectorAll('#left-0')[0].previousElementSibling\
             .querySelectorAll('button')[{place}].click()"
        ));
    };
    let before = ["left-0", "sections-0", "timeline-0", "left-1"].map(width);
    let axis = browser.run("return document.querySelector('#left-0 .axis').textContent");

    zoom(1);
    zoom(1);

    let after = ["left-0", "sections-0", "timeline-0", "left-1"].map(width);
    for figure in 0..3 {
        assert!(after[figure] > 2.0 * before[figure], "{before:?}, {after:?}");
    }
    assert_eq!(after[3], before[3], "the other run stays");
    let zoomed = browser.run("return document.querySelector('#left-0 .axis').textContent");
    assert_ne!(zoomed, axis);
    zoom(2);
    assert_eq!(["left-0", "sections-0", "timeline-0", "left-1"].map(width), before);
    browser.press("left-0", "+");
    assert!(width("left-0") > before[0], "by the keyboard");
    browser.press("left-0", "0");
    assert_eq!(width("left-0"), before[0]);
    browser.run(
        "const figure = document.getElementById('left-0');
         const wheel = { deltaY: -300, ctrlKey: true, clientX: 200, bubbles: true, cancelable: true };
         figure.dispatchEvent(new WheelEvent('wheel', wheel));",
    );
    assert!(width("left-0") > before[0], "by the wheel");
}

#[test]
fn runs_of_very_different_length_can_be_put_on_one_time_scale() {
    let browser = Report::of(&["none", "file"]).open();
    let width = |id: &str| {
        let script = format!(
            "return document.querySelector('#{id} .picture').getBoundingClientRect().width"
        );
        browser.run(&script).as_f64().expect("a width")
    };
    let before = [width("left-0"), width("left-1")];
    assert!((before[0] - before[1]).abs() < 1.0);

    browser.click("one-scale");

    let after = [width("left-0"), width("left-1")];
    assert_eq!(after[1], before[1]);
    // 39 ms and 249 ms.
    assert!((after[0] / after[1] - 39.0 / 249.0).abs() < 0.01, "{after:?}");
}

#[test]
fn page_is_dark_for_those_who_prefer_it() {
    let report = Report::of(&["none"]);
    let light = brightness(&report.open());

    let browser = Browser::start_dark();
    browser.open(&report.address());

    assert!(light > 200.0);
    assert!(brightness(&browser) < 50.0);
}

#[test]
fn page_can_be_read_without_its_script() {
    let report = Report::of(&["none"]);
    let browser = Browser::start_without_javascript();
    browser.open(&report.address());

    let text = page_text(&browser);
    assert!(text.contains("violation") && text.contains("The cause"), "{text}");
    let drawn = browser.run("return document.querySelectorAll('#timeline-0 .op rect').length");
    assert_eq!(drawn, json!(WORKERS));
}

#[test]
fn page_never_replaces_the_history_that_it_is_drawn_from() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let history = write_history(&folder, "none");
    let before = fs::read(&history).expect("it was just written");

    let finished = loadgen().arg("report").arg(&history).arg("-o").arg(&history).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("the page would replace it"), "{finished:?}");
    assert_eq!(fs::read(&history).expect("it is still there"), before);
}

#[test]
fn page_without_a_place_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let history = write_history(&folder, "file");
    let nowhere = folder.path().join("no/such/report.html");

    let finished = loadgen().arg("report").arg(&history).arg("-o").arg(&nowhere).run();

    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("no/such/report.html"), "{finished:?}");
}

/// A page that was drawn.
struct Report {
    folder: TempDir,
    finished: Finished,
}

impl Report {
    fn of(lockings: &[&str]) -> Report {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let histories = lockings.iter().map(|locking| write_history(&folder, locking));
        let finished = loadgen()
            .arg("report")
            .args(histories.collect::<Vec<_>>())
            .arg("-o")
            .arg(folder.path().join("report.html"))
            .run();
        Report { folder, finished }
    }

    fn address(&self) -> String {
        format!("file://{}/report.html", self.folder.path().display())
    }

    fn open(&self) -> Browser {
        let browser = Browser::start();
        browser.open(&self.address());
        browser
    }
}

/// What eight workers saw that wanted three tickets: under `none` all read before anybody writes, and
/// under `file` one after the other.
fn write_history(folder: &TempDir, locking: &str) -> PathBuf {
    let is_locked = locking == "file";
    let left = if is_locked { 0 } else { TICKETS - 1 };
    let header = Header {
        left: Some(signed(left)),
        label: Some(locking.to_owned()),
        run: Some(locking.to_owned()),
        ..Header::new(TICKETS)
    };
    let operations = (0..WORKERS).map(|worker| buy(worker, is_locked));
    let lines = operations.map(|operation| encode(&operation) + "\n").collect::<String>();
    let header = serde_json::to_string(&header).expect("a header has plain values only");
    let path = folder.path().join(format!("{locking}.ndjson"));
    fs::write(&path, format!("{header}\n{lines}")).expect("the folder is the test's own");
    path
}

fn buy(worker: u32, is_locked: bool) -> Operation {
    let turn = u64::from(worker);
    let call_ns = 5 * MS + turn * MS;
    let read_ns = if is_locked { call_ns + turn * 30 * MS } else { call_ns + MS };
    let write_ns = read_ns + 30 * MS;
    let sold = if is_locked { turn } else { 0 };
    let section = Some(CriticalSection { read_ns, write_ns });
    let answer = if sold < TICKETS {
        Answer {
            tickets: Tickets::one(sold + 1),
            remaining: Some(signed(TICKETS - sold - 1)),
            section,
            ..Answer::new(Outcome::Sold)
        }
    } else {
        Answer { remaining: Some(0), section, ..Answer::new(Outcome::SoldOut) }
    };
    Operation::buy(worker, call_ns, write_ns + MS, answer)
}

fn page_text(browser: &Browser) -> String {
    let text = browser.run("return document.body.innerText");
    text.as_str().unwrap_or_default().to_owned()
}

/// What the page says of the operation that the reader is at.
fn reading(browser: &Browser, figure: &str) -> String {
    let reading = browser.run(&format!(
        "return document.getElementById('{figure}').previousElementSibling\
         .querySelector('.reading').textContent"
    ));
    reading.as_str().unwrap_or_default().to_owned()
}

/// How bright the ground is, from 0 to 255.
fn brightness(browser: &Browser) -> f64 {
    let color = browser.run("return getComputedStyle(document.body).backgroundColor");
    let channels = channels(&color);
    channels.iter().sum::<f64>() / 3.0
}

fn channels(color: &Value) -> Vec<f64> {
    let color = color.as_str().unwrap_or_default();
    let numbers = color.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    numbers.take(3).collect()
}

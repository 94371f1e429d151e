//! The lab's page, as people meet it: in a real Chromium.

use e2e::{Browser, eventually};
use serde_json::json;

use super::running::Lab;

#[test]
fn first_mission_is_done_by_keyboard_alone() {
    let lab = Lab::start();
    let browser = open(&lab);
    assert!(browser.text("task").contains("One ticket is left"));

    press(&browser, "1122");
    browser.wait_for_text("variables-2", |text| text == "In its own memory: count = 1");
    press(&browser, "1111");
    browser.wait_for_text("sales", |text| text == "Ticket 1 by worker 1");
    press(&browser, "2222");

    browser.wait_for_text("thing", |text| text == "a race: check, then act");
    assert!(browser.text("sales").contains("Ticket 1 by worker 2, sold again!"));
    assert!(browser.text("said").contains("The mission is done"));
    assert!(browser.text("done").contains("loadgen lesson file-mutex"));
    browser.press("next-mission", "\u{e007}");
    browser.wait_for_text("mission-title", |text| text == "Three sales, and the file says 9");
    browser.wait_for_text("file", |text| text == "{\"count\": 10}");
}

#[test]
fn buttons_step_a_worker_and_keep_the_focus_when_it_has_ended() {
    let lab = Lab::start();
    let browser = open(&lab);
    for step in 1..=7 {
        browser.click("step-1");
        wait_for_steps(&browser, step);
    }

    assert_eq!(browser.text("state-1"), "Finished: sold ticket no. 1");
    let focused = "return document.activeElement.id + document.activeElement.ariaDisabled";
    assert_eq!(browser.run(focused), json!("step-1true"));
    browser.click("step-1");
    browser.wait_for_text("said", |text| text.contains("nothing to do"));
    browser.click("back");
    wait_for_steps(&browser, 6);
    browser.click("start-over");
    wait_for_steps(&browser, 0);
}

#[test]
fn deadlock_is_made_by_hand_and_seen() {
    let lab = Lab::start();
    let browser = open(&lab);
    browser.run("document.querySelector('#missions li:last-child button').click()");
    browser.wait_for_text("mission-title", |text| text == "Make a deadlock");

    press(&browser, "121212");

    browser.wait_for_text("thing", |text| text == "a deadlock");
    assert_eq!(browser.text("state-1"), "Waits in the kernel for the lock");
    let locks = browser.text("locks");
    assert!(locks.contains("db.txt: worker 1 has it, worker 2 waits"), "{locks}");
    assert!(locks.contains("sales.txt: worker 2 has it, worker 1 waits"), "{locks}");
    assert!(browser.text("ending").starts_with("Deadlock"));
    browser.press("lab", "o");
    browser.wait_for_text("state-1", |text| text.contains(": open"));
}

#[test]
fn follower_sees_what_happens_and_can_do_nothing() {
    let lab = Lab::start();
    let (driver, follower) = (open(&lab), Browser::start());
    follower.open(&format!("{}/follow", lab.url));
    follower.wait_for_text("said", |text| text.starts_with("New workers"));
    assert!(follower.text("connection").contains("You are watching"));

    press(&driver, "11");

    follower.wait_for_text("variables-1", |text| text == "In its own memory: count = 1");
    let buttons = "return [...document.querySelectorAll('button')].map(it => it.id)";
    assert_eq!(follower.run(buttons), json!(["copy", "next-wrong"]));
    follower.press("lab", "2");
    press(&driver, "2");
    follower.wait_for_text("state-2", |text| text == "Next, line 2 of 7: read the count");
    assert_eq!(lab.client.get("/schedule.json").json()["schedule"], json!([1, 1, 2]));
}

#[test]
fn schedule_of_the_map_is_played_for_real() {
    let lab = Lab::start();
    let browser = open(&lab);
    browser.wait_for_text("counted", |text| text.contains("3,150 different orders"));
    assert!(browser.text("counted").contains("3,080 sell one ticket twice"));
    browser.click("next-wrong");
    browser.wait_for_text("chosen", |text| text.contains("goes wrong") || text.contains("turn"));
    browser.run("document.getElementById('speed').value = '0'");

    browser.click("play-chosen");

    browser.wait_for_text("ending", |text| text.contains("crashed") || text.contains("Oversold"));
    let link = browser.run("return location.hash");
    assert!(link.as_str().is_some_and(|link| link.starts_with("#none/2/1/1")), "{link}");
}

#[test]
fn link_plays_its_schedule() {
    let lab = Lab::start();
    let browser = Browser::start();

    browser.open(&format!("{}/#flock/2/1/1122", lab.url));

    browser.wait_for_text("said", |text| text.contains("Worker 2 waits for the lock"));
    assert_eq!(browser.text("state-2"), "Waits in the kernel for the lock");
    assert_eq!(lab.client.get("/schedule.json").json()["variant"], "flock");
}

#[test]
fn random_schedule_plays_by_itself_and_can_be_stopped() {
    let lab = Lab::start();
    let browser = open(&lab);
    browser.run("document.getElementById('speed').value = '120'");
    browser.click("random");
    browser.wait_for_text("ending", |text| !text.is_empty());

    browser.run("document.getElementById('speed').value = '1500'");
    browser.click("again");
    eventually("it to play", || browser.is_visible("pause").then_some(()));
    browser.click("pause");
    assert!(!browser.is_visible("pause"));
}

#[test]
fn page_asks_nobody_else_and_fits_a_phone() {
    let lab = Lab::start();
    for browser in [open(&lab), Browser::start_dark()] {
        browser.open(&lab.url);
        browser.wait_for_text("counted", |text| text.contains("orders"));
        let asked = browser.run(
            "return performance.getEntriesByType('resource')
                 .filter(it => !it.name.startsWith(location.origin)).map(it => it.name)",
        );
        assert_eq!(asked, json!([]));
        let overhang = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(overhang.as_f64().is_some_and(|pixels| pixels <= 0.0), "{overhang} px too wide");
    }
}

#[test]
fn costs_of_lockings_are_compared_at_the_end() {
    let lab = Lab::start();
    let browser = open(&lab);
    press(&browser, "11221111");
    assert!(!browser.is_visible("costs"));
    press(&browser, "122222");
    browser
        .wait_for_text("costs-rows", |text| text.contains("No lock") && text.contains("oversold!"));

    browser.open(&format!("{}/#flock/2/1/112211111112222", lab.url));

    browser.wait_for_text("costs-rows", |text| text.contains("flock"));
    let rows = browser.run("return document.querySelectorAll('#costs-rows tr').length");
    assert_eq!(rows, json!(2));
    eventually("the picture", || {
        let width = browser.run("return document.getElementById('costs-picture').naturalWidth");
        width.as_f64().filter(|pixels| *pixels > 300.0)
    });
    let overhang = browser.run("return document.documentElement.scrollWidth - innerWidth");
    assert!(overhang.as_f64().is_some_and(|pixels| pixels <= 0.0), "{overhang} px too wide");
}

#[test]
fn mission_that_was_done_before_is_not_told_as_done_by_a_run_that_did_not() {
    let lab = Lab::start();
    let browser = open(&lab);
    press(&browser, "11221111122222");
    browser.wait_for_text("thing", |text| text == "a race: check, then act");

    browser.press("lab", "o");
    wait_for_steps(&browser, 0);

    assert!(!browser.is_visible("done"));
    assert!(browser.text("mission-place").contains("done before"));
    let places = "return document.getElementById('step-2').getBoundingClientRect().top";
    let before = browser.run(places);
    press(&browser, "11111112222");
    browser.wait_for_text("said", |text| text.contains("the mission asks for more"));
    assert!(!browser.is_visible("done"));
    assert_eq!(browser.run(places), before, "a button stays under the pointer");
}

#[track_caller]
fn open(lab: &Lab) -> Browser {
    let browser = Browser::start();
    browser.open(&lab.url);
    browser.wait_for_text("said", |text| text.starts_with("New workers"));
    browser
}

/// Presses one key after the other, each when what the one before has done is shown.
#[track_caller]
fn press(browser: &Browser, keys: &str) {
    for key in keys.chars() {
        let before = steps(browser);
        browser.press("lab", &key.to_string());
        wait_for_steps(browser, before + 1);
    }
}

#[track_caller]
fn steps(browser: &Browser) -> u64 {
    let steps = browser.run("return document.querySelectorAll('#lanes tr').length");
    steps.as_u64().expect("a number of rows")
}

#[track_caller]
fn wait_for_steps(browser: &Browser, number: u64) {
    eventually(&format!("{number} steps"), || (steps(browser) == number).then_some(()));
}

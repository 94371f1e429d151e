//! The pure model and what really happens come to the same, on a sample of all schedules.

use std::fs;

use serde_json::{Value, json};

use super::running::Lab;

/// How many schedules of each variant are played for real, beside the first and the last.
const SAMPLE: usize = 12;

const VARIANTS: [&str; 8] = [
    "none",
    "write-lock",
    "mutex",
    "flock",
    "replaced",
    "lock-file",
    "compare-and-swap",
    "two-locks",
];

#[test]
fn schedules_come_to_what_the_map_says_when_they_are_played_for_real() {
    let lab = Lab::start();
    let mut dice = fastrand::Rng::with_seed(7);
    for variant in VARIANTS {
        lab.done(&json!({ "do": "set-up", "variant": variant, "workers": 2, "tickets": 1 }));
        let map = lab.client.get("/map").json();
        let letters: Vec<char> =
            map["map"]["letters"].as_str().expect("a letter a schedule").chars().collect();
        let mut numbers: Vec<usize> = (0..SAMPLE).map(|_| dice.usize(..letters.len())).collect();
        numbers.extend([0, letters.len() - 1]);
        // One of each kind at least: some are rare.
        let kinds = ['s', 'b', 'd', 'r'];
        numbers.extend(kinds.iter().filter_map(|kind| letters.iter().position(|it| it == kind)));
        for number in numbers {
            let play = lab.client.get(&format!("/schedules/{number}")).json();
            let seen = lab.done(&json!({ "do": "play", "play": play }));
            let said =
                format!("{variant}, schedule {number}, {}: {}", play["schedule"], seen["ending"]);
            assert_eq!(letter(&seen), letters[number], "{said}");
            assert_eq!(seen["model_agrees"], true, "{said}");
        }
        let beyond = lab.client.get(&format!("/schedules/{}", letters.len()));
        assert_eq!(beyond.status, 404, "{}", beyond.text());
    }
}

#[test]
fn what_the_model_did_not_expect_is_said() {
    let lab = Lab::start();
    let seen = lab.play("none", 2, 1, &[1]);
    assert_eq!(seen["model_agrees"], true);
    fs::write(lab.db(), "{\"count\": 5}").expect("the lab's file");

    let seen = lab.done(&json!({ "do": "step", "worker": 1 }));

    assert_eq!(seen["workers"][0]["variables"], json!([["count", "5"]]));
    assert_eq!(seen["model_agrees"], false);
}

/// Whoever leaves in the middle of a command does not leave a worker a step ahead of what is shown.
#[test]
fn what_is_shown_has_happened_also_where_nobody_waited_for_it() {
    let lab = Lab::start();
    for _ in 0..10 {
        lab.play("none", 2, 1, &[1, 1, 1, 1]);

        lab.leave_in_the_middle_of(&json!({ "do": "step", "worker": 1 }));
        let seen = lab.done(&json!({ "do": "step", "worker": 2 }));

        // It may come a little later than what was asked behind it.
        let steps = seen["steps"].to_string();
        let is_empty = steps.contains("empty the file") && !steps.contains("write 0");
        assert_eq!(seen["file"] == "", is_empty, "{seen}");
        assert_eq!(seen["model_agrees"], true, "{seen}");
    }
}

#[test]
fn random_schedules_of_many_workers_come_to_what_the_model_says() {
    let lab = Lab::start();
    for (seed, variant) in VARIANTS.iter().enumerate() {
        // More than one that waits, and the kernel may choose: locks are left to two.
        let workers = if ["none", "mutex", "compare-and-swap"].contains(variant) { 4 } else { 2 };
        let setup = json!({ "do": "set-up", "variant": variant, "workers": workers, "tickets": 3 });
        lab.done(&setup);
        let play = lab.client.get(&format!("/random/{seed}")).json();
        assert_eq!(play, lab.client.get(&format!("/random/{seed}")).json());

        let seen = lab.done(&json!({ "do": "play", "play": play }));

        assert_eq!(seen["model_agrees"], true, "{variant}: {play}");
        assert_ne!(seen["result"], Value::Null, "{variant}: played to its end");
    }
}

#[test]
fn ways_to_go_on_add_up_to_all_schedules() {
    let lab = Lab::start();
    let seen = lab.done(&json!({ "do": "start-over" }));
    let map = lab.client.get("/map").json();
    let sum = |counts: &Value| {
        let counts = counts.as_object().expect("counts");
        counts.values().filter_map(Value::as_u64).sum::<u64>()
    };
    let ways: u64 = (0..2).map(|at| sum(&seen["workers"][at]["ways"])).sum();
    assert_eq!((ways, sum(&map["map"]["counts"])), (3_150, 3_150));
}

fn letter(seen: &Value) -> char {
    match seen["result"].as_str() {
        Some("right") => 'r',
        Some("oversold") => 's',
        Some("broke") => 'b',
        Some("deadlock") => 'd',
        _ => '?',
    }
}

//! What workers do that are told whose turn it is: all of it in the kernel and in the file.

use std::fs;

use serde_json::{Value, json};

use super::running::Lab;

#[test]
fn two_who_read_before_either_writes_sell_one_ticket_twice() {
    let lab = Lab::start();

    let seen = lab.play("none", 2, 1, &[1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);

    assert_eq!(seen["result"], "oversold");
    let sale = |worker, again| json!({ "worker": worker, "ticket": 1, "again": again });
    assert_eq!(seen["sales"], json!([sale(1, false), sale(2, true)]));
    assert_eq!(seen["file"], "{\"count\": 0}");
    assert_eq!(seen["missions"][0]["is_done"], true);
    assert_eq!(seen["missions"][0]["lesson"], "file-mutex");
}

#[test]
fn worker_that_waits_stands_in_the_kernel_until_the_lock_is_given_back() {
    let lab = Lab::start();

    let seen = lab.play("flock", 2, 1, &[1, 1, 2, 2]);

    assert_eq!(states(&seen), ["ready", "waits"]);
    let lock = |worker, waits| json!({ "on": "db.txt", "worker": worker, "waits": waits });
    assert_eq!(seen["locks"], json!([lock(1, false), lock(2, true)]));
    // As the kernel itself has it, asked by somebody else.
    let process = seen["workers"][1]["process"].as_u64().expect("a process id");
    let locks = fs::read_to_string("/proc/locks").expect("the kernel's list");
    let waits = |line: &&str| line.contains("-> FLOCK") && line.contains(&format!(" {process} "));
    assert_eq!(locks.lines().filter(waits).count(), 1, "{locks}");
    let refused = lab.ask(&json!({ "do": "step", "worker": 2 }));
    assert_eq!(refused.status, 409, "{}", refused.text());

    let mut seen = Value::Null;
    for _ in 0..6 {
        seen = lab.done(&json!({ "do": "step", "worker": 1 }));
    }
    assert_eq!(states(&seen), ["ready", "ready"]);
    assert_eq!(seen["locks"], json!([lock(2, false)]));
    assert_eq!(
        seen["said"],
        "Worker 1 gives back the lock on db.txt. Worker 2 has the lock on db.txt now."
    );
}

#[test]
fn two_orders_of_two_locks_end_in_a_deadlock_that_start_over_ends() {
    let lab = Lab::start();

    let seen = lab.play("two-locks", 2, 1, &[1, 2, 1, 2, 1, 2]);

    assert_eq!(states(&seen), ["waits", "waits"]);
    assert_eq!(seen["result"], "deadlock");
    let stuck: Vec<_> = seen["workers"].as_array().expect("workers").iter().collect();
    let seen = lab.done(&json!({ "do": "start-over" }));
    assert_eq!(states(&seen), ["ready", "ready"]);
    assert_ne!(seen["workers"][0]["process"], stuck[0]["process"], "new workers");
}

#[test]
fn reader_of_an_empty_file_breaks_off_and_gives_back_what_it_held() {
    let lab = Lab::start();

    let seen = lab.play("none", 2, 1, &[1, 1, 1, 1, 1, 2, 2]);

    assert_eq!(states(&seen), ["ready", "broke"]);
    assert_eq!(seen["file"], "");
}

#[test]
fn lock_on_a_file_that_was_replaced_is_had_by_two_and_told_apart() {
    let lab = Lab::start();

    let seen = lab.play("replaced", 3, 2, &[1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 3, 3]);

    let lock = |on: &str, worker| json!({ "on": on, "worker": worker, "waits": false });
    assert_eq!(seen["locks"], json!([lock("db.txt", 3), lock("the old db.txt", 2)]));
}

#[test]
fn back_plays_the_same_steps_but_the_last_with_new_workers() {
    let lab = Lab::start();
    let before = lab.play("compare-and-swap", 2, 2, &[1, 1, 2, 2, 2, 2, 2, 1, 1]);
    let after = lab.done(&json!({ "do": "step", "worker": 1 }));
    assert_eq!(after["steps"][9]["brief"], "swap: too late");

    let back = lab.done(&json!({ "do": "back" }));

    assert_eq!(back["schedule"], before["schedule"]);
    assert_eq!(back["steps"], before["steps"]);
    assert_eq!(back["file"], before["file"]);
    assert_ne!(back["workers"][0]["process"], before["workers"][0]["process"]);
}

#[test]
fn five_workers_queue_for_one_lock_and_sell_what_there_is() {
    let lab = Lab::start();
    let all_ask = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5];
    let mut seen = lab.play("lock-file", 5, 3, &all_ask[..5]);
    assert_eq!(states(&seen), ["ready", "waits", "waits", "waits", "waits"]);

    while let Some(ready) = states(&seen).iter().position(|state| state == "ready") {
        seen = lab.done(&json!({ "do": "step", "worker": ready + 1 }));
    }

    assert_eq!(seen["result"], "right", "{}", seen["ending"]);
    assert_eq!(seen["sales"].as_array().map(Vec::len), Some(3));
    assert_eq!(seen["file"], "{\"count\": 0}");
}

#[test]
fn what_a_locking_costs_is_told_at_its_end_beside_those_before() {
    let lab = Lab::start();
    let oversold = [1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2];
    let seen = lab.play("none", 2, 1, &oversold[..13]);
    assert_eq!(seen["costs"], json!([]), "it is not over");
    lab.play("none", 2, 1, &oversold);

    // Worker 2 comes third, and waits for the lock while worker 1 goes through.
    let seen = lab.play("flock", 2, 1, &[1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);

    assert_eq!(seen["result"], "right", "{seen}");
    let costs = seen["costs"].as_array().expect("costs");
    let told = |cost: &Value| {
        let service = &cost["service"];
        json!([cost["result"], cost["is_now"], service["waited_p50"], service["waited_max"]])
    };
    let told: Vec<_> = costs.iter().map(told).collect();
    assert_eq!(told, [json!(["oversold", false, 0, 0]), json!(["right", true, 2, 7])]);
    assert_eq!(costs[1]["service"]["out_of_turn"], 0.0);
    let picture = lab.client.get("/costs.svg").text();
    assert!(picture.contains("No lock") && picture.contains("waited 7"), "{picture}");

    let seen = lab.play("two-locks", 2, 1, &[1, 2, 1, 2, 1, 2]);
    assert_eq!(
        (&seen["costs"][2]["unserved"], &seen["costs"][2]["service"]),
        (&json!(2), &json!(null))
    );
}

fn states(seen: &Value) -> Vec<String> {
    let workers = seen["workers"].as_array().expect("workers");
    workers.iter().map(|worker| worker["state"].as_str().unwrap_or_default().to_owned()).collect()
}

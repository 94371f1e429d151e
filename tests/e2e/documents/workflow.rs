//! The workflow for GitHub in `loadgen/MAP.md`: its step does what it says, against a shop that is right.

use std::{
    fs,
    sync::atomic::{AtomicI64, Ordering},
};

use e2e::{Program, Stub};
use serde_json::json;

use super::fences::{fences, text};

/// The lines of the step that runs `loadgen`, as the shell gets them.
#[track_caller]
fn step(workflow: &[(usize, String)]) -> String {
    let lines = workflow.iter().map(|(_, line)| line.trim());
    let from = lines.skip_while(|line| !line.starts_with("loadgen run"));
    let step: Vec<&str> = from.take_while(|line| !line.starts_with("- ")).collect();
    assert!(!step.is_empty(), "no step runs `loadgen`: {workflow:?}");
    step.join(" ")
}

#[test]
fn step_of_the_workflow_runs_and_leaves_what_it_uploads() {
    let map = text("loadgen/MAP.md");
    let workflow = fences(&map).into_iter().find(|fence| fence.info == "yaml");
    let workflow = workflow.expect("there is a workflow").lines;
    assert!(workflow.len() <= 22, "{} lines", workflow.len());
    let left = AtomicI64::new(0);
    let shop = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": left.load(Ordering::SeqCst)}).to_string()),
        "POST /refill" => {
            left.store(20, Ordering::SeqCst);
            ("204 No Content", String::new())
        }
        _ => match left.fetch_sub(1, Ordering::SeqCst) {
            seat @ 1.. => ("201 Created", json!({"seat": seat}).to_string()),
            _ => {
                left.fetch_add(1, Ordering::SeqCst);
                ("409 Conflict", String::new())
            }
        },
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = "numbering = 'unique'\n[search]\npath = '/left'\nremaining = '/left'\n\
               [buy]\npath = '/buy'\nsold = { status = [201], ticket = '/seat' }\n\
               sold_out = { status = [409] }\n";
    fs::write(folder.path().join("shop.toml"), map).expect("the folder is writable");
    let refill = format!("curl -sf {}/refill -d all", shop.url());
    let step = step(&workflow)
        .replace("http://127.0.0.1:3000", &shop.url())
        .replace("docker compose restart shop", &refill)
        .replace("loadgen run", &format!("{} run", env!("CARGO_BIN_EXE_e2e-loadgen")));

    let finished = Program::new("bash").args(["-ec", &step]).inside(folder.path()).run();

    assert_eq!(finished.code, Some(0), "{step}: {finished:?}");
    assert!(finished.stdout.contains("None of 10 rounds showed a violation"), "{finished:?}");
    for kind in ["xml", "html", "json"] {
        let file = folder.path().join(format!("oversell.{kind}"));
        assert!(file.is_file(), "no {}", file.display());
    }
}

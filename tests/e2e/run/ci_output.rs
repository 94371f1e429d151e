//! What a CI reads of a run: JUnit XML, annotations, and the summary of a step.

use std::{fs, path::Path};

use e2e::{Counter, Finished, Program, Stub};
use serde_json::json;

use super::measured::{SEATS_MAP, run};
use crate::programs::{loadgen, serve, serve_with};

/// Says what stands in a JUnit file, and fails where one of the readers would not take it: names, order and
/// attributes as Jenkins' `junit-10.xsd` allows them.
const READER: &str = r#"
import json, re, sys, xml.etree.ElementTree as tree
allowed = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"properties", "testcase"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "time", "classname"}, {"failure", "error", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
def look(one):
    attributes, children = allowed[one.tag]
    assert set(one.attrib) <= attributes, (one.tag, one.attrib)
    assert re.fullmatch(r"[0-9]*(\.[0-9]*)?", one.attrib.get("time", "0")), one.attrib
    for child in one:
        assert child.tag in children, (one.tag, child.tag)
        look(child)
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites"
look(root)
cases = [(suite, case) for suite in root for case in suite if case.tag == "testcase"]
for one in [root, *root]:
    for kind in ["failure", "error"]:
        assert int(one.get(kind + "s")) == sum(case.find(kind) is not None for _, case in cases), kind
    assert int(one.get("tests")) == len(cases)
def told(case):
    bad = case.find("failure") if case.find("failure") is not None else case.find("error")
    what = [bad.tag, bad.get("type"), bad.get("message"), bad.text] if bad is not None else None
    return {"name": case.get("name"), "class": case.get("classname"), "bad": what}
json.dump([told(case) for _, case in cases], sys.stdout)
"#;

#[track_caller]
fn cases(path: &Path) -> Vec<serde_json::Value> {
    let read = Program::new("python3").args(["-c", READER]).arg(path).run();
    assert_eq!(read.code, Some(0), "{read:?}");
    read.json().as_array().expect("a list").clone()
}

/// As a step of GitHub's runner has it, with a summary at `summary`.
fn on_github(program: Program, summary: &Path) -> Program {
    program.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", summary)
}

fn commands(finished: &Finished) -> Vec<&str> {
    finished.stderr.lines().filter(|line| line.starts_with("::")).collect()
}

#[test]
fn valid_run_is_a_case_that_passed_and_a_threshold_that_was_missed_one_that_failed() {
    let counter = Counter::with(30);
    let server = serve(&counter);
    let file = counter.folder().join("junit.xml");

    let load = run(server.url()).args(["-c", "10", "-n", "60", "--threshold", "max<0.001ms"]);
    let finished = load.arg("--junit").arg(&file).run();

    assert_eq!(finished.code, Some(99), "{finished:?}");
    let cases = cases(&file);
    assert_eq!(
        (&cases[0]["name"], &cases[0]["class"], &cases[0]["bad"]),
        (&json!("run"), &json!("loadgen.run"), &json!(null))
    );
    assert_eq!(
        (&cases[1]["name"], &cases[1]["bad"][1]),
        (&json!("threshold max<0.001ms"), &json!("threshold"))
    );
    assert_eq!(cases.len(), 2);
}

#[test]
fn violation_and_unknown_are_failures_and_what_was_not_carried_out_an_error() {
    let counter = Counter::with(5);
    let seller = ["--locking", "none", "--check-delay", "5ms", "--write-delay", "5ms"];
    let server = serve_with(&counter, &seller);
    let file = counter.folder().join("junit.xml");
    let load =
        |arguments: &[&str]| run(server.url()).args(arguments).arg("--junit").arg(&file).run();

    let wrong = load(&["-c", "10", "-n", "40"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let bad = cases(&file)[0]["bad"].clone();
    assert_eq!((&bad[0], &bad[1]), (&json!("failure"), &json!("violation")), "{bad:#}");
    let said = bad[3].as_str().expect("words");
    assert!(said.starts_with("violation, 40 operations") && said.contains("worker"), "{said}");

    counter.overwrite(r#"{"count": 1000}"#);
    let unknown = load(&["-c", "1", "-n", "5", "--require", "sold-out"]);
    assert_eq!(unknown.code, Some(3), "{unknown:?}");
    assert_eq!(cases(&file)[0]["bad"][1], "unknown");

    let failed = load(&["--rounds", "2", "--reset", "echo '<no stock> & \"none\"'; exit 9"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    let bad = cases(&file)[0].clone();
    assert_eq!(
        (&bad["name"], &bad["bad"][0]),
        (&json!("round 1, steady"), &json!("error")),
        "{bad:#}"
    );
    assert!(bad["bad"][3].as_str().expect("words").contains("<no stock> & \"none\""), "{bad:#}");

    let nowhere = run(server.url()).args(["--junit", "no-such-folder/junit.xml"]).run();
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("`--junit`: cannot write `no-such-folder"), "{nowhere:?}");
}

/// A shop whose one ticket is sold to everybody, and has a name that tries to be something else.
fn hostile(name: &'static str) -> (Stub, tempfile::TempDir) {
    let stub = Stub::http(move |request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": 5}).to_string()),
        _ => ("201 Created", json!({"seat": name}).to_string()),
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("shop.toml"), SEATS_MAP).expect("the folder is writable");
    (stub, folder)
}

#[test]
fn whatever_a_shop_says_stays_text_in_xml_in_an_annotation_and_in_the_summary() {
    let name =
        "]]></failure><x a='\"&\u{1}\u{1b}[31m\u{ffff}\n::error::injected 100%\r\n```\n# big\n<b>";
    let (shop, folder) = hostile(name);
    let [file, summary] = ["junit.xml", "summary.md"].map(|name| folder.path().join(name));

    let load = loadgen().args(["run", &shop.url(), "-c", "8", "-n", "20", "--json", "--map"]);
    let load = load.arg(folder.path().join("shop.toml")).arg("--junit").arg(&file);
    let finished = on_github(load, &summary).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let bad = cases(&file)[0]["bad"].clone();
    assert!(bad[2].as_str().expect("a message").contains("]]></failure><x a='\"&"), "{bad:#}");
    let commands = commands(&finished);
    assert!(!commands.is_empty());
    for command in &commands {
        assert!(command.starts_with("::error title=loadgen%3A violation%2C "), "{commands:#?}");
    }
    assert!(commands.iter().any(|command| command.contains("100%25")), "{commands:#?}");
    let summary = fs::read_to_string(&summary).expect("it was written");
    let fences: Vec<_> = summary.lines().filter(|line| line.starts_with("```")).collect();
    let outer = fences.first().expect("a fence").trim_end_matches("text");
    assert_eq!(fences.iter().filter(|fence| fence.trim_end_matches("text") == outer).count(), 2);
    assert!(fences.iter().all(|fence| fence.len() <= outer.len() + 4), "{summary}");
}

/// What a runner takes for a command, wherever it stands in a line or at its beginning.
#[track_caller]
fn assert_has_no_command(finished: &Finished, also: &[&str]) {
    for line in finished.stdout.lines().chain(finished.stderr.lines()) {
        let is_ours = also.iter().any(|prefix| line.starts_with(prefix));
        assert!(is_ours || !line.trim_start().starts_with("::"), "{line}: {finished:?}");
        assert!(!line.contains("##["), "{line}: {finished:?}");
    }
}

#[test]
fn whatever_a_shop_says_is_no_command_of_a_runner_in_any_program() {
    let name = "A-1\n::add-mask::x\r\n##[error]y";
    let (shop, folder) = hostile(name);
    let [map, history, summary] =
        ["shop.toml", "run.ndjson", "summary.md"].map(|name| folder.path().join(name));
    let url = shop.url();

    let load = loadgen().args(["run", &url, "-c", "8", "-n", "20", "--json", "--map"]).arg(&map);
    let ran = on_github(load.arg("--history").arg(&history), &summary).run();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_has_no_command(&ran, &["::error title="]);

    for json in [&[][..], &["--json"]] {
        let rehearsal = loadgen().args(["try", &url, "--buy", "--map"]).arg(&map).args(json);
        let rehearsed = on_github(rehearsal, &summary).run();
        assert!(rehearsed.stdout.contains("add-mask"), "{rehearsed:?}");
        assert_has_no_command(&rehearsed, &[]);

        let checked = on_github(loadgen().arg("check").arg(&history).args(json), &summary).run();
        assert_eq!(checked.code, Some(1), "{checked:?}");
        assert!(checked.stdout.contains("add-mask"), "{checked:?}");
        assert_has_no_command(&checked, &[]);
        if !json.is_empty() {
            let ticket = &checked.json()["violations"][0]["operations"][0]["tickets"][0];
            assert_eq!(ticket, &json!(name), "the value is another");
        }
    }

    // A history that is none is quoted where it is refused.
    let odd = folder.path().join("odd.ndjson");
    fs::write(&odd, "{\"history\": 1, \"initial\": \"\\n::error::z ##[error]z\"}\n")
        .expect("it is the test's own");
    let refused = on_github(loadgen().arg("check").arg(&odd), &summary).run();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stdout.contains("::error::z"), "it is not quoted: {refused:?}");
    assert_has_no_command(&refused, &[]);
}

#[test]
fn command_of_a_reset_stands_in_no_file_that_is_passed_on() {
    let counter = Counter::with(5);
    let server = serve(&counter);
    let file = counter.folder().join("junit.xml");

    let load = run(server.url()).args(["--rounds", "2", "--reset", "PASSWORD=s3cret; exit 9"]);
    let load = load.arg("--junit").arg(&file).env("GITHUB_ACTIONS", "true");
    let failed = load.run();

    assert_eq!(failed.code, Some(2), "{failed:?}");
    let annotations: Vec<_> =
        failed.stderr.lines().filter(|line| line.starts_with("::error")).collect();
    assert!(!annotations.is_empty(), "{failed:?}");
    assert!(!annotations.iter().any(|line| line.contains("s3cret")), "{annotations:?}");
    let text = fs::read_to_string(&file).expect("it was written");
    assert!(text.contains("exit code 9") && !text.contains("s3cret"), "{text}");
}

#[test]
fn github_is_told_of_violations_doubts_and_advice_and_nobody_else_is() {
    let counter = Counter::with(1000);
    let server = serve(&counter);
    let summary = counter.folder().join("summary.md");
    let load = || run(server.url()).args(["-c", "10", "-n", "60"]);

    let plain = load().without_env("GITHUB_ACTIONS").run();
    assert_eq!((plain.code, commands(&plain).len()), (Some(0), 0), "{plain:?}");

    let advised = on_github(load(), &summary).run();
    let said = commands(&advised);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].starts_with("::warning title=loadgen%3A advice::Too much stock"), "{said:#?}");
    let advice = advised.json()["advice"][0].clone();
    assert!(advised.stderr.contains("what to change:"), "{advised:?}");

    let required = on_github(load().args(["--require", "sold-out"]), &summary).run();
    assert_eq!(required.code, Some(3), "{required:?}");
    assert!(
        commands(&required)[0].starts_with("::error title=loadgen%3A unknown::"),
        "{required:?}"
    );

    let failed = load().args(["--reset", "exit 3"]);
    let failed = on_github(failed, &summary).run();
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(commands(&failed)[0].contains("exit code 3"), "{failed:?}");

    // Behind one another, as steps of one job do it.
    let written = fs::read_to_string(&summary).expect("it was written");
    let heads: Vec<_> = written.lines().filter(|line| line.starts_with("### ")).collect();
    assert_eq!(heads, ["### loadgen: valid", "### loadgen: unknown"]);
    assert!(written.contains(advice.as_str().expect("words").split('`').next().expect("words")));

    let lost = on_github(load(), Path::new("/no-such-folder/summary.md")).run();
    assert_eq!(lost.code, Some(0), "{lost:?}");
    assert!(lost.stderr.contains("the summary of the step cannot be written"), "{lost:?}");
}

/// GitHub shows ten annotations of a kind, and the rest to nobody: each cause has its share of these.
#[test]
fn of_many_products_and_thresholds_no_more_is_annotated_than_is_shown() {
    let shop = Stub::http(|request| match request.call.as_str() {
        "GET /left" => ("200 OK", json!({"left": 5}).to_string()),
        _ => ("201 Created", json!({"seat": "A-1"}).to_string()),
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [map, summary] = ["shop.toml", "summary.md"].map(|name| folder.path().join(name));
    let products = (1..=8).map(|number| format!("[[product]]\nname = \"P{number}\"\n"));
    let of_product = SEATS_MAP.replace("\"/buy\"", "\"/buy/${product}\"");
    fs::write(&map, of_product + &products.collect::<String>())
        .expect("the folder is the test's own");
    let load = run(&shop.url()).args(["-c", "16", "-n", "160", "--map"]).arg(&map);
    let rules = (1..=8).map(|number| format!("max<0.00{number}ms"));
    let load = rules.fold(load, |load, rule| load.args(["--threshold", &rule]));

    let finished = on_github(load, &summary).run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let said = commands(&finished);
    let errors: Vec<_> = said.iter().filter(|line| line.starts_with("::error ")).collect();
    assert!(errors.len() < 10, "{said:#?}");
    let of = |part: &str| errors.iter().filter(|line| line.contains(part)).count();
    assert!(of("title=loadgen%3A violation") >= 4, "{said:#?}");
    assert_eq!((of(", P2: "), of("title=loadgen%3A threshold")), (1, 2), "{said:#?}");
}

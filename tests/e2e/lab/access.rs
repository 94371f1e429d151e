//! Who may drive a lab, and who may not even look.

use e2e::{Answer, Method};
use serde_json::{Value, json};

use super::running::Lab;

#[test]
fn only_who_has_the_token_may_drive() {
    let lab = Lab::start();
    let step = json!({ "do": "step", "worker": 1 });
    assert!(!lab.client.get("/follow").text().contains(&lab.token));

    let without = lab.client.post("/commands", &step);
    let request = lab.client.request(Method::POST, "/commands").bearer_auth("guessed");
    let wrong = Answer::to(request.json(&step));

    assert_eq!((without.status, wrong.status), (403, 403));
    assert_eq!(lab.client.get("/schedule.json").json()["schedule"], json!([]));
}

#[test]
fn pages_of_others_and_names_of_others_are_refused() {
    let lab = Lab::start();
    let step = json!({ "do": "step", "worker": 1 });
    let post = |name: &str, value: &str| {
        let request = lab.client.request(Method::POST, "/commands").bearer_auth(&lab.token);
        Answer::to(request.header(name, value).json(&step)).status
    };

    assert_eq!(post("Origin", "http://evil.example"), 403);
    assert_eq!(post("Origin", "null"), 403);
    assert_eq!(post("Host", "evil.example"), 421);
    let read = lab.client.request(Method::GET, "/").header("Host", "evil.example");
    assert_eq!(Answer::to(read).status, 421);
    assert_eq!(post("Origin", &lab.url), 200);
}

#[test]
fn what_no_lab_has_is_refused_and_nothing_changes() {
    let lab = Lab::start();
    lab.play("none", 2, 1, &[1, 2]);
    for (command, status) in [
        (json!({ "do": "step", "worker": 3 }), 409),
        (json!({ "do": "step", "worker": 0 }), 409),
        (json!({ "do": "step", "worker": 300 }), 400),
        (json!({ "do": "fly" }), 400),
        (json!({ "do": "set-up", "variant": "none", "workers": 6, "tickets": 1 }), 400),
        (json!({ "do": "set-up", "variant": "none", "workers": 2, "tickets": 0 }), 400),
        (json!({ "do": "take-on", "mission": "fly" }), 400),
        (json!(null), 400),
    ] {
        let answer = lab.ask(&command);
        assert_eq!(answer.status, status, "{command}: {}", answer.text());
    }
    assert_eq!(lab.client.get("/schedule.json").json()["schedule"], json!([1, 2]));
}

#[test]
fn answers_are_for_this_page_alone() {
    let lab = Lab::start();
    for path in ["/", "/follow", "/map", "/picture.svg", "/schedule.json"] {
        let answer = lab.client.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    let picture = lab.client.get("/picture.svg").text();
    assert!(picture.starts_with("<svg xmlns="), "{picture}");
    assert_ne!(lab.client.get("/map").json()["map"], Value::Null);
}

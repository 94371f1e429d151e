//! `loadgen try`: each call of a map, its answer, and what stood where.

use super::python_shop::PythonShop;

#[test]
fn rehearsal_of_several_calls_shows_each_and_hides_what_is_secret() {
    let shop = PythonShop::open("forms", 20, false);

    let rehearsed = shop.program("try").run();

    assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
    let said = &rehearsed.stdout;
    for part in [
        "several calls",
        "`before[1]` (`GET /login`)",
        "status 200 from /login → /account → /hello",
        "before[1].take.csrf",
        "`search` (`GET /`)",
        "left: 20",
        "nothing was bought",
        "Hello ${email}",
    ] {
        assert!(said.contains(part), "no {part}: {said}");
    }
    assert!(!said.contains("b0@shop.test"), "{said}");

    let rehearsed = shop.program("try").args(["--buy", "--json"]).run();

    assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
    let told = rehearsed.json();
    assert_eq!(told["can_be_judged"], true, "{told:#}");
    let results = told["results"].to_string();
    assert!(results.contains("bought: 1"), "{told:#}");
    for part in ["left before: 20", "left after the purchase: 19"] {
        assert!(results.contains(part), "no {part}: {told:#}");
    }
    // What was sent, as it was sent, and nothing in it that is somebody's own.
    let sent: Vec<_> =
        told["calls"].as_array().expect("a list").iter().map(|call| &call["sent"][0]).collect();
    let login = sent.iter().find(|sent| sent["method"] == "POST").expect("a login is sent");
    assert_eq!(login["url"], format!("{}/login", shop.url()), "{told:#}");
    let body = login["body"].as_str().expect("a form");
    assert!(body.contains("mail=${email}") && body.contains("password=${password}"), "{body}");
    assert!(login["fields"].to_string().contains("session=…"), "{login:#}");
    let all = told.to_string();
    for secret in ["b0@shop.test", "b0%40shop.test", "p%C3%A4%26ss", "pä&ss"] {
        assert!(!all.contains(secret), "{secret}: {told:#}");
    }
}

#[test]
fn rehearsal_of_one_call_shows_each_place() {
    let shop = PythonShop::open("rest", 20, false);
    shop.change_map("\"/order/seats/*/name\"", "\"/order/seats/*/no\"");

    let rehearsed = shop.program("try").arg("--buy").run();

    assert_eq!(rehearsed.code, Some(2), "{rehearsed:?}");
    for part in [
        "search.remaining  /onHand - /allocated  20",
        "buy.sold.tickets",
        "nothing stands there",
        "sold, but without its ticket: nothing stands at `/order/seats/*/no`",
    ] {
        assert!(rehearsed.stdout.contains(part), "no {part}: {}", rehearsed.stdout);
    }
}

#[test]
fn sale_that_any_answer_can_be_is_warned_of() {
    let shop = PythonShop::open("forms", 20, false);
    shop.change_map("where = { \"regex:Thank you\" = true }\n", "");

    for program in [shop.program("try"), shop.load()] {
        let finished = program.run();
        let said = format!("{}{}", finished.stdout, finished.stderr);
        let warning = "warning: `";
        assert!(said.contains(warning), "{finished:?}");
        assert!(
            said.contains(
                "shop.toml`:26: `buy.sold` comes first and takes every answer with status 200"
            ),
            "{said}"
        );
    }
}

#[test]
fn rehearsal_that_fails_names_the_call_and_its_line() {
    let shop = PythonShop::open("graphql", 20, false);
    shop.change_map("password = \"${password}\"", "password = \"wrong\"");

    let rehearsed = shop.program("try").arg("--buy").run();

    assert_eq!(rehearsed.code, Some(2), "{rehearsed:?}");
    for part in ["shop.toml`:4: `before[1]`", "invalid credentials", "its answer has `errors`"] {
        assert!(rehearsed.stdout.contains(part), "no {part}: {}", rehearsed.stdout);
    }
}

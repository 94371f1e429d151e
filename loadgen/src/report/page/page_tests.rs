//! The page as a whole: complete, self-contained, escaped and small, whatever the history.

use super::{
    PageRun,
    document::BYTES_MAX,
    recorded_run, render,
    specimens::{large, with_a_lock, with_unknowns, without_a_lock},
};
use crate::{
    history::{Answer, CriticalSection, Header, Operation, OperationKind, Outcome},
    judge::{Judgement, Violation, ViolationKind},
    latency::{Clocks, Samples},
    report::JudgedHistory,
};

const EVIL: &str = "</script><b onclick=\"x\">'&`";

fn page(specimens: &[&JudgedHistory]) -> String {
    let runs: Vec<PageRun<'_>> = specimens.iter().copied().map(recorded_run).collect();
    render("A race for 10 tickets", &runs).html
}

/// The page without its style and its script, which are ours.
fn markup(page: &str) -> String {
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    page.replace(include_str!("page.js"), "").replace(style, "")
}

fn places(text: &str, wanted: &[&str]) -> Vec<usize> {
    let place = |part: &&str| text.find(part).unwrap_or_else(|| panic!("`{part}` is missing"));
    wanted.iter().map(place).collect()
}

#[test]
fn verdict_and_counterexample_come_before_the_cause_and_the_symptom() {
    let page = page(&[&without_a_lock(100, 10), &with_a_lock(100, 10)]);
    let ids = ["verdict", "counterexample", "sections", "left", "waits", "timeline", "facts"]
        .map(|id| format!("<section id=\"{id}\""));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(places(&page, &ids).is_sorted());
    assert!(page.contains("A violation: "));
    assert!(page.contains("<strong>valid</strong>"));
}

#[test]
fn cause_and_symptom_are_told_in_numbers() {
    let page = page(&[&without_a_lock(100, 10), &with_a_lock(100, 10)]);
    for told in [
        "Up to 100 purchases were between read and write at once.",
        "99 purchases wrote over what another had written since their read.",
        "Never more than one purchase was between read and write.",
        "90 sold that do not exist",
        "From 10 tickets to −90, as promised; the counter says 9.",
        "From 10 tickets to 0, as promised; the counter says 0.",
    ] {
        assert!(page.contains(told), "{told}");
    }
    let json = page.split_once("id=\"figures\">").unwrap().1.split_once("</script>").unwrap().0;
    let figures: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(figures[0]["sections_at_once_max"], 100);
    assert_eq!(figures[0]["sections_overwriting"], 99);
    assert_eq!(figures[0]["promised_left_min"], -90);
    assert_eq!(figures[1]["sections_at_once_max"], 1);
}

#[test]
fn every_outcome_has_a_shape_in_the_legend() {
    let page = page(&[&with_unknowns()]);
    for class in ["sold", "sold-out", "found", "refused", "unknown"] {
        assert!(page.contains(&format!("<g class=\"op {class}\">")), "{class}");
    }
    assert!(page.contains("<strong>unknown</strong>"));
    assert!(page.contains("In doubt: the file ends in the middle of line <code>49</code>."));
    assert!(!page.contains("id=\"counterexample\""));
}

#[test]
fn nobody_else_is_asked_for_anything() {
    let page = page(&[&without_a_lock(20, 3), &with_a_lock(20, 3)]);
    // A name, not an address: scripts need it to make a picture.
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "url(", "@import", "src=", "href=", "fetch(", "<link"] {
        assert!(!page.contains(outside), "`{outside}` is in the page");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn policy_leaves_no_attribute_that_it_forbids() {
    let markup = markup(&page(&[&without_a_lock(20, 3)]));
    assert!(!markup.contains(" style="));
    for word in markup.split_ascii_whitespace() {
        assert!(!(word.starts_with("on") && word.contains('=')), "`{word}`");
    }
    assert!(!page(&[]).contains('\r'), "a browser hashes what it has parsed");
}

#[test]
fn everybody_can_read_it() {
    let markup = markup(&page(&[&without_a_lock(20, 3), &with_unknowns()]));
    assert_eq!(markup.matches("<h1>").count(), 1);
    let pictures = markup.matches("class=\"picture\" role=\"img\" aria-labelledby=").count();
    assert_eq!(pictures, 1 + 2 + 2 + 1 + 2);
    assert_eq!(markup.matches("<desc ").count(), pictures);
    // What has no picture needs no table, and what has one has it.
    assert_eq!(markup.matches("<caption>").count(), pictures);
    assert_eq!(markup.matches("<svg").count(), markup.matches("</svg>").count());
    let hidden = markup.matches("aria-hidden=\"true\"").count();
    assert!(hidden > pictures, "axes and legends are said in words");
}

#[test]
fn what_a_history_says_stays_text() {
    let answer = Answer { remaining: Some(1), ..Answer::new(Outcome::Sold) };
    let buy = Operation::buy(1, 5, 9, answer);
    let operations = [Operation { key: Some(EVIL.to_owned()), ..buy }];
    let judgement = Judgement {
        violations: vec![Violation {
            kind: ViolationKind::LostSale,
            message: EVIL.to_owned(),
            operations: vec![0, 0, 99],
            story: vec![EVIL.to_owned()],
            needs_whole: false,
        }],
        doubts: vec![EVIL.to_owned()],
        ..Judgement::default()
    };
    let run = PageRun {
        label: EVIL.to_owned(),
        facts: vec![(EVIL, EVIL.to_owned())],
        header: &Header::new(1),
        operations: &operations,
        judgement: &judgement,
        points: vec![Some(7)],
        clocks: None,
        shades: Vec::new(),
    };
    let page = markup(&render(EVIL, &[run]).html);
    assert!(page.contains("&lt;/script&gt;&lt;b onclick=&quot;x&quot;&gt;'&amp;"));
    assert!(!page.contains("<b ") && !page.contains("<b>"), "{page}");
    assert_eq!(page.matches("</script").count(), 2, "the figures and the script");
}

#[test]
fn a_million_operations_fit_and_what_is_left_out_is_said() {
    let page = page(&[&large(1_000_000)]);
    assert!(page.len() <= BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("Drawn are 2995 of 1,000,000 operations, evenly over the run."));
    assert!(page.contains("From 750,000 tickets to 0, as promised; the counter says 0."));
}

#[test]
fn nothing_makes_the_page_larger_than_promised() {
    let huge = "<".repeat(5_000);
    let answer = Answer {
        tickets: (0..5000).map(|n| n * 2).collect(),
        section: Some(CriticalSection { read_ns: 2, write_ns: u64::MAX }),
        ..Answer::new(Outcome::Sold)
    };
    let operations: Vec<Operation> = (0..5000_u32)
        .map(|process| Operation {
            key: Some(huge.clone()),
            op: OperationKind::Confirm,
            ..Operation::buy(process, 1, u64::MAX, answer.clone())
        })
        .collect();
    let violation = Violation {
        kind: ViolationKind::AnsweredTwice,
        message: huge.clone(),
        operations: (0..5000).rev().collect(),
        story: vec![huge.clone(); 100],
        needs_whole: false,
    };
    let judgement = Judgement {
        violations: vec![violation; 100],
        doubts: vec![huge.clone(); 100],
        ..Judgement::default()
    };
    let header = Header { left: Some(i64::MAX), ..Header::new(u64::MAX) };
    let run = PageRun {
        label: huge.clone(),
        facts: vec![("Note", huge.clone()); 100],
        header: &header,
        operations: &operations,
        judgement: &judgement,
        points: vec![Some(u64::MAX); 5000],
        clocks: None,
        shades: Vec::new(),
    };
    let page = render(&huge, &vec![run; 40]).html;
    assert!(page.len() <= BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("of 40 runs"));
}

#[test]
fn a_run_of_nothing_has_a_page() {
    let judgement = Judgement::default();
    let run = PageRun {
        label: String::new(),
        facts: Vec::new(),
        header: &Header { initial: None, ..Header::new(0) },
        operations: &[],
        judgement: &judgement,
        points: Vec::new(),
        clocks: None,
        shades: Vec::new(),
    };
    assert!(render("", &[run]).html.contains("The history has no operation."));
    assert!(render("", &[]).html.contains("</html>"));
}

#[test]
fn a_measured_run_shows_both_clocks_and_its_outcomes_over_time() {
    let specimen = with_a_lock(100, 10);
    let mut clocks = Clocks::default();
    let mut samples = Samples::default();
    for _ in 0..99 {
        samples.record(0, 1_000_000, 3_000_000);
    }
    samples.record(0, 900_000_000, 1_000_000_000);
    samples.count_into(&mut clocks);
    let run = PageRun { clocks: Some(&clocks), ..recorded_run(&specimen) };
    let page = render("A run", &[run]).html;
    for told in [
        "<section id=\"latency\"",
        "<section id=\"outcomes\"",
        "Half of the operations were answered within 3 ms of being due, 99 % within 3 ms",
        "all within 1000 ms. From being sent it took 2 ms",
        "class=\"response\"",
        "class=\"stack sold\"",
    ] {
        assert!(page.contains(told), "{told}");
    }
    let unmeasured = render("A race", &[recorded_run(&specimen)]).html;
    assert!(!unmeasured.contains("id=\"latency\"") && !unmeasured.contains("id=\"outcomes\""));
}

//! Links between the documents lead to files that are there, and to headings in them.

use std::collections::BTreeSet;

use super::fences::{DOCUMENTS, path, text};

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut count = 0;
    for name in DOCUMENTS.into_iter().chain(["ARCHITECTURE.md", "CHANGELOG.md"]) {
        for link in links(&text(name)) {
            count += 1;
            assert!(leads_somewhere(name, &link), "{name}: the link to `{link}` leads nowhere");
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn link_that_leads_nowhere_is_caught() {
    assert!(leads_somewhere("loadgen/MAP.md", "../README.md#quick-start"));
    for link in ["../READMI.md", "../README.md#no-such-heading", "#no-such-heading"] {
        assert!(!leads_somewhere("loadgen/MAP.md", link), "{link}");
    }
}

/// What `](…)` leads to in `text`, but for addresses of other sites.
fn links(text: &str) -> Vec<String> {
    let plain = prose(text);
    let behind = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let own = behind.map(|(link, _)| link).filter(|link| !link.contains("://"));
    own.map(str::to_owned).collect()
}

/// `text` without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

fn leads_somewhere(from: &str, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let target = if file.is_empty() { from.to_owned() } else { format!("{folder}/{file}") };
    let target = target.trim_start_matches('/');
    path(target).is_file() && (heading.is_empty() || headings(&text(target)).contains(heading))
}

/// The headings of `text` as links have them.
fn headings(text: &str) -> BTreeSet<String> {
    let plain = prose(text);
    let titles = plain.lines().filter(|line| line.starts_with('#'));
    titles.map(|title| anchor(title.trim_start_matches(['#', ' ']))).collect()
}

fn anchor(title: &str) -> String {
    let lower = title.to_lowercase().replace(' ', "-");
    lower.chars().filter(|c| c.is_alphanumeric() || ['-', '_'].contains(c)).collect()
}

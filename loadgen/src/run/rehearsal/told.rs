//! What a rehearsal has seen, for people and for programs.

use serde_json::{Value, json};

use crate::shop::{Exchange, Finding, Sent};

/// What a rehearsal has seen.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Which lane a run with this map takes.
    pub(super) lane: &'static str,
    /// The calls, one after the other.
    pub(super) calls: Vec<Exchange>,
    /// What came of them, in sentences.
    pub(super) results: Vec<String>,
    /// Why a run could not be judged.
    pub(super) problems: Vec<String>,
}

impl Told {
    /// As text.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.lane);
        for exchange in &self.calls {
            text.push_str(&format!("\n{}\n", exchange.call));
            text.extend(
                exchange.sent.iter().enumerate().map(|(place, sent)| lines(sent, place == 0)),
            );
            let way = exchange.stops.join(" → ");
            match exchange.status {
                Some(status) => text.push_str(&format!("  status {status} from {way}\n")),
                None => text.push_str("  no answer\n"),
            }
            let width = |of: fn(&Finding) -> &str| {
                exchange
                    .findings
                    .iter()
                    .map(|finding| of(finding).chars().count())
                    .max()
                    .unwrap_or(0)
            };
            let (members, places) =
                (width(|finding| &finding.member), width(|finding| &finding.place).min(40));
            for Finding { member, place, found } in &exchange.findings {
                let found = found.as_deref().unwrap_or("nothing stands there");
                text.push_str(&format!("  {member:members$}  {place:places$}  {found}\n"));
            }
            for line in exchange.answer.lines().filter(|line| !line.trim().is_empty()) {
                text.push_str(&format!("  | {}\n", line.trim_end()));
            }
        }
        text.push('\n');
        for result in &self.results {
            text.push_str(&format!("{result}\n"));
        }
        for problem in &self.problems {
            text.push_str(&format!("not to be judged: {problem}\n"));
        }
        if self.problems.is_empty() {
            text.push_str("a run with this map could be judged, as far as was tried\n");
        }
        text
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        let finding = |finding: &Finding| json!({"member": finding.member, "place": finding.place, "found": finding.found});
        let sent = |sent: &Sent| {
            json!({
                "method": sent.method,
                "url": sent.url,
                "fields": sent.fields,
                "body": sent.body,
            })
        };
        let call = |exchange: &Exchange| {
            json!({
                "call": exchange.call,
                "sent": exchange.sent.iter().map(sent).collect::<Vec<_>>(),
                "stops": exchange.stops,
                "status": exchange.status,
                "answer": exchange.answer,
                "findings": exchange.findings.iter().map(finding).collect::<Vec<_>>(),
            })
        };
        json!({
            "lane": self.lane,
            "calls": self.calls.iter().map(call).collect::<Vec<_>>(),
            "results": self.results,
            "problems": self.problems,
            "can_be_judged": self.problems.is_empty(),
        })
    }
}

/// A request for people; of those that follow on the `first` of a call, where they went.
fn lines(sent: &Sent, is_first: bool) -> String {
    let mut text = format!("  > {} {}\n", sent.method, sent.url);
    let (fields, body) = if is_first { (&sent.fields[..], &sent.body) } else { (&[][..], &None) };
    text.extend(fields.iter().map(|(name, value)| format!("  > {name}: {value}\n")));
    let body = body.iter().flat_map(|body| body.lines());
    text.extend(body.map(|line| format!("  > {}\n", line.trim_end())));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_stands_beside_what_was_found_there() {
        let finding = |member: &str, found: Option<&str>| Finding {
            member: member.to_owned(),
            place: "/left".to_owned(),
            found: found.map(str::to_owned),
        };
        let sent = |path: &str| Sent {
            method: "GET".to_owned(),
            url: format!("http://shop.test{path}"),
            fields: vec![("Accept".to_owned(), "*/*".to_owned())],
            body: None,
        };
        let told = Told {
            lane: "one call",
            calls: vec![Exchange {
                call: "`shop.toml`:3: `search` (`GET /stock`)".to_owned(),
                sent: vec![sent("/stock"), sent("/stock/7")],
                stops: vec!["/stock".to_owned()],
                status: Some(200),
                answer: "{\n\n\"left\": 7}".to_owned(),
                findings: vec![
                    finding("search.remaining", Some("7")),
                    finding("search.sold", None),
                ],
            }],
            results: vec!["7 are left".to_owned()],
            problems: Vec::new(),
        };
        assert_eq!(
            told.text(),
            "one call\n\n`shop.toml`:3: `search` (`GET /stock`)\n  > GET http://shop.test/stock\n  > Accept: */*\n  \
             > GET http://shop.test/stock/7\n  status 200 from /stock\n  \
             search.remaining  /left  7\n  search.sold       /left  nothing stands there\n  \
             | {\n  | \"left\": 7}\n\n7 are left\na run with this map could be judged, as far as was tried\n"
        );
        assert_eq!(told.json()["can_be_judged"], true);
        assert_eq!(told.json()["calls"][0]["sent"][1]["url"], "http://shop.test/stock/7");
        assert_eq!(told.json()["calls"][0]["findings"][1]["found"], Value::Null);
    }
}

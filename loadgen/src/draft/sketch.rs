//! A map in the making, and how it is written down. Pure.

use serde_json::Value;

/// What stands before what could not be known.
pub(super) const MARK: &str = "# ?";

/// A map in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketch {
    /// What people should know, one a line.
    pub(super) notes: Vec<String>,
    /// Whether a file says who buys.
    pub(super) has_buyers: bool,
    /// The call that says what is left, and the place of that.
    pub(super) search: Option<(SketchCall, Option<String>)>,
    /// What comes once.
    pub(super) before: Vec<SketchCall>,
    /// What comes ahead of the call that sells.
    pub(super) steps: Vec<SketchCall>,
    /// The call that sells.
    pub(super) buy: SketchCall,
    /// The statuses of a sale.
    pub(super) sold: Vec<u16>,
    /// Where a sale says its ticket.
    pub(super) ticket: Option<String>,
    /// The statuses of "sold out".
    pub(super) sold_out: Vec<u16>,
}

/// One call of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SketchCall {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: SketchBody,
    pub(super) take: Vec<(String, String)>,
    /// What could not be known of it.
    pub(super) doubts: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum SketchBody {
    #[default]
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Plain(String),
}

impl Sketch {
    /// The map as TOML.
    pub(super) fn toml(&self) -> String {
        let mut text = String::new();
        let notes = self.notes.iter().map(|note| format!("# {note}\n"));
        text.extend(notes);
        if self.has_buyers {
            text.push_str("buyers = \"buyers.csv\"  # a file with `email,password`, and a row for each client\n");
        }
        if let Some((call, remaining)) = &self.search {
            text.push_str("\n[search]\n");
            call.write(&mut text, "GET");
            match remaining {
                Some(place) => text.push_str(&format!("remaining = {}\n", quoted(place))),
                None => text.push_str(&format!(
                    "remaining = \"/remaining\"  {MARK} where does it say how many are left\n"
                )),
            }
        } else {
            text.push_str(&format!(
                "\n{MARK} [search]: which call says how many are left; without one say `--initial N`\n"
            ));
        }
        for (table, calls) in [("before", &self.before), ("buy.step", &self.steps)] {
            for call in calls {
                text.push_str(&format!("\n[[{table}]]\n"));
                let has_body = call.body != SketchBody::None;
                call.write(&mut text, if has_body { "POST" } else { "GET" });
            }
        }
        text.push_str("\n[buy]\n");
        self.buy.write(&mut text, "POST");
        text.push_str("\n[buy.sold]\n");
        text.push_str(&format!("status = {:?}\n", self.sold));
        match &self.ticket {
            Some(place) => text.push_str(&format!("ticket = {}\n", quoted(place))),
            None => text.push_str(&format!(
                "{MARK} ticket = \"/id\": where does a sale say its ticket or order\n"
            )),
        }
        text.push_str("\n[buy.sold_out]\n");
        match &self.sold_out[..] {
            [] => text.push_str(&format!(
                "status = [409]  {MARK} how does it say \"sold out\": buy by hand until it does\n"
            )),
            statuses => {
                text.push_str(&format!("status = {statuses:?}  {MARK} only for \"sold out\"\n"));
            }
        }
        text
    }
}

impl SketchCall {
    fn write(&self, text: &mut String, method: &str) {
        text.extend(self.doubts.iter().map(|doubt| format!("{MARK} {doubt}\n")));
        if self.method != method {
            text.push_str(&format!("method = {}\n", quoted(&self.method)));
        }
        text.push_str(&format!("path = {}\n", quoted(&self.path)));
        write_pairs(text, "headers", &self.headers);
        match &self.body {
            SketchBody::None => {}
            SketchBody::Json(value) => text.push_str(&format!("json = {}\n", inline(value))),
            SketchBody::Form(fields) => write_pairs(text, "form", fields),
            SketchBody::Plain(body) => text.push_str(&format!("body = {}\n", quoted(body))),
        }
        write_pairs(text, "take", &self.take);
    }
}

fn write_pairs(text: &mut String, member: &str, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    let pairs = pairs.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)));
    text.push_str(&format!("{member} = {{ {} }}\n", pairs.collect::<Vec<_>>().join(", ")));
}

/// `text` as TOML has it.
fn quoted(text: &str) -> String {
    if text.contains('\\') && !text.contains('\'') && !text.contains(char::is_control) {
        return format!("'{text}'");
    }
    // A text in JSON is one in TOML, but for this.
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A value of JSON as TOML has it in one line; TOML has no null.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members =
                members.iter().map(|(name, value)| format!("{} = {}", quoted(name), inline(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// How much a text has of these words: one that stands further ahead counts more.
pub(super) fn score(text: &str, words: &[&str]) -> usize {
    let text = text.to_ascii_lowercase();
    let found = words.iter().enumerate().filter(|(_, word)| text.contains(**word));
    found.map(|(place, _)| words.len() - place).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_toml_reads_them() {
        let value = json!({"a b": [1, -2.5, true, null], "c": {"\"d\"": "line\nend \\ 'x'"}});
        let table: toml::Table = toml::from_str(&format!("v = {}", inline(&value))).unwrap();
        let read = serde_json::to_value(&table["v"]).unwrap();
        assert_eq!(read["a b"], json!([1, -2.5, true, ""]));
        assert_eq!(read["c"], value["c"]);
        assert_eq!(quoted(r"regex:(\d+)"), r"'regex:(\d+)'");
    }
}

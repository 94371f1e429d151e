//! What the lines of a block say. Pure, so that blocks can be read in parallel.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    FORMAT_VERSION, Header, Operation, blocks::Block, json, ndjson::LineError,
    ndjson::decode_bytes, numbers::whole,
};

/// The longest line, in bytes.
pub(super) const LINE_LENGTH_MAX: usize = 1 << 20;

/// The operations of a block, and what stood between them.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) operations: Vec<Operation>,
    pub(super) marks: Vec<Mark>,
    /// How many lines there are.
    pub(super) lines: u64,
}

/// Something other than the next operation on the next line.
#[derive(Debug)]
pub(super) struct Mark {
    /// How many operations of the block stand before it.
    pub(super) at: usize,
    /// Its line within the block, from 0.
    pub(super) line: u64,
    pub(super) what: What,
}

/// What stands on a line.
#[derive(Debug)]
pub(super) enum What {
    /// The next operation, after lines that were none.
    Resumed,
    Header(Box<Header>),
    /// A header that says too little, maybe behind the beginning of an operation; operations follow
    /// it all the same.
    BrokenHeader(Fault),
    /// A history of another version of the format.
    Version(u64),
    /// A line that cannot be read.
    Broken {
        fault: Fault,
        looks_like_an_operation: bool,
    },
    /// A line longer than [`LINE_LENGTH_MAX`]; the block is not read any further.
    TooLong,
}

/// Why a line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1, where it is known.
    pub(super) column: Option<usize>,
    /// A lower-case fragment.
    pub(super) reason: String,
}

/// Reads the lines of `block`.
pub(super) fn parse(block: &Block) -> Parsed {
    let mut parsed = Parsed::default();
    let mut is_resumed = true;
    let mut rest = &block.bytes[..];
    while !rest.is_empty() {
        let length = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match length {
            Some(length) => (&rest[..length], &rest[length + 1..]),
            None => (rest, &[][..]),
        };
        let number = parsed.lines;
        parsed.lines += 1;
        let mark = |parsed: &mut Parsed, what| {
            parsed.marks.push(Mark { at: parsed.operations.len(), line: number, what });
        };
        if line.len() > LINE_LENGTH_MAX {
            mark(&mut parsed, What::TooLong);
            return parsed;
        }
        match decode_bytes(line) {
            Ok(operation) => {
                if is_resumed {
                    mark(&mut parsed, What::Resumed);
                }
                is_resumed = false;
                parsed.operations.push(operation);
            }
            Err(_) if line.trim_ascii().is_empty() => is_resumed = true,
            Err(error) => {
                let is_cut = block.is_last && length.is_none();
                mark(&mut parsed, no_operation(line, &error, is_cut));
                is_resumed = true;
            }
        }
        rest = after;
    }
    parsed
}

/// A line that is no operation, because of `error`.
fn no_operation(line: &[u8], error: &LineError, is_cut: bool) -> What {
    #[derive(Deserialize)]
    struct Version {
        history: Value,
        process: Option<IgnoredAny>,
    }

    let is_object = line.trim_ascii_start().first() == Some(&b'{');
    match serde_json::from_slice(line) {
        Ok(Version { history, process: None }) if is_object => match version(&history) {
            Some(version) if version == u64::from(FORMAT_VERSION) => header(line),
            Some(version) => What::Version(version),
            None => {
                What::BrokenHeader(Fault::new(&format!("`history` is `{history}`, no version")))
            }
        },
        _ => {
            let fault = fault(line, error, is_cut);
            let names = |member: &[u8]| line.windows(member.len()).any(|part| part == member);
            if is_object && (begins_with_history(line) || names(b"{\"history\"")) {
                What::BrokenHeader(fault)
            } else {
                What::Broken { fault, looks_like_an_operation: names(b"\"process\"") }
            }
        }
    }
}

/// The number that `history` is.
fn version(history: &Value) -> Option<u64> {
    history.as_u64().or_else(|| whole(history.as_f64()?)?.try_into().ok())
}

/// Whether the first member of an object is that of a header.
fn begins_with_history(line: &[u8]) -> bool {
    let members = line.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
    members.trim_ascii_start().starts_with(b"\"history\"")
}

fn header(line: &[u8]) -> What {
    match serde_json::from_slice(line) {
        Ok(header) => What::Header(Box::new(header)),
        Err(error) => What::BrokenHeader(Fault::of_json("", line, &error)),
    }
}

fn fault(line: &[u8], error: &LineError, is_cut: bool) -> Fault {
    match error {
        LineError::Json(_) | LineError::NoObject if line.contains(&0) => {
            Fault::new("NUL bytes, as a crash can leave them")
        }
        LineError::Json(error) if is_cut && error.is_eof() => {
            Fault::new("the file ends in the middle of this line")
        }
        LineError::Json(error) => Fault::of_json("no operation: ", line, error),
        error => Fault::new(&error.to_string()),
    }
}

/// A line can be long, and a parser names what it does not know.
fn short(reason: &str) -> String {
    const LENGTH_MAX: usize = 300;
    match reason.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

impl Fault {
    fn new(reason: &str) -> Self {
        Self { column: None, reason: short(reason) }
    }

    /// What is wrong with `line`, and with which of its members, where that is known.
    fn of_json(prefix: &str, line: &[u8], error: &serde_json::Error) -> Self {
        let reason = json::reason(error);
        let text = str::from_utf8(line).ok();
        let (member, column) = match text.and_then(|text| json::member(text, error)) {
            Some((member, column)) => (format!("`{member}`: "), column),
            None => (String::new(), error.column()),
        };
        Self { column: Some(column), reason: short(&format!("{prefix}{member}{reason}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALE: &str = r#"{"process":1,"op":"buy","quantity":1,"key":null,"call_ns":1,"return_ns":2,"outcome":"sold","tickets":[7],"remaining":93,"revision":7}"#;

    fn parsed(text: &str) -> Parsed {
        parse(&Block { bytes: text.as_bytes().to_vec(), is_last: true })
    }

    fn reason(line: &str) -> String {
        let parsed = parsed(&format!("{SALE}\n{line}"));
        match &parsed.marks[1].what {
            What::Broken { fault, .. } | What::BrokenHeader(fault) => {
                format!("{}: {}", fault.column.unwrap_or(0), fault.reason)
            }
            what => panic!("{line}: {what:?}"),
        }
    }

    #[test]
    fn places_of_operations_are_marked_only_after_a_gap() {
        let text = format!("{{\"history\":1,\"initial\":5}}\n{SALE}\n{SALE}\r\n\n{SALE}");
        let parsed = parsed(&text);
        assert_eq!((parsed.operations.len(), parsed.lines), (3, 5));
        let marks: Vec<_> = parsed.marks.iter().map(|mark| (mark.at, mark.line)).collect();
        assert_eq!(marks, [(0, 0), (0, 1), (2, 4)]);
        assert!(matches!(parsed.marks[0].what, What::Header(_)));
    }

    #[test]
    fn a_broken_line_says_what_is_wrong_with_it() {
        for (line, said) in [
            (SALE.replace(r#""op":"buy","#, ""), "no operation: missing field `op`"),
            (SALE.replace("\"call_ns\":1", "\"call_ns\":-1"), "invalid value: integer `-1`"),
            (SALE.replace("\"return_ns\":2", "\"return_ns\":0"), "before its call"),
            (SALE[..60].to_owned(), "ends in the middle"),
            (SALE[..60].to_owned() + "\n", "no operation: EOF while parsing"),
            ("\0\0\0".to_owned(), "NUL bytes"),
            ("[1]".to_owned(), "not a JSON object"),
            (r#"{"history":1,"sold":-5}"#.to_owned(), "invalid value: integer `-5`"),
            (r#"{"history":"one"}"#.to_owned(), "no version"),
            (r#"{"history":1,"ini"#.to_owned(), "ends in the middle"),
        ] {
            let reason = reason(&line);
            assert!(reason.contains(said), "{line}: {reason}");
        }
    }

    #[test]
    fn a_member_that_cannot_be_read_is_named_with_its_column() {
        let with = |from: &str, to: &str| reason(&SALE.replacen(from, to, 1));
        let links = ",\"links\":7}";
        for (from, to, said) in [
            ("[7]", r#""A \ud800""#, "102: no operation: `tickets`: `\"A \\ud800\"` is no ticket"),
            ("[7]", r#"["A", "\ud800"]"#, "102: no operation: `tickets`: `\"\\ud800\"` is no"),
            ("[7]", "[null]", "102: no operation: `tickets`: `null` is no ticket"),
            ("\"call_ns\":1", "\"call_ns\":-1", "59: no operation: `call_ns`: invalid value"),
            (":7}", ":\"7\"}", "132: no operation: `revision`: invalid type: string \"7\""),
            (
                ":7}",
                ":-7}",
                "132: no operation: `revision`: invalid value: integer `-7`, expected one from 0 on",
            ),
            ("\"buy\"", "7", "19: no operation: `op`: expected one of its names"),
            ("null", "7", "44: no operation: `key`: invalid type: integer `7`, expected a string"),
            ("null", "{\"a\":1}", "44: no operation: `key`: invalid type: map, expected a string"),
            (
                "}",
                links,
                "142: no operation: `links`: invalid type: integer `7`, expected an object",
            ),
            ("}", ",\"links\":{\"hold\":7} }", "150: no operation: `links.hold`: invalid type"),
            ("}", ",\"section\":[]}", "144: no operation: `section`"),
            (
                "}",
                ",\"section\":true}",
                "144: no operation: `section`: invalid type: boolean `true`, expected an object",
            ),
        ] {
            let told = with(from, to);
            assert!(told.starts_with(said), "{to}: {told}");
            assert!(!told.contains("at line") && !told.contains("struct"), "{to}: {told}");
        }
        assert_eq!(
            reason(r#"{"history": 1, "numbering": "rows", "initial": 5}"#),
            "29: `numbering`: unknown variant `rows`, expected one of `consecutive`, `unique`, `seats`"
        );
    }

    #[test]
    fn an_operation_that_names_a_history_is_no_header() {
        let torn = SALE.replace("null", "\"history\"");
        for line in [&torn[..torn.len() - 9], r#"{"process":1,"history":1}"#] {
            let parsed = parsed(line);
            assert!(
                matches!(parsed.marks[0].what, What::Broken { looks_like_an_operation: true, .. }),
                "{line}: {parsed:?}"
            );
        }
        let glued = parsed(&format!("{}{}", &SALE[..40], r#"{"history":1,"initial":5}"#));
        assert!(matches!(glued.marks[0].what, What::BrokenHeader(_)), "{glued:?}");
    }

    #[test]
    fn a_line_of_a_program_that_writes_floats_is_read() {
        let floats = r#"{"process":1.0,"op":"buy","quantity":1.0,"call_ns":1.0,"return_ns":2e0,"outcome":"sold","tickets":7,"remaining":93.0,"revision":7.0}"#;
        let all = parsed(&format!("{{\"history\":1.0,\"initial\":100.0}}\n{SALE}\n{floats}\n"));
        assert!(matches!(all.marks[0].what, What::Header(_)), "{all:?}");
        assert_eq!(all.operations[0], all.operations[1]);
    }

    #[test]
    fn another_version_is_told_from_a_broken_header() {
        let parsed = parsed("{\"history\": 2, \"shops\": []}\n");
        assert!(matches!(parsed.marks[0].what, What::Version(2)));
    }

    #[test]
    fn nothing_is_read_behind_a_line_that_is_too_long() {
        let text = format!("{SALE}\n{}\n{SALE}\n", "x".repeat(LINE_LENGTH_MAX + 1));
        let parsed = parsed(&text);
        assert_eq!(parsed.operations.len(), 1);
        assert!(matches!(parsed.marks[1], Mark { line: 1, what: What::TooLong, .. }));
    }
}

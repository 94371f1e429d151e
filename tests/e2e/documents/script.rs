//! A document as a script of `bash`: each command in the line in which it stands, nothing else.

use super::fences::{Fence, fences};

/// Ends at the first command that fails, names its line, and leaves no server behind.
const PRELUDE: &str = concat!(
    r#"trap 'echo "$DOCUMENT:$LINENO: ended with ${was:-$?}" >&2; exit 1' ERR; "#,
    r#"trap 'trap - ERR; kill $(jobs -p) 2>&-; wait' EXIT; "#,
    r#"ended() { was=${code:-0}; code=; [[ " $* " == *" $was "* ]] && was=; }; "#,
    r#"answers() { until (: 3<>"/dev/tcp/127.0.0.1/$1") 2>&-; do kill -0 $! && sleep 0.01 || return; done; }"#,
);

/// What stands before what the commands of a `sh` block write, and before what each command of a `console`
/// block does, with the line of the first one.
pub(super) const MARK: &str = "@@ line ";

/// The ports in the documents; the first one is the server's own.
pub(super) const PORTS: [&str; 3] = ["8080", "3000", "3001"];

/// The blocks of `text` whose commands are run.
pub(super) fn run_blocks(text: &str) -> Vec<Fence> {
    let is_run =
        |fence: &Fence| fence.excuse.is_none() && ["sh", "console"].contains(&fence.info.as_str());
    fences(text).into_iter().filter(is_run).collect()
}

/// The command in `line` of a block, where there is one.
pub(super) fn command<'a>(fence: &Fence, line: &'a str) -> Option<&'a str> {
    if fence.info == "sh" { Some(line) } else { line.strip_prefix("$ ") }
}

/// The script of a document with this `text`, on other `ports` than its own.
pub(super) fn script(text: &str, ports: &[String]) -> String {
    let mut lines = vec![String::new(); text.lines().count()];
    lines[0] = PRELUDE.to_owned();
    for fence in run_blocks(text) {
        for (at, (number, line)) in fence.lines.iter().enumerate() {
            if let Some(command) = command(&fence, line) {
                let is_marked = at == 0 || fence.info == "console";
                let mark = if is_marked {
                    format!("echo; echo '{MARK}{number}'; ")
                } else {
                    String::new()
                };
                lines[number - 1] = mark + &checked(command);
            }
        }
    }
    let script = lines.join("\n") + "\n";
    PORTS.iter().zip(ports).fold(script, |script, (from, to)| script.replace(from, to))
}

/// `command`, with what it says about its end checked, and awaited where it stays and listens.
fn checked(command: &str) -> String {
    if let Some((command, codes)) = command.rsplit_once("# exit ") {
        let codes: Vec<&str> =
            codes.split(|c: char| !c.is_ascii_digit()).filter(|code| !code.is_empty()).collect();
        return format!("{command}|| code=$?; ended {}", codes.join(" "));
    }
    if command.ends_with(" &") {
        let named = PORTS.iter().find(|port| command.contains(**port));
        let own = command.starts_with("server ").then_some(&PORTS[0]);
        if let Some(port) = named.or(own) {
            return format!("{command} answers {port}");
        }
    }
    command.to_owned()
}

#[test]
fn commands_stay_in_their_lines_on_ports_of_the_tests_own() {
    let text = "t\n```sh\nserver --init 1 &\n```\nx\n```console\n$ a 3000   # exit 0, or 3 then\nb\n$ c &\n```\n";

    let ports = ["1", "2", "3"].map(str::to_owned);
    let script = script(text, &ports);

    let lines: Vec<&str> = script.lines().collect();
    assert_eq!(lines[2], "echo; echo '@@ line 3'; server --init 1 & answers 1");
    assert_eq!(lines[6], "echo; echo '@@ line 7'; a 2   || code=$?; ended 0 3");
    assert_eq!(lines[8], "echo; echo '@@ line 9'; c &");
    assert!([1, 3, 4, 5, 7, 9].iter().all(|blank| lines[*blank].is_empty()), "{script}");
}

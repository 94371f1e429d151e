//! What the programs tell of their own command lines: completions for shells, and pages for `man`.

use std::fs;

use e2e::Program;
use tempfile::TempDir;

use crate::programs::{loadgen, server};

/// Each program, with a flag of its own and a command.
fn programs() -> [(&'static str, Program, &'static str, &'static str); 2] {
    [("server", server(), "--allow-host", "verify"), ("loadgen", loadgen(), "--threshold", "race")]
}

#[test]
fn completions_know_flags_and_commands_in_every_shell() {
    for (name, program, flag, command) in programs() {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let written = program.clone().args(["completions", shell]).run();

            assert_eq!(written.code, Some(0), "{name}, {shell}: {written:?}");
            // fish writes `-l allow-host`.
            let flag = if shell == "fish" { flag.trim_start_matches('-') } else { flag };
            for word in [name, flag, command] {
                assert!(written.stdout.contains(word), "{name}, {shell}: no `{word}`");
            }
        }
    }
}

#[test]
fn bash_completes_a_flag_and_its_values() {
    let folder = TempDir::new().expect("a folder for the script");
    let script = folder.path().join("server.bash");
    let written = server().args(["completions", "bash"]).run();
    fs::write(&script, written.stdout).expect("the test's own folder");
    let completed = |words: &str| {
        let last = words.split(' ').count() - 1;
        let ask = format!(
            "shopt -s extglob; source {script}; COMP_WORDS=({words} ''); COMP_CWORD={last}; \
             _server server \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{before}]}}\"; \
             echo \"${{COMPREPLY[@]}}\"",
            script = script.display(),
            before = last - 1,
        );
        Program::new("bash").args(["-c", &ask]).run().stdout
    };

    assert_eq!(completed("server --allow").trim(), "--allow-host");
    assert_eq!(completed("server --log-format j").trim(), "json");
}

#[test]
fn man_reads_the_pages_of_each_program_and_its_commands() {
    for (name, program, flag, command) in programs() {
        let folder = TempDir::new().expect("a folder for the pages");
        let pages = folder.path().join("man1");

        let written = program.arg("man").arg(&pages).run();

        assert_eq!(written.code, Some(0), "{name}: {written:?}");
        let text = |page: &str| {
            let path = pages.join(format!("{page}.1"));
            let text = fs::read_to_string(&path);
            text.unwrap_or_else(|cause| panic!("{}: {cause}", path.display())).replace('\\', "")
        };
        let all = text(name) + &text(&format!("{name}-{command}")) + &pages_of(&pages);
        for word in [flag, ".TH", "SYNOPSIS"] {
            assert!(all.contains(word), "{name}: no `{word}` in:\n{all}");
        }
    }
}

fn pages_of(folder: &std::path::Path) -> String {
    let pages = fs::read_dir(folder).expect("the pages' folder");
    let text = |page: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(page.expect("an entry").path()).expect("a page is text")
    };
    pages.map(text).collect::<String>().replace('\\', "")
}

#[test]
fn folder_that_cannot_be_made_is_named() {
    for (name, program, ..) in programs() {
        let refusal = program.args(["man", "/dev/null/pages"]).run();

        assert_ne!(refusal.code, Some(0), "{name}");
        assert!(refusal.stderr.contains("error: /dev/null/pages: "), "{name}: {refusal:?}");
    }
}

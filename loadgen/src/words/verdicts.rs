//! Verdicts and what is wrong.

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::judge::{Verdict, ViolationKind};

/// A sign that says the verdict at a glance.
pub(crate) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "✓",
        Verdict::Violation => "✗",
        Verdict::Unknown => "?",
    }
}

/// `text` in the colour of `verdict`: whoever prints it takes it out where it does not belong.
pub(crate) fn coloured(verdict: Verdict, text: &str) -> String {
    let color = match verdict {
        Verdict::Valid => AnsiColor::Green,
        Verdict::Unknown => AnsiColor::Yellow,
        Verdict::Violation => AnsiColor::Red,
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    format!("{style}{text}{style:#}")
}

/// The name of the contract.
pub(crate) fn kind_name(kind: ViolationKind) -> String {
    json_name(&kind)
}

/// The name that a variant has in JSON, so that people and programs speak of the same.
pub(super) fn json_name(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("a variant without members is a string, and not {other:?}"),
    }
}

//! Which kind of value may stand where in a map: one table, or a list of them, and no date anywhere.
//!
//! It is looked at ahead of `serde`, which takes a list for a table with its members in order and a date for a table, and
//! calls a table by the name of a type.

use toml::de::{DeTable, DeValue};

use super::rules::Fault;

/// What stands under a name.
enum Kind {
    Table,
    Tables,
    /// A table, or a list of them.
    Either,
    Other,
}

/// What stands under `name`, which is `within` another table: only there does it mean that.
fn kind(within: &str, name: &str) -> Kind {
    let table = within.rsplit('.').next().unwrap_or_default();
    match (table.split('[').next().unwrap_or_default(), name) {
        ("", "buy" | "search" | "hold" | "confirm" | "release" | "refund" | "restock") => {
            Kind::Table
        }
        ("", "before" | "product") => Kind::Tables,
        (
            "buy" | "hold" | "confirm" | "release" | "refund" | "restock" | "step" | "before",
            name,
        ) => match name {
            "sold" | "done" | "again" => Kind::Table,
            "step" => Kind::Tables,
            "sold_out" | "refused" => Kind::Either,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}

/// Refuses what is of another kind than it must be in `text`; nothing where that is no TOML.
///
/// # Errors
/// Names the member, and says what may stand there.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let Ok(table) = DeTable::parse(text) else { return Ok(()) };
    no_dates("", table.get_ref())?;
    tables("", table.get_ref())
}

/// What is `within` a table and says how calls look.
fn tables(within: &str, table: &DeTable<'_>) -> Result<(), Fault> {
    for (key, value) in table {
        let name = key.get_ref();
        let member = named(within, name);
        let (expected, way_out) = match (kind(within, name), value.get_ref()) {
            (Kind::Table | Kind::Either, DeValue::Table(table)) => {
                tables(&member, table)?;
                continue;
            }
            (Kind::Tables | Kind::Either, DeValue::Array(items)) => {
                for (place, item) in items.iter().enumerate() {
                    let of_list = format!("{member}[{}]", place + 1);
                    match item.get_ref() {
                        // Whoever sells it calls its members.
                        DeValue::Table(_) if name == "product" => {}
                        DeValue::Table(table) => tables(&of_list, table)?,
                        _ => return Err(fault(of_list, "a table", &example(&member))),
                    }
                }
                continue;
            }
            (Kind::Table, _) if within.is_empty() => ("one table", format!("`[{member}]`, once")),
            (Kind::Table, _) => ("one table", example(&member)),
            (Kind::Tables, _) => ("a list of tables", example(&member)),
            (Kind::Either, _) => ("a table, or a list of tables", example(&member)),
            (Kind::Other, _) => continue,
        };
        return Err(fault(member, expected, &way_out));
    }
    Ok(())
}

/// How a table that is called `member` may be written.
fn example(member: &str) -> String {
    let name = member.rsplit('.').next().unwrap_or(member);
    match name {
        "sold_out" => "`sold_out = { status = [409] }`".to_owned(),
        "refused" => "`refused = { status = [422] }`".to_owned(),
        "again" => "`again = { status = [202], at = \"header:location\" }`".to_owned(),
        "sold" | "done" => format!("`{name} = {{ status = [200] }}`"),
        _ => format!("`[[{member}]]`, once for each"),
    }
}

/// Nothing in a map is a date: what is sent and what is compared are texts.
fn no_dates(within: &str, table: &DeTable<'_>) -> Result<(), Fault> {
    for (key, value) in table {
        no_date(&named(within, key.get_ref()), key.get_ref(), value.get_ref())?;
    }
    Ok(())
}

fn no_date(member: &str, name: &str, value: &DeValue<'_>) -> Result<(), Fault> {
    match value {
        DeValue::Datetime(date) => {
            let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            let key = if name.bytes().all(is_bare) { name.to_owned() } else { format!("{name:?}") };
            let way_out = format!("`{key} = \"{date}\"`");
            Err(fault(member.to_owned(), "no date, or one as a text", &way_out))
        }
        DeValue::Table(table) => no_dates(member, table),
        DeValue::Array(items) => items.iter().enumerate().try_for_each(|(place, item)| {
            no_date(&format!("{member}[{}]", place + 1), name, item.get_ref())
        }),
        _ => Ok(()),
    }
}

fn named(within: &str, name: &str) -> String {
    if within.is_empty() { name.to_owned() } else { format!("{within}.{name}") }
}

fn fault(member: String, expected: &str, way_out: &str) -> Fault {
    (member, format!("expected {expected}\nhint: {way_out}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_kind_is_named_with_what_may_stand_there() {
        for (text, member, expected, way_out) in [
            ("[buy.step]\npath = '/a'", "buy.step", "a list of tables", "`[[buy.step]]`"),
            ("[before]\npath = '/a'", "before", "a list of tables", "`[[before]]`"),
            ("[product]\nname = 'a'", "product", "a list of tables", "`[[product]]`"),
            ("[buy]\nstep = ['/a']", "buy.step[1]", "a table", "`[[buy.step]]`"),
            ("[[search]]\npath = '/a'", "search", "one table", "`[search]`, once"),
            ("search = 7", "search", "one table", "`[search]`, once"),
            ("[buy]\nsold = 201", "buy.sold", "one table", "`sold = { status = [200] }`"),
            ("[buy]\nsold = [[200]]", "buy.sold", "one table", "`sold = { status = [200] }`"),
            ("[buy]\nsold_out = 409", "buy.sold_out", "list of tables", "{ status = [409] }"),
            ("[buy]\nsold_out = [409]", "buy.sold_out[1]", "a table", "{ status = [409] }"),
            ("[buy]\nagain = true", "buy.again", "one table", "status = [202]"),
            ("[hold]\ndone = 200", "hold.done", "one table", "`done = { status = [200] }`"),
            ("[[buy.step]]\nagain = 1", "buy.step[1].again", "one table", "status = [202]"),
            (
                "[buy]\nsold = { where = { '/a' = 2026-01-01 } }",
                "buy.sold.where./a",
                "no date",
                "`\"/a\" = \"2026-01-01\"`",
            ),
            ("[buy]\njson = { days = [10:00:00] }", "buy.json.days[1]", "no date", "\"10:00:00\""),
        ] {
            let (named, reason) = check(text).expect_err(text);
            assert_eq!(named, member, "{text}: {reason}");
            let (said, hint) = reason.split_once("\nhint: ").expect(text);
            assert!(said.contains(expected) && hint.contains(way_out), "{text}: {reason}");
        }
    }

    #[test]
    fn names_that_users_give_may_stand_for_anything() {
        for text in [
            "[[product]]\nname = 'a'\nstep = 7\nsold = 'b'",
            "[buy]\njson = { sold = 1, step = 'a' }\ntake = { again = '/a' }",
            "[buy]\nsold_out = [{ status = [409] }, { status = [410] }]",
            "[buy]\nrefused = { status = [503], again = true }",
            "[[buy.step]]\nhold = true\n[[before]]\nhold = true",
            "[buy",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}

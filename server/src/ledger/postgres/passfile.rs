//! Where a password may stand beside the address: PostgreSQL's own password file.
//!
//! Lines of `host:port:database:user:password`, of which the first that fits counts; `*` fits everything,
//! and `\` takes away what a `:` or a `\` means. Pure.

use crate::ledger::postgres::address::Server;

/// The folders of sockets go by this name.
const LOCAL: &str = "localhost";

/// The password in `text` of `user` for `database` at `server`.
pub(super) fn password(text: &str, server: &Server, database: &str, user: &str) -> Option<String> {
    let host = if server.is_folder() { LOCAL } else { &server.host };
    let port = server.port.to_string();
    let asked = [host, &*port, database, user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [.., password] = fields.as_slice() else { return None };
        let fits = fields.len() == asked.len() + 1
            && asked.iter().zip(&fields).all(|(asked, field)| field == "*" || field == asked);
        fits.then(|| password.clone())
    })
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        // The password is the last field, and may have any letter in it.
        let is_end = letter == ':' && fields.len() < 5;
        match (letter, is_end) {
            (_, true) => fields.push(String::new()),
            ('\\', _) => fields.last_mut().into_iter().for_each(|field| {
                field.extend(letters.next());
            }),
            (letter, _) => fields.last_mut().into_iter().for_each(|field| field.push(letter)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_that_fits_has_the_password() {
        let text = "# host:port:database:user:password\n\
                    db.example:5432:other:ann:wrong\n\
                    broken\n\
                    db.example:*:tickets:ann:a:b\\\\c\\:d\n\
                    *:*:*:*:last\n";
        let at = |host: &str, port| Server { host: host.into(), port };
        let found = |server: &Server, user| password(text, server, "tickets", user);
        assert_eq!(found(&at("db.example", 5433), "ann").as_deref(), Some("a:b\\c:d"));
        assert_eq!(found(&at("db.example", 5433), "bob").as_deref(), Some("last"));
        let socket = password("localhost:5432:t:u:p", &at("/run/postgresql", 5432), "t", "u");
        assert_eq!(socket.as_deref(), Some("p"));
        assert_eq!(password("h:5432:t:u:p", &at("h", 5432), "t", "v"), None);
    }
}

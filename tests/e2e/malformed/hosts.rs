//! Under which name the server is called, and for which page (RFC 9110, section 7.2).

use super::row::{
    Expected::{Bare, Fine, Problem},
    Row, call, raw,
};

pub(super) fn rows() -> Vec<Row> {
    let asked = |hosts: &str| format!("GET /search HTTP/1.1|{hosts}Connection: close||");
    let target = |target: &str| format!("GET {target} HTTP/1.1|Host: <host>|Connection: close||");
    let origin = |origin: &str| format!("Content-Length: 0|Origin: {origin}|");
    vec![
        raw(asked(""), Problem("invalid-request")),
        raw(asked("Host: <host>|Host: <host>|"), Problem("invalid-request")),
        raw(asked("Host: <host>|host: other.example|"), Problem("invalid-request")),
        raw("GET /search HTTP/1.0||", Problem("invalid-request")),
        raw("GET /livez HTTP/1.1|Connection: close||", Problem("invalid-request")),
        raw("GET /readyz HTTP/1.1|Host: a|Host: a|Connection: close||", Problem("invalid-request")),
        raw(asked("Host:|"), Problem("wrong-host")),
        raw(asked("Host: other.example|"), Problem("wrong-host")),
        raw(asked("Host: <host>.other.example|"), Problem("wrong-host")),
        raw(asked("Host: <host>, other.example|"), Problem("wrong-host")),
        raw(asked("Host: http://<host>|"), Problem("wrong-host")),
        raw(asked("Host: user@<host>|"), Problem("wrong-host")),
        raw(asked("Host: <host>/search|"), Problem("wrong-host")),
        raw(asked("Host: ü|"), Problem("wrong-host")),
        raw(asked("Host: [::|"), Problem("wrong-host")),
        raw(asked("Host: :|"), Problem("wrong-host")),
        raw(asked("Host: 127.0.0.2|"), Problem("wrong-host")),
        raw(asked("Host: 0.0.0.0|"), Problem("wrong-host")),
        raw(asked("Host: localhost..|"), Problem("wrong-host")),
        raw(asked("Host: localhost.|"), Fine(200)),
        raw(target("http://other.example/search"), Problem("wrong-host")),
        raw(target("http://user@<host>/search"), Problem("wrong-host")),
        raw(target("http:///search"), Bare(400)),
        raw(target("http://<host>/search"), Fine(200)),
        raw(target("HTTP://localhost/search"), Fine(200)),
        raw(target("//other.example/search"), Problem("not-found")),
        raw(asked("Host: LOCALHOST|"), Fine(200)),
        call("POST /holds", &origin("http://other.example"), Problem("foreign-origin")),
        call("POST /buy", &origin("null"), Problem("foreign-origin")),
        call("POST /buy", &origin(""), Problem("foreign-origin")),
        call("POST /buy", &origin("<host>"), Problem("foreign-origin")),
        call("POST /buy", &origin("ftp://<host>"), Problem("foreign-origin")),
        call("POST /buy", &origin("http://<host>.other.example"), Problem("foreign-origin")),
        call("DELETE /holds/<hold>", &origin("http://other.example"), Problem("foreign-origin")),
        call("GET /search", "Origin: http://other.example|", Problem("foreign-origin")),
    ]
}

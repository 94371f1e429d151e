//! What can be said of a call.

use axum::http::{Method, StatusCode};

use crate::http::{message::problem::Code, openapi::schemas::Shape};

/// A call as it is described.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, with a part in braces that may be anything.
    pub path: &'a str,
    /// Whether it needs the token of admin calls.
    pub needs_token: bool,
    /// Whether it is answered under the server's own names only, and to its own pages.
    pub is_guarded: bool,
    /// What it is for, for people.
    pub words: &'a str,
    /// What it takes and gives.
    pub terms: &'a Terms,
}

/// What a call takes and gives.
pub struct Terms {
    /// Its name among all calls.
    pub name: &'static str,
    /// What the part of its path in braces may be.
    pub part: Option<Shape>,
    /// What stands in its query and its headers.
    pub parameters: &'static [Parameter],
    /// What it reads of a body; `None`: it reads none.
    pub body: Option<Taken>,
    /// What it answers where there is no problem.
    pub answers: &'static [Answer],
    /// Whether it asks the counter, which may be locked, ending, or unable to sell.
    pub asks_counter: bool,
    /// Whether a browser is told of problems by a page.
    pub has_pages: bool,
    /// The problems of its own, beside those that its access, path and body imply.
    pub problems: &'static [Code],
}

/// A member of the query, or a header.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands: `query` or `header`.
    pub place: &'static str,
    /// What it is, for people.
    pub words: &'static str,
    /// What it may be.
    pub shape: Shape,
}

/// A body that a call takes.
pub struct Taken {
    /// Whether it must be there.
    pub is_required: bool,
    /// Its media types.
    pub contents: &'static [(&'static str, Shape)],
}

/// One answer.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// When it comes, for people.
    pub words: &'static str,
    /// Its headers.
    pub headers: &'static [Header],
    /// Its media types.
    pub contents: &'static [(&'static str, Shape)],
}

/// A header of an answer.
#[derive(Clone, Copy)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub words: &'static str,
    /// Whether it is always there.
    pub is_required: bool,
    /// What it may be.
    pub shape: Shape,
}

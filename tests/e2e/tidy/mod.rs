//! The rules of `STYLE.md` that a program can check, checked.
//!
//! Each rule is a pure function from a file's path and text to complaints. Each comes with tests
//! that plant a violation and see it caught; `workspace` holds every tracked file to all of them.

mod arrows;
mod complaint;
mod modules;
mod names;
mod paths;
mod root;
mod tokens;
mod words;
mod workspace;

//! The rules of `STYLE.md` that a program can check, checked.
//!
//! Each rule is a pure function from paths and texts of files to complaints. Each comes with tests
//! that plant a violation and see it caught; `workspace` holds every tracked file to all of them.

mod architecture;
mod arrows;
mod circles;
mod complaint;
mod graph;
mod module_tree;
mod modules;
mod names;
mod paths;
mod root;
mod test_code;
mod tokens;
mod words;
mod workspace;

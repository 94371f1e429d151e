//! The lessons as a page of their own: one file, no script, nothing from elsewhere.
//!
//! `document` says what stands where, `chart` draws the timelines, `style.css` is put in.

mod chart;
mod document;

pub(super) use document::render;

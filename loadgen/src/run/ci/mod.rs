//! What a run for CI has beside: rounds on fresh stock, what it has to have tried, and what to change where
//! it proves less than it could.

mod advice;
mod args;
mod pattern;
mod requirement;
mod reset;

pub(crate) use advice::{Figures, advice};
pub(crate) use args::{CiArgs, CiConfig, CiError, Company};
pub(crate) use pattern::Pattern;
pub(crate) use requirement::require;
pub(crate) use reset::ResetError;

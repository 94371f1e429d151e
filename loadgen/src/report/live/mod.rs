//! A show while it goes on: one line, a plain line now and then, or a view on a screen of its own.

mod line;
mod progress;
mod screen;
mod view;

pub(crate) use line::LiveLine;
pub(crate) use progress::ProgressLine;
pub(crate) use screen::Screen;
pub(crate) use view::LiveView;

//! The page of one receipt: the ticket, to be shown at the door or printed.

mod render;

pub use render::{LessonTicketView, TicketView, answer, answer_lesson};

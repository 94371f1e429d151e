//! The pages, as people meet them: in a real Chromium, with scripts and without, and behind a proxy.

mod form;
mod hold;
mod lost_answers;
mod operator;
mod shop;
mod ticket;
mod windows;

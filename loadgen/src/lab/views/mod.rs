//! A lab as plain data and as pictures.

pub(super) mod cost_picture;
pub(super) mod picture;
pub(super) mod view;

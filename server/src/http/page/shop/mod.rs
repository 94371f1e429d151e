//! The page at `/`: how many are left, and how to have some.

mod render;

pub use render::{ShopView, answer};

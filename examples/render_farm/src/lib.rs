//! A picture that is rendered by processes on several nodes.
//!
//! [`Farm`](farm::Farm) starts a [`Render`](render::Render) for each row of the picture, on the node with the fewest of
//! them. It monitors each: a row whose process has ended without a result is rendered again, on another node.

pub mod farm;
pub mod picture;
pub mod render;

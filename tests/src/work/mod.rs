//! Who executes agents: the platform's worker, which posts runs to them, and workers in any language over the API.

mod api;
mod fire;
mod posted;
pub mod stage;

//! How the server can be made to differ from one that pleases the suite. Nothing of it is on by default.

use clap::Args;

/// What is different.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {}

//! The validator against the official test suite, and against whoever means harm.

mod hostile;
mod rows;
mod stored;
mod suite;

//! What the benchmarks of the redactor have in common: the labelled corpus, tool outputs, hostile texts.

pub mod corpus;
pub mod documents;
pub mod hostile;

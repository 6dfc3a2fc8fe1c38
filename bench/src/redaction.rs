//! What the benchmarks of the redactor have in common: the labelled corpus.

pub mod corpus;

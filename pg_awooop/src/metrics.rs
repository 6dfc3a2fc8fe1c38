//! The text format of Prometheus.

/// A label's value, escaped as the format says.
pub(crate) fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

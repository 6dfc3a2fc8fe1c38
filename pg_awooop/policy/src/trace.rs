//! W3C Trace Context: the `traceparent` that ties a message, its run and every record of it together.

use std::cell::RefCell;
use std::fmt;

/// `00-{32 hex}-{16 hex}-01`, the form every envelope, run and audit row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
}

impl TraceParent {
    /// A trace of its own, from the operating system's randomness.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        loop {
            if let Some(fresh) = Self::from_bytes(&random()?) {
                return Ok(fresh);
            }
        }
    }

    /// The same trace with a span of its own: what continuing an inbound `traceparent` means.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn child(self) -> Result<Self, getrandom::Error> {
        Ok(Self { trace: self.trace, ..Self::fresh()? })
    }

    /// Continues `inbound` where it is valid, else begins a trace.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn continued(inbound: &str) -> Result<Self, getrandom::Error> {
        Self::parse(inbound).map_or_else(Self::fresh, Self::child)
    }

    /// Reads a `traceparent` header (Trace Context, section 3.2): lower-case hex, version 00, or a later version's
    /// first four fields; `None` where it is invalid and must be ignored.
    pub fn parse(header: &str) -> Option<Self> {
        let bytes = header.as_bytes();
        if bytes.len() < 55 || bytes[2] != b'-' || bytes[35] != b'-' || bytes[52] != b'-' {
            return None;
        }
        let version = lower_hex::<1>(&bytes[..2])?[0];
        lower_hex::<1>(&bytes[53..55])?;
        match (version, bytes.len()) {
            (0, 55) => {}
            (0 | 0xff, _) => return None,
            (_, 55) => {}
            (_, _) if bytes[55] == b'-' => {}
            _ => return None,
        }
        let mut ids = [0; 24];
        ids[..16].copy_from_slice(&lower_hex::<16>(&bytes[3..35])?);
        ids[16..].copy_from_slice(&lower_hex::<8>(&bytes[36..52])?);
        Self::from_bytes(&ids)
    }

    fn from_bytes(bytes: &[u8; 24]) -> Option<Self> {
        let (trace, span) = (bytes.first_chunk::<16>()?, bytes.last_chunk::<8>()?);
        // All-zero ids are the standard's "invalid".
        (*trace != [0; 16] && *span != [0; 8]).then_some(Self { trace: *trace, span: *span })
    }
}

/// Randomness from the operating system, fetched for many ids at a time: a system call each would cost more than the
/// rest of the id. Ids are no secrets; credentials take theirs straight from the system.
fn random() -> Result<[u8; 24], getrandom::Error> {
    const IDS: usize = 128;
    thread_local! {
        static STORE: RefCell<(usize, [[u8; 24]; IDS])> = const { RefCell::new((IDS, [[0; 24]; IDS])) };
    }
    STORE.with_borrow_mut(|(next, ids)| {
        if *next == IDS {
            getrandom::fill(ids.as_flattened_mut())?;
            *next = 0;
        }
        *next += 1;
        Ok(ids[*next - 1])
    })
}

fn lower_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.iter().any(u8::is_ascii_uppercase) || hex::decode_to_slice(text, &mut bytes).is_err() {
        return None;
    }
    Some(bytes)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
        // The slices are exactly twice the ids' length, so encoding cannot fail.
        hex::encode_to_slice(self.trace, &mut text[3..35]).map_err(|_| fmt::Error)?;
        hex::encode_to_slice(self.span, &mut text[36..52]).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_inbound_trace_is_continued_with_a_span_of_its_own() {
        let inbound = TraceParent::parse(VALID).unwrap();
        assert_eq!(inbound.to_string(), VALID);
        let continued = TraceParent::continued(VALID).unwrap().to_string();
        assert_eq!(continued[..36], VALID[..36]);
        assert_ne!(continued[36..52], VALID[36..52]);
        assert!(continued.ends_with("-01"));
    }

    #[test]
    fn an_invalid_one_is_ignored() {
        for bad in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01extra",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "éééééééééééééééééééééééééééé",
        ] {
            assert!(TraceParent::parse(bad).is_none(), "{bad}");
        }
        assert!(TraceParent::parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra").is_some());
    }
}

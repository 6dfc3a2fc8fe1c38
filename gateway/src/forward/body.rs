//! Reads a request's body: JSON by its label, at most so many bytes, UTF-8 without NUL. Decides nothing about what the
//! JSON says.

use awooop_policy::error::{ErrorCode, Problem};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};

/// The body's text, empty when there is none.
pub async fn read<B>(headers: &HeaderMap, body: B, limit: usize) -> Result<Text, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Text(Bytes::new()));
    }
    if declared_length(headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let bytes = collect(body, limit).await?;
    if bytes.is_empty() {
        return Ok(Text(bytes));
    }
    if !is_json(headers) {
        return Err(ErrorCode::HttpMediaType.into());
    }
    if bytes.contains(&0) || std::str::from_utf8(&bytes).is_err() {
        return Err(ErrorCode::InputNul.into());
    }
    Ok(Text(bytes))
}

/// Bytes that are known to be UTF-8.
pub struct Text(Bytes);

impl Text {
    /// As a string.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Most bodies arrive in one piece, which is then used where it lies.
async fn collect<B>(mut body: B, limit: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut whole = Bytes::new();
    let mut pieces: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        // The connection broke off in the middle of the body: what arrived is not the whole text.
        let Ok(frame) = frame else {
            return Err(ErrorCode::InputNotJson.into());
        };
        let Ok(piece) = frame.into_data() else { continue };
        if whole.len() + pieces.len() + piece.len() > limit {
            return Err(too_large(limit));
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = piece;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&piece);
        }
    }
    Ok(if pieces.is_empty() { whole } else { Bytes::from(pieces) })
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    Problem::from(ErrorCode::InputTooLarge).with("limit_bytes", limit)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use http_body_util::Full;

    fn json() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))])
    }

    async fn code(headers: &HeaderMap, body: &[u8], limit: usize) -> Result<String, ErrorCode> {
        let body = Full::new(Bytes::copy_from_slice(body));
        read(headers, body, limit).await.map(|text| text.as_str().to_owned()).map_err(|problem| problem.code)
    }

    #[tokio::test]
    async fn a_body_must_be_called_json_unless_it_is_empty() {
        assert_eq!(code(&json(), b"{}", 9).await.as_deref(), Ok("{}"));
        assert_eq!(code(&HeaderMap::new(), b"", 9).await.as_deref(), Ok(""));
        assert_eq!(code(&HeaderMap::new(), b"{}", 9).await, Err(ErrorCode::HttpMediaType));
        let form = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/jsonx"))]);
        assert_eq!(code(&form, b"{}", 9).await, Err(ErrorCode::HttpMediaType));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_declared_or_not() {
        assert_eq!(code(&json(), b"{       }", 9).await.as_deref(), Ok("{       }"));
        assert_eq!(code(&json(), b"{        }", 9).await, Err(ErrorCode::InputTooLarge));
        let mut headers = json();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("10"));
        assert_eq!(code(&headers, b"{}", 9).await, Err(ErrorCode::InputTooLarge));
    }

    #[tokio::test]
    async fn a_nul_or_bytes_that_are_not_utf8_are_refused() {
        assert_eq!(code(&json(), b"{\"a\":\"\xff\"}", 99).await, Err(ErrorCode::InputNul));
        assert_eq!(code(&json(), b"{\"a\":\"\0\"}", 99).await, Err(ErrorCode::InputNul));
    }
}

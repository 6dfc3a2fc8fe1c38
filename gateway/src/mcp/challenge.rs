//! OAuth 2.1, the resource server's part: where a client that has no valid token is sent (RFC 9728), and the answers that say so
//! (RFC 6750). Tokens are verified in the database.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::settings::McpSettings;

/// Where the metadata is, before the path of what it is about.
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// The resource.
pub const MCP: &str = "/v1/mcp";

/// The metadata of the resource. It is one for all addresses below it: an issuer's tokens are for one audience.
pub fn metadata(settings: &McpSettings, origin: &str, scope: &str) -> Response<Body> {
    let mut document = json!({
        "resource": format!("{origin}{MCP}"), "resource_name": "AwoooP", "bearer_methods_supported": ["header"],
        "scopes_supported": [scope]
    });
    if !settings.authorization_servers.is_empty() {
        document["authorization_servers"] = settings.authorization_servers.as_slice().into();
    }
    let mut response = Response::new(Body::from(document.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// Says in an answer where a token is to be had: to one who has none or no good one (401), or one without the scope (403).
pub fn challenge(response: &mut Response<Body>, origin: &str, scope: &str) {
    let metadata = format!("resource_metadata=\"{origin}{WELL_KNOWN}{MCP}\"");
    let text = match response.status() {
        StatusCode::UNAUTHORIZED => format!("Bearer {metadata}, scope=\"{scope}\""),
        StatusCode::FORBIDDEN => format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\", {metadata}"),
        _ => return,
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

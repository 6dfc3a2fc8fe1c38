//! The API documentation for a browser: Swagger UI from files compiled into the binary, reading /openapi.json from this
//! very server. Decides which of its features are on; none of them reaches for another host.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use utoipa_swagger_ui::Config;

/// Everything from here, nothing from elsewhere; Swagger UI styles elements in place and draws its icons as data.
const ONLY_FROM_HERE: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);
const ONE_HOUR: HeaderValue = HeaderValue::from_static("max-age=3600");

/// How Swagger UI shows the document. Its validator is another host's, and a key typed in must not outlive the page.
pub fn config() -> Arc<Config<'static>> {
    let config = Config::new(["/openapi.json"])
        .validator_url("none")
        .persist_authorization(false)
        .query_config_enabled(false)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .doc_expansion("list");
    Arc::new(config)
}

/// A file of Swagger UI; `None` when it has no such file.
pub fn file(name: &str, config: &Arc<Config<'static>>) -> Option<Response<Body>> {
    let file = utoipa_swagger_ui::serve(name, Arc::clone(config)).ok().flatten()?;
    let mut response = Response::new(match file.bytes {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&file.content_type).ok()?);
    headers.insert(CONTENT_SECURITY_POLICY, ONLY_FROM_HERE);
    headers.insert(CACHE_CONTROL, ONE_HOUR);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_its_parts_are_in_the_binary() {
        for (name, kind) in [
            ("", "text/html"),
            ("swagger-ui.css", "text/css"),
            ("swagger-ui-bundle.js", "text/javascript"),
            ("swagger-ui-standalone-preset.js", "text/javascript"),
            ("swagger-initializer.js", "text/javascript"),
        ] {
            let response = file(name, &config()).unwrap_or_else(|| panic!("{name} is missing"));
            assert!(response.headers()[CONTENT_TYPE].to_str().unwrap().starts_with(kind), "{name}");
        }
        assert!(file("../secret", &config()).is_none());
    }

    #[test]
    fn the_page_reads_this_servers_document_and_asks_no_other_host() {
        let files = utoipa_swagger_ui::serve("swagger-initializer.js", config()).unwrap().unwrap();
        let script = String::from_utf8(files.bytes.into_owned()).unwrap();
        assert!(script.contains("/openapi.json"), "{script}");
        assert!(!script.contains("http://") && !script.contains("https://"), "{script}");
    }
}

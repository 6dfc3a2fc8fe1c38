//! Reads who the caller says it is. Decides nothing about it: the project is carried as text, and the credential is
//! bound as a parameter of the one statement and goes nowhere else.

use std::borrow::Cow;

use awooop_policy::access_token::presented as token;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};

/// `X-Project-Id`.
pub static PROJECT_ID: HeaderName = HeaderName::from_static("x-project-id");

/// What the caller presents as proof. No Debug, Display or Serialize, so that no log line or error can show it.
pub struct Credential<'a>(&'a str);

impl<'a> Credential<'a> {
    /// The token of `Authorization: Bearer`, or the empty one, which the database refuses. Two such headers are none:
    /// proxies disagree about which of them counts.
    pub fn of(headers: &'a HeaderMap) -> Credential<'a> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let token = match (given.next().and_then(|value| value.to_str().ok()), given.next()) {
            (Some(value), None) => bearer_token(value).unwrap_or_default(),
            _ => "",
        };
        Credential(token)
    }

    /// The proof itself, for the parameter of the statement alone.
    pub(crate) fn reveal(&self) -> &'a str {
        self.0
    }

    /// The project that is part of an API key, `awk_<project>.<key id>.<secret>`, or of a run's lease,
    /// `awl_<project>.<run>.<epoch>.<secret>`, or that an access token says it is for:
    /// a hint, which the database verifies.
    pub fn project(&self) -> Cow<'a, str> {
        if token::looks_like_one(self.0) {
            return token::Presented::read(self.0).map(|token| token.project().to_owned()).unwrap_or_default().into();
        }
        // A lease has a part more behind the project.
        let (rest, parts) = match (self.0.strip_prefix("awk_"), self.0.strip_prefix("awl_")) {
            (Some(rest), _) => (rest, 3),
            (None, Some(rest)) => (rest, 4),
            (None, None) => return "".into(),
        };
        rest.rsplitn(parts, '.').nth(parts - 1).unwrap_or_default().into()
    }
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The project the request is for: the header, else the credential's own, else none. `None` when the header is not text.
pub fn project<'a>(headers: &'a HeaderMap, credential: &Credential<'a>) -> Option<Cow<'a, str>> {
    match headers.get(&PROJECT_ID) {
        Some(value) => std::str::from_utf8(value.as_bytes()).ok().map(Cow::Borrowed),
        None => Some(credential.project()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn headers(pairs: &[(&HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map
    }

    #[test]
    fn the_project_is_the_header_else_the_keys_own_else_none() {
        let key = (&AUTHORIZATION, "Bearer awk_ewoooc.k1.s3cret");
        let map = headers(&[key]);
        assert_eq!(project(&map, &Credential::of(&map)), Some("ewoooc".into()));
        let map = headers(&[key, (&PROJECT_ID, "other")]);
        assert_eq!(project(&map, &Credential::of(&map)), Some("other".into()));
        let map = headers(&[]);
        assert_eq!(project(&map, &Credential::of(&map)), Some("".into()));
    }

    #[test]
    fn a_project_with_dots_in_it_is_read_from_the_right() {
        let map = headers(&[(&AUTHORIZATION, "Bearer awk_a.b.c.k1.s3cret")]);
        assert_eq!(Credential::of(&map).project(), "a.b.c");
        let map = headers(&[(&AUTHORIZATION, "Bearer awl_a.b.run.7.s3cret")]);
        assert_eq!(Credential::of(&map).project(), "a.b");
    }

    #[test]
    fn the_project_of_an_access_token_is_the_one_that_it_names() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let header = part(r#"{"alg":"ES256","kid":"k"}"#);
        for (claims, named) in [
            (r#"{"project_id":"ewoooc"}"#, "ewoooc"),
            (r#"{"project_id":["ewoooc"]}"#, ""),
            (r#"{"project_id":"a","project_id":"b"}"#, ""),
            ("{}", ""),
        ] {
            let map = headers(&[(&AUTHORIZATION, &format!("Bearer {header}.{}.AA", part(claims)))]);
            assert_eq!(Credential::of(&map).project(), named, "{claims}");
        }
    }

    #[test]
    fn a_token_of_another_shape_names_no_project() {
        for token in ["eyJhbGciOi.J9.sig", "awk_", "awk_a", "awk_a.b", "", "."] {
            let map = headers(&[(&AUTHORIZATION, &format!("Bearer {token}"))]);
            assert_eq!(Credential::of(&map).project(), "", "{token}");
        }
    }

    #[test]
    fn only_one_bearer_header_is_a_credential() {
        let token = |pairs: &[(&HeaderName, &str)]| Credential::of(&headers(pairs)).reveal().to_owned();
        assert_eq!(token(&[(&AUTHORIZATION, "bearer  x.y.z ")]), "x.y.z");
        assert_eq!(token(&[(&AUTHORIZATION, "Basic x.y.z")]), "");
        assert_eq!(token(&[(&AUTHORIZATION, "Bearer")]), "");
        assert_eq!(token(&[(&AUTHORIZATION, "Bearer a"), (&AUTHORIZATION, "Bearer b")]), "");
        assert_eq!(token(&[(&AUTHORIZATION, "Bearer \u{fffd}")]), "");
    }
}

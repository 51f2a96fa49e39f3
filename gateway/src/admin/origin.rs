//! Keeps other sites' pages from changing anything here.
//!
//! An operator's browser reaches this port, and a page of any site that it has open may send a form or a text to it. Browsers say where
//! such a request comes from. What is no browser says nothing and is let in, as are this port's own pages.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub(super) async fn check(request: Request, next: Next) -> Response {
    if may(request.method(), request.headers()) {
        return next.run(request).await;
    }
    let why = "pages of other sites may change nothing here; send it without an Origin header, or from this port's own pages\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

/// Whether a request is let in.
fn may(method: &Method, headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    matches!(*method, Method::GET | Method::HEAD) || is_own(header(ORIGIN), header(HOST))
}

/// Whether a request comes from a page of this port, or from no page.
fn is_own(origin: Option<&str>, host: Option<&str>) -> bool {
    let page = |origin: &str| {
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        from.is_some_and(|from| host == Some(from))
    };
    origin.is_none_or(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_port_and_programs_are_let_in_and_nobody_else() {
        let host = Some("127.0.0.1:7701");
        assert!(is_own(None, host) && is_own(None, None));
        assert!(
            ["http://127.0.0.1:7701", "https://127.0.0.1:7701"].iter().all(|own| is_own(Some(own), host))
        );
        for origin in ["http://shop.example", "https://shop.example", "http://127.0.0.1:7702", "null", ""] {
            assert!(!is_own(Some(origin), host), "{origin}");
        }
        assert!(!is_own(Some("http://127.0.0.1:7701"), None));
    }
}

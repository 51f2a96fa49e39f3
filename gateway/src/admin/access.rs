//! Who may ask the admin port for what, and a line in the audit for each thing that somebody does here.
//!
//! Programs send `Authorization: Bearer` with a key. Browsers ask their user by themselves (HTTP Basic: the name of the key or nothing, and
//! the key as password), and send it with everything the live board asks for. A sign-in of our own would need sessions, cookies, and a
//! page that is open to everybody; here nothing is kept that could be stolen or run out. What Basic can't do, other sites' pages may not
//! use: they can't read answers, can't frame the board, and what changes something is refused to them ([`origin`](super::origin)).
//!
//! Health is open to everybody. Reading needs a key of an observer or an operator, everything else an operator's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorbuster_protocol::{Role, Secret};
use parking_lot::Mutex;

use crate::audit;
use crate::keys::{Alarm, Grant, may_look, who};
use crate::server::Shared;
use crate::tls::Doorway;

/// Paths that are open to everybody: a load balancer has no key, and they say no more than that somebody is there.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// Longest text of a wish, bytes: the largest that makes sense, an allotment with all its fields, has 200.
const MAX_WISH: usize = 64 << 10;

/// Bytes of a wish that stand in its line of the audit.
const TOLD: usize = 512;

/// Longest credentials that are decoded, bytes: a name of 64, a key of 68, and what stands between.
const MAX_CREDENTIALS: usize = 512;

/// See the module's doc.
#[derive(Clone, Debug)]
pub(super) struct Door {
    shared: Arc<Shared>,
    alarm: Arc<Mutex<Alarm>>,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(SocketAddr);

impl Connected<IncomingStream<'_, Doorway>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Who asks; `None`: there are no keys, so that it may be anyone.
#[derive(Clone, Debug)]
pub(super) struct Visitor(pub(super) Option<Grant>);

impl Visitor {
    /// Whether they may still look at what they were shown when they came.
    pub(super) fn may_stay(&self, shared: &Shared) -> bool {
        let ring = shared.keys.ring();
        match &self.0 {
            None => ring.is_empty(),
            Some(grant) => {
                ring.renewed(grant, shared.engine.now().raw()).is_some_and(|grant| may_look(grant.key().role))
            }
        }
    }
}

/// Why somebody isn't let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoKey,
    WrongKey,
    WrongRole(Role),
}

impl Door {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, alarm: Arc::default() }
    }

    fn admit(&self, method: &Method, headers: &HeaderMap) -> Result<Visitor, Refusal> {
        let ring = self.shared.keys.ring();
        if ring.is_empty() {
            return Ok(Visitor(None));
        }
        let text =
            headers.get(AUTHORIZATION).ok_or(Refusal::NoKey)?.to_str().map_err(|_| Refusal::WrongKey)?;
        let Credentials { name, secret } = Credentials::read(text).ok_or(Refusal::WrongKey)?;
        let found = ring.find(&secret, self.shared.engine.now().raw());
        let is_named = |grant: &Grant| name.is_empty() || name == grant.key().name.as_str();
        let grant = found.filter(is_named).ok_or(Refusal::WrongKey)?;
        let role = grant.key().role;
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if role == Role::Operator || (reads && may_look(role)) {
            Ok(Visitor(Some(grant)))
        } else {
            Err(Refusal::WrongRole(role))
        }
    }

    fn refuse(&self, refusal: Refusal, from: audit::Whence, what: &str) -> Response {
        let (status, why) = match refusal {
            Refusal::NoKey => (
                StatusCode::UNAUTHORIZED,
                "this server has keys: send Authorization: Bearer with one (`doorbuster keys create NAME --role observer` makes \
                 one)\n"
                    .to_owned(),
            ),
            Refusal::WrongKey => (
                StatusCode::UNAUTHORIZED,
                "no key that counts is this one: it was revoked, has ended, has another name, or is of another server\n".to_owned(),
            ),
            Refusal::WrongRole(role) => (
                StatusCode::FORBIDDEN,
                format!("a key of the role {} may not do this: it takes an operator's, or to read an observer's\n", role.name()),
            ),
        };
        if refusal != Refusal::NoKey
            && let Some(untold) = self.alarm.lock().ring(Instant::now())
        {
            tracing::warn!(target: audit::TARGET, %from, what, outcome = status.as_u16(), untold, "not allowed");
        }
        if status == StatusCode::UNAUTHORIZED {
            return (status, [(WWW_AUTHENTICATE, "Basic realm=\"Doorbuster\", charset=\"UTF-8\"")], why)
                .into_response();
        }
        (status, why).into_response()
    }
}

pub(super) async fn check(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<Caller>>().map(|ConnectInfo(Caller(peer))| *peer);
    let from = audit::Whence(peer);
    let what = format!("{} {}", request.method(), request.uri().path());
    let visitor = match door.admit(request.method(), request.headers()) {
        Ok(visitor) => visitor,
        Err(refusal) => return door.refuse(refusal, from, &what),
    };
    request.extensions_mut().insert(visitor.clone());
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_WISH).await else {
        let why = format!("a wish has {MAX_WISH} bytes at most\n");
        return (StatusCode::PAYLOAD_TOO_LARGE, why).into_response();
    };
    let on = String::from_utf8_lossy(body.get(..TOLD).unwrap_or(&body)).into_owned();
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let outcome = answer.status().as_u16();
    tracing::info!(target: audit::TARGET, who = who(visitor.0.as_ref()), %from, what, on, outcome);
    answer
}

/// What somebody proves themselves with.
#[derive(Debug)]
struct Credentials {
    name: String,
    secret: Secret,
}

impl Credentials {
    /// Reads the value of an `Authorization` header.
    fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("Bearer") {
            return Some(Self { name: String::new(), secret: rest.parse().ok()? });
        }
        if !scheme.eq_ignore_ascii_case("Basic") || rest.len() > MAX_CREDENTIALS {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (name, secret) = decoded.split_once(':')?;
        Some(Self { name: name.to_owned(), secret: secret.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_programs_and_as_browsers_send_it() {
        let secret = Secret::new([7; 32]);
        let text = secret.reveal();
        let read = |header: &str| Credentials::read(header).map(|found| (found.name, *found.secret.bytes()));
        let found = |name: &str| Some((name.to_owned(), *secret.bytes()));
        assert_eq!(read(&format!("Bearer {text}")), found(""));
        assert_eq!(read(&format!("bearer   {text} ")), found(""));
        let basic = |name: &str| format!("Basic {}", STANDARD.encode(format!("{name}:{text}")));
        assert_eq!(read(&basic("grafana")), found("grafana"));
        assert_eq!(read(&basic("")), found(""));
        let long = format!("Basic {}", "QQ==".repeat(200));
        for wrong in ["", "Bearer", "Bearer x", "Basic", "Basic ?", "Basic QQ==", "Digest x", &text, &long] {
            assert!(Credentials::read(wrong).is_none(), "{wrong}");
        }
    }
}

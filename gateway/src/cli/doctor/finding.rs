//! What a check found.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing needs to be done.
    Ok,
    /// A sale will run, but worse than it could, or it can't be told.
    Warn,
    /// The server won't start, or not be what it promises.
    Fail,
}

impl Verdict {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// What a check found, and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    pub(super) todo: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: String) -> Self {
        Self { check, verdict: Verdict::Ok, found, todo: None }
    }

    pub(super) fn warn(check: &'static str, found: String, todo: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, found, todo: Some(todo.into()) }
    }

    pub(super) fn fail(check: &'static str, found: String, todo: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, found, todo: Some(todo.into()) }
    }
}

//! Why an attempt brought no answers, and what follows from it.

use std::time::Duration;

use doorbuster_protocol::{Class, Code, ProtocolError};

use crate::error::Error;
use crate::outbox::Loss;

/// See the module's doc.
#[derive(Debug)]
pub(crate) enum Failure {
    NotSent(String),
    Lost(String),
    TimedOut,
    Fault { code: Code, message: String, retry_after: Duration },
    Protocol(ProtocolError),
}

impl From<Loss> for Failure {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::NotSent(reason) => Self::NotSent(reason),
            Loss::Lost(reason) => Self::Lost(reason),
            Loss::Fault(fault) => match Code::from_number(fault.code) {
                Some(code) => Self::Fault {
                    code,
                    // A server that is busy refusing leaves it to the code to say why.
                    message: if fault.message.is_empty() { code.meaning().to_owned() } else { fault.message },
                    retry_after: Duration::from_millis(u64::from(fault.retry_after_ms)),
                },
                None => Self::Protocol(ProtocolError::UnknownCode { number: fault.code }),
            },
            Loss::Protocol(fault) => Self::Protocol(fault),
        }
    }
}

impl Failure {
    /// Whether the server may have executed what this attempt sent.
    pub(crate) fn may_have_effect(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Fault { .. } => false,
            Self::Lost(_) | Self::TimedOut | Self::Protocol(_) => true,
        }
    }

    /// The error to give unless a later try does better, and how long to wait at least before that try, if one
    /// makes sense.
    pub(crate) fn judge(self, tries: u32, sent_before: bool) -> (Error, Option<Duration>) {
        let unknown = |reason: String| {
            if sent_before {
                Error::Uncertain { tries, reason }
            } else {
                Error::Unavailable { tries, reason }
            }
        };
        match self {
            Self::NotSent(reason) | Self::Lost(reason) => (unknown(reason), Some(Duration::ZERO)),
            Self::TimedOut => (unknown("no answer within the time limit".to_owned()), None),
            Self::Fault { code, message, retry_after } => {
                let again = (code.class() == Class::Retry).then_some(retry_after);
                // An earlier try may have taken effect, whatever this one was told.
                let error = if sent_before {
                    unknown(format!("{code}: {message}"))
                } else {
                    Error::Fault { code, message, retry_after }
                };
                (error, again)
            }
            Self::Protocol(fault) => (Error::Protocol(fault), None),
        }
    }
}

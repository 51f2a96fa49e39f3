//! What one connection may do.

use doorbuster_protocol::{Answer, Code, Field, Kind};

use super::grant::Grant;
use super::need::{Need, may};
use super::ring::Keyring;

/// A set of kinds of request, a bit each by its byte.
type Kinds = u128;

/// Bytes of requests, as answers have the high bit set.
const REQUESTS: u8 = 0x80;

/// See the module's doc. By default it allows nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pass {
    allowed: Kinds,
    /// The key that was proved; `None`: none, because there is none or none was shown.
    grant: Option<Grant>,
}

impl Pass {
    /// Of a connection that has proved no key.
    pub(crate) fn without_key(ring: &Keyring) -> Self {
        let allowed =
            if ring.is_empty() { Kinds::MAX } else { kinds(|kind| Need::of(kind) == Need::Nothing) };
        Self { allowed, grant: None }
    }

    /// Of a connection that has proved a key.
    pub(crate) fn with(grant: Grant) -> Self {
        let role = grant.key().role;
        Self { allowed: kinds(|kind| may(role, kind)), grant: Some(grant) }
    }

    /// What it becomes when the keys, or the time, are others.
    pub(crate) fn renewed(&self, ring: &Keyring, now_ms: u64) -> Self {
        let grant = self.grant.as_ref().and_then(|grant| ring.renewed(grant, now_ms));
        grant.map_or_else(|| Self::without_key(ring), Self::with)
    }

    /// Whether a frame of this kind may be looked at.
    #[inline]
    pub(crate) fn allows(&self, kind: Kind) -> bool {
        let byte = kind.byte();
        byte < REQUESTS && self.allowed >> byte & 1 != 0
    }

    /// Whether there are keys, and none of them was proved.
    pub(crate) fn is_locked(&self) -> bool {
        self.grant.is_none() && self.allowed != Kinds::MAX
    }

    /// What is granted.
    pub(crate) fn grant(&self) -> Option<&Grant> {
        self.grant.as_ref()
    }

    /// The channels that it is bound to, if it is.
    #[inline]
    pub(crate) fn bound(&self) -> Option<Bound> {
        let grant = self.grant.as_ref().filter(|grant| !grant.key().channels.is_empty())?;
        Some(Bound(grant.clone()))
    }

    /// The key's name, for the audit.
    pub(crate) fn who(&self) -> &str {
        who(self.grant.as_ref())
    }
}

/// A key's name, for the audit.
pub(crate) fn who(grant: Option<&Grant>) -> &str {
    grant.map_or("anyone", |grant| grant.key().name.as_str())
}

/// That a connection sells on some channels only.
#[derive(Debug)]
pub(crate) struct Bound(Grant);

impl Bound {
    /// Lets what is for a channel through, or refuses it.
    ///
    /// # Errors
    /// The answer to it.
    #[inline]
    pub(crate) fn check(bound: Option<&Self>, channel: u16) -> Result<(), Answer> {
        match bound {
            Some(Self(grant)) if grant.key().channels.binary_search(&channel).is_err() => {
                Err(Answer { field: Field::Channel.byte(), ..Answer::of(Code::Forbidden) })
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn kinds(allowed: impl Fn(Kind) -> bool) -> Kinds {
    Kind::ALL
        .iter()
        .filter(|kind| kind.is_request() && allowed(**kind))
        .fold(0, |set, kind| set | 1 << kind.byte())
}

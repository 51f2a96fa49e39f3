//! What a breaker hands out with an admission, and wants back with the results.

use crate::overload::Micros;

/// What a breaker says to a batch. `P` is the permit: a plain one from the breaker, a guard from a
/// [`Gate`](super::Gate).
#[derive(Debug)]
pub(crate) struct Admission<P = Permit> {
    /// How many of the batch may go on; any of them.
    pub(crate) admitted: u32,
    /// For these, to be given back with their results.
    pub(crate) permit: P,
    /// When it is worth asking again for the others, from now on; zero if there are none. The same for all who are
    /// refused at a moment: whoever tells clients adds a spread of his own, or they come back as one.
    pub(crate) retry_after: Micros,
}

/// The right of a batch to have its results counted. It can't be copied, so nothing is counted twice; one that is given
/// back after the breaker has moved on is not counted at all.
#[derive(Debug)]
#[must_use = "a batch whose permit is not given back is not counted, and its probes fail when their lease runs out"]
pub(crate) struct Permit(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    /// Its results are of no interest.
    Uncounted,
    /// Its results go into the window, if this is still the window that they belong to.
    Ordinary { generation: u64 },
    /// Its operations are probes, leased under this number.
    Probes { serial: u64 },
}

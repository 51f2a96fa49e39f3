//! What an answer means to whoever watches a sale.

use doorbuster_protocol::{Class, Code};

/// See the module's doc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect, now or earlier.
    Accepted,
    /// The rules of the sale refuse it.
    Refused,
    /// It was refused to protect the server, or came too late; asking again may help.
    Shed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Shed];

    /// What a code means.
    pub const fn of(code: Code) -> Self {
        match code.class() {
            Class::Done => Self::Accepted,
            Class::Final | Class::Later => Self::Refused,
            Class::Retry => Self::Shed,
        }
    }

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Shed => "shed",
        }
    }
}

/// How many operations came to which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts([u32; Verdict::ALL.len()]);

impl Verdicts {
    /// One more.
    #[inline]
    pub(crate) fn note(&mut self, verdict: Verdict) {
        self.0[verdict as usize] += 1;
    }

    /// How many came to this one.
    pub(crate) fn of(self, verdict: Verdict) -> u32 {
        self.0[verdict as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_verdict_and_trying_again_is_no_refusal_by_the_rules() {
        let of = |verdict| Code::ALL.iter().filter(|code| Verdict::of(**code) == verdict).count();
        assert_eq!(Verdict::ALL.map(of).iter().sum::<usize>(), Code::ALL.len());
        assert_eq!(Verdict::of(Code::SoldOut), Verdict::Refused);
        assert_eq!(Verdict::of(Code::Shed), Verdict::Shed);
        assert_eq!(Verdict::of(Code::Waitlisted), Verdict::Accepted);
    }

    #[test]
    fn verdicts_are_counted_each() {
        let mut verdicts = Verdicts::default();
        for verdict in [Verdict::Shed, Verdict::Accepted, Verdict::Shed] {
            verdicts.note(verdict);
        }
        assert_eq!(Verdict::ALL.map(|verdict| verdicts.of(verdict)), [1, 0, 2]);
    }
}

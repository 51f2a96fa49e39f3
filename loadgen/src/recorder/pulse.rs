//! In which milliseconds anybody was answered: so that the longest time in which nobody was can be told, over all
//! connections and workers.

/// Nanoseconds of a beat.
const BEAT_NS: u64 = 1_000_000;

/// Most words of 64 beats: a day and ten hours, a quarter more than a drill can last; 16 MiB.
const MOST_WORDS: usize = 1 << 21;

/// A bit for each millisecond since the start.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    words: Vec<u64>,
}

/// A time without an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// When the last answer before it came, seconds since the start.
    pub at_s: f64,
    /// Until the next one came, seconds; to two milliseconds.
    pub seconds: f64,
}

impl Pulse {
    /// Somebody was answered.
    pub fn beat(&mut self, now_ns: u64) {
        let beat = usize::try_from(now_ns / BEAT_NS).unwrap_or(usize::MAX).min(MOST_WORDS * 64 - 1);
        if self.words.len() <= beat / 64 {
            self.words.resize(beat / 64 + 1, 0);
        }
        self.words[beat / 64] |= 1 << (beat % 64);
    }

    /// Adds another worker's.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (own, word) in self.words.iter_mut().zip(&other.words) {
            *own |= word;
        }
    }

    /// The longest time without an answer of those that begin or end between two times, seconds since the start, or last from
    /// before the one to behind the other. What was before the first answer, or is behind the last one, is none.
    pub fn longest_gap(&self, from_s: f64, until_s: f64) -> Option<Gap> {
        let end = self.words.len() * 64;
        let (from, until) = (index(from_s).min(end), index(until_s).min(end));
        let before = (0..from).rev().find(|&beat| self.has(beat));
        let behind = (until..end).find(|&beat| self.has(beat));
        let between = (from..until).filter(|&beat| self.has(beat));
        let beats: Vec<usize> = before.into_iter().chain(between).chain(behind).collect();
        // The first of several that are as long.
        let longest = beats.windows(2).rev().max_by_key(|pair| pair[1] - pair[0])?;
        let seconds = |beats: usize| crate::health::lossy(beats as u64) / 1_000.0;
        Some(Gap { at_s: seconds(longest[0]), seconds: seconds(longest[1] - longest[0]) })
    }

    fn has(&self, beat: usize) -> bool {
        self.words.get(beat / 64).is_some_and(|word| word >> (beat % 64) & 1 == 1)
    }
}

/// The beat that a time falls into.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to a day, by the scenario's checks"
)]
fn index(seconds: f64) -> usize {
    (seconds * 1_000.0).max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer in each of these milliseconds.
    fn pulse(beats: impl IntoIterator<Item = u64>) -> Pulse {
        let mut pulse = Pulse::default();
        beats.into_iter().for_each(|ms| pulse.beat(ms * BEAT_NS + 7));
        pulse
    }

    fn longest(pulse: &Pulse, from_s: f64, until_s: f64) -> Option<(f64, f64)> {
        pulse.longest_gap(from_s, until_s).map(|gap| (gap.at_s, gap.seconds))
    }

    #[test]
    fn the_longest_time_without_an_answer_is_found_wherever_it_lies() {
        let pulse = pulse((0..1_000).chain(1_250..2_000).chain(2_100..3_000));
        assert_eq!(longest(&pulse, 0.9, 1.5), Some((0.999, 0.251)));
        assert_eq!(
            longest(&pulse, 1.1, 1.2),
            Some((0.999, 0.251)),
            "it may last longer than what is looked at"
        );
        assert_eq!(longest(&pulse, 1.3, 3.0), Some((1.999, 0.101)));
        assert_eq!(longest(&pulse, 2.2, 2.8), Some((2.199, 0.001)));
    }

    #[test]
    fn a_gap_is_one_only_if_no_worker_had_an_answer() {
        let mut both = pulse((0..100).chain(200..300));
        both.merge(&pulse([150, 300, 301]));
        assert_eq!(longest(&both, 0.0, 0.3), Some((0.099, 0.051)));
    }

    #[test]
    fn nothing_is_no_gap_before_the_first_answer_or_behind_the_last() {
        assert_eq!(longest(&Pulse::default(), 0.0, 10.0), None);
        assert_eq!(longest(&pulse([500]), 0.0, 10.0), None);
        let pulse = pulse(500..600);
        assert_eq!(longest(&pulse, 0.0, 10.0), Some((0.5, 0.001)));
    }

    #[test]
    fn a_clock_that_is_broken_takes_no_more_memory_than_a_day() {
        let mut pulse = Pulse::default();
        pulse.beat(u64::MAX);
        assert_eq!(pulse.words.len(), MOST_WORDS);
    }
}

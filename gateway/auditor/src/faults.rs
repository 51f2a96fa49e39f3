//! Breaks of correctness.

/// Most that are kept word for word; the rest are counted.
const EXAMPLES: usize = 20;

/// Breaks of correctness: how many, and the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many.
    pub count: u64,
    /// The first ones, one line each.
    pub examples: Vec<String>,
}

impl Faults {
    /// Notes one.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(line());
        }
    }

    /// Adds another part's.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

//! What is wrong with a file that people write, as far as it is listed.

/// Faults that are listed; of a file with more, their number is told.
const MOST: usize = 40;

/// See the module's doc.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) listed: Vec<String>,
    /// Faults that are not listed.
    pub(crate) more: usize,
}

impl Faults {
    pub(crate) fn note(&mut self, fault: String) {
        if self.listed.len() < MOST {
            self.listed.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Notes that there are more of something than may be.
    pub(crate) fn at_most(&mut self, what: &str, found: usize, most: usize) {
        if found > most {
            self.note(format!("{found} {what}; {most} at most"));
        }
    }
}

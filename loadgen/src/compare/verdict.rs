//! From figures to words, without files: a pure function, so that its rules can be tested.

use serde::Serialize;

use super::kind::Kind;
use crate::spread::Spread;

/// Version of the JSON's shape. A new key leaves it; a changed or removed one raises it.
const SCHEMA_VERSION: u32 = 1;

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// The metric's name, with its unit.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) value: f64,
}

/// A run that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    pub(super) file: String,
    pub(super) why: String,
}

/// What is compared, in the order in which it is shown.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Side {
    /// As it was given.
    pub(super) name: String,
    /// The runs that count.
    pub(super) files: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// Of those that count, the ones that broke correctness.
    pub(super) broken: Vec<String>,
    #[serde(skip)]
    pub(super) figures: Vec<Figure>,
}

impl Side {
    fn spread(&self, name: &str) -> Option<Spread> {
        let of = self.figures.iter().filter(|figure| figure.name == name).map(|figure| figure.value);
        Spread::of(of.filter(|value| value.is_finite()).collect())
    }
}

/// How far two medians may be apart and still be the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Band {
    /// In the metric's unit.
    pub(super) width: f64,
    /// Whether it is that of the metric's kind: the repeats are too few, or differ by less.
    pub(super) is_default: bool,
}

/// What came of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Word {
    /// Beyond the band, the good way.
    Better,
    /// Beyond the band, the bad way.
    Worse,
    /// Within the band.
    Same,
    /// Measured in A alone: there is nothing to compare it with.
    OnlyA,
    /// Measured in B alone.
    OnlyB,
}

impl Word {
    /// As people read it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Better => "BETTER",
            Self::Worse => "WORSE",
            Self::Same => "SAME",
            Self::OnlyA => "ONLY A",
            Self::OnlyB => "ONLY B",
        }
    }
}

/// One metric of both sides.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) a: Option<Spread>,
    pub(super) b: Option<Spread>,
    /// Of B's median from A's, percent; none where there is nothing to take it of.
    pub(super) change_percent: Option<f64>,
    pub(super) band: Option<Band>,
    pub(super) word: Word,
}

impl Row {
    fn of(name: &str, kind: Kind, a: Option<Spread>, b: Option<Spread>) -> Self {
        let both = a.as_ref().zip(b.as_ref());
        let band = both.map(|(a, b)| kind.band(a, b));
        let word = match (both.zip(band), a) {
            (Some(((a, b), band)), _) => {
                let change = b.median - a.median;
                let good = (change > 0.0) == kind.more_is_better();
                // A sum of decimal fractions is a hair off.
                match (change.abs() <= band.width * (1.0 + 1e-9), good) {
                    (true, _) => Word::Same,
                    (false, true) => Word::Better,
                    (false, false) => Word::Worse,
                }
            }
            (None, Some(_)) => Word::OnlyA,
            (None, None) => Word::OnlyB,
        };
        let change_percent = both
            .filter(|(a, _)| a.median.abs() > 0.0)
            .map(|(a, b)| (b.median - a.median) / a.median.abs() * 100.0);
        Self { name: name.to_owned(), kind, a, b, change_percent, band, word }
    }
}

/// See the module's doc.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) schema_version: u32,
    /// Whether B is worse than A in anything, or a run broke correctness.
    pub(super) worse: bool,
    /// A and B.
    pub(super) sides: [Side; 2],
    /// What is to be known before the figures are believed.
    pub(super) notes: Vec<String>,
    pub(super) metrics: Vec<Row>,
}

impl Comparison {
    /// Compares what both have; what only one has is said.
    pub(super) fn of(sides: [Side; 2], notes: Vec<String>) -> Self {
        let mut metrics: Vec<Row> = Vec::new();
        for figure in sides.iter().flat_map(|side| &side.figures) {
            if metrics.iter().all(|row| row.name != figure.name) {
                let [a, b] = sides.each_ref().map(|side| side.spread(&figure.name));
                if a.is_some() || b.is_some() {
                    metrics.push(Row::of(&figure.name, figure.kind, a, b));
                }
            }
        }
        let broken = sides.iter().any(|side| !side.broken.is_empty());
        let worse = broken || metrics.iter().any(|row| row.word == Word::Worse);
        Self { schema_version: SCHEMA_VERSION, worse, sides, notes, metrics }
    }

    /// Whether a run broke correctness.
    pub(super) fn is_broken(&self) -> bool {
        self.sides.iter().any(|side| !side.broken.is_empty())
    }
}

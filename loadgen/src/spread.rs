//! What several repeats of one measurement come to.

/// The median of several values, and the least and the most.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// The middle one, or between the two in the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// How many.
    pub count: usize,
}

impl Spread {
    /// None of nothing.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let count = values.len();
        let median = f64::midpoint(*values.get((count - 1) / 2)?, *values.get(count / 2)?);
        Some(Self { median, least, most, count })
    }

    /// Half of what is between the least and the most.
    pub fn half_range(&self) -> f64 {
        (self.most - self.least) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0, count: 3 }));
        assert_eq!(
            spread(&[4.0, 1.0, 2.0, 3.0]),
            Some(Spread { median: 2.5, least: 1.0, most: 4.0, count: 4 })
        );
        assert_eq!(spread(&[7.0]), Some(Spread { median: 7.0, least: 7.0, most: 7.0, count: 1 }));
        assert_eq!(spread(&[]), None);
    }
}

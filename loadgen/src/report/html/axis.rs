//! Scales of axes, and where their ticks are.

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0.
    Linear {
        /// The highest value on it.
        most: f64,
        /// Between two ticks.
        step: f64,
    },
    /// By powers of ten, for what spans several of them.
    Log {
        /// The lowest value on it, above 0.
        least: f64,
        /// The highest.
        most: f64,
    },
}

/// Numbers at which people expect a tick, each with its tenfolds.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];

impl Scale {
    /// From 0 to a round number above all values, with about `ticks` steps.
    pub(super) fn linear(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let highest = values.fold(0.0, f64::max);
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let step = round_up(highest / ticks);
        Self::Linear { most: (highest / step).ceil() * step, step }
    }

    /// From a round number below all values to one above them. Values that are not above 0 have no place on it.
    pub(super) fn log(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values
            .filter(|value| *value > 0.0)
            .fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), value| {
                (least.min(value), most.max(value))
            });
        if most > 0.0 {
            let (least, most) = (round_down(least), round_up(most));
            Self::Log { least, most: if most > least { most } else { least * 10.0 } }
        } else {
            Self::Log { least: 1.0, most: 10.0 }
        }
    }

    /// Where a value is, from 0 (the lower end) to 1 (the upper end).
    pub(super) fn share(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { most, .. } => value / most,
            Self::Log { least, most } if value > 0.0 => (value / least).ln() / (most / least).ln(),
            Self::Log { .. } => 0.0,
        };
        share.clamp(0.0, 1.0)
    }

    /// Values with a tick, in ascending order.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { most, step } => {
                let at = std::iter::successors(Some(0.0_f64), |count| Some(count + 1.0));
                at.map(|count| count * step).take_while(|value| *value <= most * 1.000_001).collect()
            }
            Self::Log { least, most } => {
                let decades = (most / least).log10();
                let inside = |value: &f64| *value >= least * 0.999_999 && *value <= most * 1.000_001;
                let powers = std::iter::successors(Some(power_below(least)), |power| Some(power * 10.0))
                    .take_while(|power| *power <= most * 1.000_001);
                // Every tick of three decades has room; of more, only the powers of ten.
                let of: &[f64] = if decades <= 3.1 { &ROUND } else { &ROUND[..1] };
                powers.flat_map(|power| of.iter().map(move |round| round * power)).filter(inside).collect()
            }
        }
    }
}

/// The largest power of ten that is no larger.
fn power_below(value: f64) -> f64 {
    10.0_f64.powf((value.log10() + 1e-9).floor())
}

/// The least round number that is no smaller.
pub(super) fn round_up(value: f64) -> f64 {
    let power = power_below(value);
    let round = ROUND.into_iter().chain([10.0]).map(|round| round * power);
    round.into_iter().find(|round| *round >= value * 0.999_999).unwrap_or(value)
}

/// The largest round number that is no larger.
fn round_down(value: f64) -> f64 {
    let power = power_below(value);
    ROUND
        .into_iter()
        .rev()
        .map(|round| round * power)
        .find(|round| *round <= value * 1.000_001)
        .unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        let near = |(one, other): (&f64, &f64)| (one - other).abs() <= 1e-9 * other.abs().max(1.0);
        assert!(
            found.len() == expected.len() && found.iter().zip(expected).all(near),
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn a_linear_scale_ends_at_a_round_number_above_all_values() {
        let scale = Scale::linear([3.0, 1_740.0].into_iter(), 5.0);
        close(&scale.ticks(), &[0.0, 500.0, 1_000.0, 1_500.0, 2_000.0]);
        close(&[scale.share(0.0), scale.share(1_000.0), scale.share(9_999.0)], &[0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_log_scale_has_few_ticks_whatever_it_spans() {
        close(&Scale::log([0.3, 14.0].into_iter()).ticks(), &[0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        let wide = Scale::log([0.085, 60_000.0].into_iter());
        close(&wide.ticks(), &[0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]);
        close(&[wide.share(0.05), wide.share(0.0)], &[0.0, 0.0]);
    }

    #[test]
    fn a_scale_of_nothing_is_still_a_scale() {
        close(&Scale::linear(std::iter::empty(), 4.0).ticks(), &[0.0, 0.5, 1.0]);
        close(&Scale::log(std::iter::empty()).ticks(), &[1.0, 2.0, 5.0, 10.0]);
        close(&Scale::log([5.0].into_iter()).ticks(), &[5.0, 10.0, 20.0, 50.0]);
    }
}

//! Sums samples up: median, percentiles, counts.

use serde::{Deserialize, Serialize};

/// The samples of one metric, one for each round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The metric's name.
    pub id: String,
    /// The name of the metric's unit.
    pub unit: String,
    /// How many samples were taken, not counting warm-up.
    pub samples: usize,
    /// The median.
    pub median: f64,
    /// The 10th percentile.
    pub p10: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The samples, in the order in which they were taken.
    pub values: Vec<f64>,
}

impl Measurement {
    /// Sums samples up, rounded to a thousandth of their unit. Returns `None` when there are none.
    #[must_use]
    pub fn new(id: &str, unit: &str, values: &[f64]) -> Option<Self> {
        // Times are in microseconds and the clocks tell nanoseconds: further digits are noise.
        let values: Vec<f64> = values.iter().copied().map(rounded).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            id: id.to_owned(),
            unit: unit.to_owned(),
            samples: values.len(),
            median: quantile(&sorted, 0.5)?,
            p10: quantile(&sorted, 0.1)?,
            p90: quantile(&sorted, 0.9)?,
            values,
        })
    }

    /// Returns the smallest sample.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Returns the largest sample.
    #[must_use]
    pub fn max(&self) -> f64 {
        let values = self.values.iter().copied();
        values.fold(f64::NEG_INFINITY, f64::max)
    }

    /// Returns the number of samples above zero.
    #[must_use]
    pub fn times(&self) -> usize {
        self.values.iter().filter(|value| **value > 0.0).count()
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Returns a quantile of sorted values, interpolated linearly between its neighbors.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(rounded(low + (high - low) * at.fract()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_up() {
        let values: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        let one = Measurement::new("x", "µs", &values).unwrap();
        assert_eq!((one.p10, one.median, one.p90), (1.0, 5.0, 9.0));
        assert_eq!(
            (one.min(), one.max(), one.samples, one.times()),
            (0.0, 10.0, 11, 10)
        );
        let two = Measurement::new("x", "µs", &[1.0, 2.0]).unwrap();
        assert_eq!((two.p10, two.median, two.p90), (1.1, 1.5, 1.9));
        assert_eq!(Measurement::new("x", "µs", &[]), None);
    }
}

//! Where a value lies on the common axis, and which values are marked on it.

use super::points::{Picture, Point};
use super::spec::Scale;

/// How much of the plot's width the axis takes, in percent. The rest is for the values in words.
pub const WIDTH: f64 = 68.0;

/// Where the axis begins, in percent: a marker at its low end needs room.
pub const START: f64 = 2.0;

/// An axis over all points of a chart.
pub struct Axis {
    pub scale: Scale,
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// Fits an axis to the points: round numbers at both ends.
    pub fn over(picture: &Picture, scale: Scale) -> Self {
        let high = picture.points().map(Point::highest).fold(0.0, f64::max);
        let positive = picture
            .points()
            .map(|point| point.low)
            .filter(|low| *low > 0.0);
        let low = positive.fold(high, f64::min);
        let axis = Self::between(low, high, scale);
        match picture.unit {
            Some(unit) if unit.whole => axis.in_whole_steps(),
            _ => axis,
        }
    }

    /// Marks no halves of what is counted: they would be written as whole numbers.
    fn in_whole_steps(self) -> Self {
        if self.scale == Scale::Logarithmic || self.step >= 1.0 {
            return self;
        }
        Self {
            high: self.high.ceil(),
            step: 1.0,
            ..self
        }
    }

    fn between(low: f64, high: f64, scale: Scale) -> Self {
        match scale {
            Scale::Logarithmic if high > 0.0 => Self {
                scale,
                low: 10_f64.powf(low.log10().floor()),
                high: 10_f64.powf(high.log10().ceil().max(low.log10().floor() + 1.0)),
                step: 10.0,
            },
            _ => {
                let high = if high > 0.0 { high } else { 1.0 };
                let step = round_step(high / 4.0);
                Self {
                    scale: Scale::Linear,
                    low: 0.0,
                    high: (high / step).ceil() * step,
                    step,
                }
            }
        }
    }

    /// Returns where a value lies, in percent of the plot's width. Values beyond the axis lie at its ends.
    pub fn at(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => value / self.high,
            Scale::Logarithmic => {
                (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
            }
        };
        START + (WIDTH - START) * part.clamp(0.0, 1.0)
    }

    /// Returns the values to mark: multiples of a round step, or powers of ten.
    pub fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let steps = (self.high / self.step).round() as u32;
                (0..=steps)
                    .map(|step| f64::from(step) * self.step)
                    .collect()
            }
            Scale::Logarithmic => {
                let decades = (self.high / self.low).log10().round() as i32;
                // On a phone there is no room for more names than six.
                let every = if decades > 5 { 2 } else { 1 };
                let marked = (0..=decades).step_by(every);
                marked
                    .map(|decade| self.low * 10_f64.powi(decade))
                    .collect()
            }
        }
    }
}

/// Returns 1, 2 or 5 times a power of ten that is at least `value`.
fn round_step(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let fits = |step: &f64| *step >= value * 0.999;
    steps.into_iter().find(fits).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_begins_at_zero_and_ends_at_a_round_number() {
        let axis = Axis::between(3.0, 2597.0, Scale::Linear);
        assert_eq!(axis.ticks(), [0.0, 1000.0, 2000.0, 3000.0]);
        assert_eq!([axis.at(0.0), axis.at(3000.0)], [START, WIDTH]);
        let percent = Axis::between(1.0, 75.0, Scale::Linear);
        assert_eq!(percent.ticks(), [0.0, 20.0, 40.0, 60.0, 80.0]);
    }

    #[test]
    fn what_is_counted_has_no_halves() {
        let few = Axis::between(0.0, 2.0, Scale::Linear).in_whole_steps();
        assert_eq!(few.ticks(), [0.0, 1.0, 2.0]);
        assert_eq!(few.at(2.0), WIDTH);
        let many = Axis::between(0.0, 10.0, Scale::Linear).in_whole_steps();
        assert_eq!(many.ticks(), [0.0, 5.0, 10.0]);
    }

    #[test]
    fn a_logarithmic_axis_has_whole_decades() {
        let axis = Axis::between(12.0, 800.0, Scale::Logarithmic);
        assert_eq!(axis.ticks(), [10.0, 100.0, 1000.0]);
        let middle = f64::midpoint(START, WIDTH);
        assert_eq!(
            [axis.at(1.0), axis.at(100.0), axis.at(9e9)],
            [START, middle, WIDTH]
        );
        let wide = Axis::between(0.5, 80_000.0, Scale::Logarithmic).ticks();
        let wide: Vec<_> = wide.iter().map(|tick| tick.log10().round()).collect();
        assert_eq!(wide, [-1.0, 1.0, 3.0, 5.0]);
        let narrow = Axis::between(10.0, 10.0, Scale::Logarithmic);
        assert_eq!(narrow.ticks(), [10.0, 100.0]);
    }

    #[test]
    fn nothing_but_zeros_still_has_an_axis() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let axis = Axis::between(0.0, 0.0, scale);
            assert!(axis.scale == Scale::Linear && axis.at(0.0) == START);
        }
    }
}

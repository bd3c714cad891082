//! Where a value lies on the common axis, and which values are marked on it.

use super::points::{Picture, Point};
use super::spec::Scale;

/// The most of the plot's width that the axis takes, in percent. The rest is for the values in words.
const WIDEST: f64 = 68.0;

/// The least that it takes: on a narrower axis nobody can compare anything.
const NARROWEST: f64 = 40.0;

/// The narrowest plot in pixels, on a phone 360 pixels wide.
const PHONE: f64 = 320.0;

/// From a point to its value in words, in pixels.
pub const GAP: f64 = 10.0;

/// Between the names of two ticks, in pixels.
const APART: f64 = 4.0;

/// The width of a character in pixels, a little above the average of the book's font.
const CHARACTER: f64 = 6.4;

/// Where the axis begins, in percent: a marker at its low end needs room.
pub const START: f64 = 2.0;

/// An axis over all points of a chart.
pub struct Axis {
    pub scale: Scale,
    low: f64,
    high: f64,
    step: f64,
    /// Where the axis ends, in percent of the plot's width.
    end: f64,
}

impl Axis {
    /// Fits an axis to the points: round numbers at both ends, and room for every value in words, on a phone too.
    pub fn over(picture: &Picture, scale: Scale) -> Self {
        let high = picture.points().map(Point::highest).fold(0.0, f64::max);
        let positive = picture
            .points()
            .map(|point| point.low)
            .filter(|low| *low > 0.0);
        let low = positive.fold(high, f64::min);
        let axis = Self::between(low, high, scale);
        let axis = match picture.unit {
            Some(unit) if unit.whole => axis.in_whole_steps(),
            _ => axis,
        };
        let labels = picture.lines().flat_map(|line| line.labels());
        axis.with_room_for(labels.map(|label| (label.point.highest(), label.text)))
    }

    /// Shortens the axis until the words beside each value fit.
    fn with_room_for(mut self, labels: impl Iterator<Item = (f64, String)>) -> Self {
        let ends = labels.map(|(value, text)| {
            let words = 100.0 * (GAP + CHARACTER * text.chars().count() as f64) / PHONE;
            START + (100.0 - START - words) / self.part(value).max(f64::EPSILON)
        });
        self.end = ends.fold(WIDEST, f64::min).max(NARROWEST);
        self
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
                end: WIDEST,
            },
            _ => {
                let high = if high > 0.0 { high } else { 1.0 };
                let step = round_step(high / 4.0);
                Self {
                    scale: Scale::Linear,
                    low: 0.0,
                    high: (high / step).ceil() * step,
                    step,
                    end: WIDEST,
                }
            }
        }
    }

    /// Returns where a value lies, in percent of the plot's width. Values beyond the axis lie at its ends.
    pub fn at(&self, value: f64) -> f64 {
        START + (self.end - START) * self.part(value)
    }

    /// Returns where a value lies on the axis, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => value / self.high,
            Scale::Logarithmic => {
                (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
            }
        };
        part.clamp(0.0, 1.0)
    }

    /// Returns which of the names of the ticks have room beside each other on a phone: always the first and the last.
    pub fn with_room(&self, names: &[String]) -> Vec<bool> {
        // The names are a little smaller than the values in words.
        let width = |name: &String| 0.92 * CHARACTER * name.chars().count() as f64;
        let spans = self.ticks().into_iter().zip(names).map(|(tick, name)| {
            let middle = self.at(tick) / 100.0 * PHONE;
            (middle - width(name) / 2.0, middle + width(name) / 2.0)
        });
        let spans: Vec<_> = spans.collect();
        let last = spans.len() - 1;
        // The first one begins where the plot begins, not half its width before.
        let mut end = width(&names[0]);
        let has_room = |(number, span): (usize, &(f64, f64))| {
            let fits = span.0 >= end + APART && span.1 + APART <= spans[last].0;
            let shown = number == 0 || number == last || fits;
            if shown && number > 0 {
                end = span.1;
            }
            shown
        };
        spans.iter().enumerate().map(has_room).collect()
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
        assert_eq!([axis.at(0.0), axis.at(3000.0)], [START, WIDEST]);
        let percent = Axis::between(1.0, 75.0, Scale::Linear);
        assert_eq!(percent.ticks(), [0.0, 20.0, 40.0, 60.0, 80.0]);
    }

    #[test]
    fn what_is_counted_has_no_halves() {
        let few = Axis::between(0.0, 2.0, Scale::Linear).in_whole_steps();
        assert_eq!(few.ticks(), [0.0, 1.0, 2.0]);
        assert_eq!(few.at(2.0), WIDEST);
        let many = Axis::between(0.0, 10.0, Scale::Linear).in_whole_steps();
        assert_eq!(many.ticks(), [0.0, 5.0, 10.0]);
    }

    #[test]
    fn a_logarithmic_axis_has_whole_decades() {
        let axis = Axis::between(12.0, 800.0, Scale::Logarithmic);
        assert_eq!(axis.ticks(), [10.0, 100.0, 1000.0]);
        let middle = f64::midpoint(START, WIDEST);
        assert_eq!(
            [axis.at(1.0), axis.at(100.0), axis.at(9e9)],
            [START, middle, WIDEST]
        );
        let wide = Axis::between(0.5, 80_000.0, Scale::Logarithmic).ticks();
        let wide: Vec<_> = wide.iter().map(|tick| tick.log10().round()).collect();
        assert_eq!(wide, [-1.0, 1.0, 3.0, 5.0]);
        let narrow = Axis::between(10.0, 10.0, Scale::Logarithmic);
        assert_eq!(narrow.ticks(), [10.0, 100.0]);
    }

    #[test]
    fn the_words_beside_a_value_fit_on_a_phone() {
        let end = |value, text: &str| {
            let axis = Axis::between(0.0, 4.0, Scale::Linear);
            let axis = axis.with_room_for([(value, text.to_owned())].into_iter());
            let words = 100.0 * (GAP + CHARACTER * text.len() as f64) / PHONE;
            (axis.end, axis.at(value) + words)
        };
        assert_eq!(end(4.0, "Rust: 4").0, WIDEST);
        assert_eq!(end(1.0, "Python 3.15: 1 survivor").0, WIDEST, "room enough");
        let (narrow, reach) = end(4.0, "Python 3.15: 4 survivors");
        assert!(narrow < WIDEST && reach < 100.001, "{narrow} {reach}");
        assert_eq!(end(4.0, &"x".repeat(60)).0, NARROWEST);
    }

    #[test]
    fn names_of_ticks_keep_apart_on_a_phone() {
        let shown = |axis: &Axis, names: &[&str]| {
            axis.with_room(
                &names
                    .iter()
                    .map(|name| name.to_string())
                    .collect::<Vec<_>>(),
            )
        };
        let decades = Axis::between(1e2, 1e7, Scale::Logarithmic);
        let names = ["100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms"];
        assert_eq!(
            shown(&decades, &names),
            [true, false, true, true, true, true]
        );
        let few = Axis::between(0.0, 2.0, Scale::Linear).in_whole_steps();
        assert_eq!(shown(&few, &["0", "1", "2 survivors"]), [true; 3]);
        assert_eq!(
            shown(&few, &["0", &"1".repeat(30), "2 survivors"]),
            [true, false, true]
        );
    }

    #[test]
    fn nothing_but_zeros_still_has_an_axis() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let axis = Axis::between(0.0, 0.0, scale);
            assert!(axis.scale == Scale::Linear && axis.at(0.0) == START);
        }
    }
}

//! Points: what was reached, what is open because it could not be judged, and what there is.

use crate::{grade::Record, runner::Status};
use std::{fmt, iter::Sum, ops::Add};

/// Marks for some tests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Marks {
    /// Points of tests that passed.
    pub earned: f64,
    /// Points of tests that could not be judged: nobody's loss yet.
    pub open: f64,
    /// Points of all tests.
    pub out_of: f64,
}

impl Marks {
    /// Those for one test.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let when = |is: bool| if is { record.points } else { 0.0 };
        Self {
            earned: when(record.status == Status::Passed),
            open: when(!record.status.is_verdict()),
            out_of: record.points,
        }
    }
}

impl Add for Marks {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            earned: self.earned + other.earned,
            open: self.open + other.open,
            out_of: self.out_of + other.out_of,
        }
    }
}

impl Sum for Marks {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = format!("{}/{}", number(self.earned), number(self.out_of));
        match self.open > 0.0 {
            true => f.pad(&format!("{shown} ({} open)", number(self.open))),
            false => f.pad(&shown),
        }
    }
}

/// At most two decimals, and none that say nothing.
pub(super) fn number(points: f64) -> String {
    let text = format!("{points:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_add_up_to_a_whole() {
        let third = Marks {
            earned: 10.0 / 3.0,
            open: 0.0,
            out_of: 10.0 / 3.0,
        };
        assert_eq!(third.to_string(), "3.33/3.33");
        assert_eq!([third; 3].into_iter().sum::<Marks>().to_string(), "10/10");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(12.5), "12.5");
    }

    #[test]
    fn open_points_are_told() {
        let marks = Marks {
            earned: 1.0,
            open: 2.0,
            out_of: 5.0,
        };
        assert_eq!(marks.to_string(), "1/5 (2 open)");
    }
}

//! Reports in the formats that others read, all made from the records of a results file.
//!
//! What a learner made (names, messages) is clean in the records already: see [`crate::text`]. Each format escapes it once more in
//! its own way.

mod classroom;
mod csv;
mod feedback;
mod github;
mod gradescope;
mod html;
mod junit;
mod marks;

pub use classroom::classroom;
pub use csv::csv;
pub use feedback::feedback;
pub use github::{SUMMARY_SIZE, annotations, summary};
pub use gradescope::{GradescopeError, gradescope};
pub use html::html;
pub use junit::junit;
pub use marks::Marks;

use crate::{grade::Record, runner::Status};
use std::{collections::BTreeMap, fs, io, path::Path};

/// Why a results file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The system refuses.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// The file.
        path: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// A line is no record.
    #[error(
        "{path}:{line} is no result: {cause} (is this a file that `cargo course grade` wrote?)"
    )]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

/// Reads a results file.
///
/// # Errors
/// When it can't be read, or a line isn't a record.
pub fn load(path: &Path) -> Result<Vec<Record>, LoadError> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|cause| LoadError::Read {
        path: shown.clone(),
        cause,
    })?;
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|cause| LoadError::Line {
                path: shown.clone(),
                line: index + 1,
                cause,
            })
        })
        .collect()
}

/// Multiplies the points of an exercise, for a class in which it counts more than the course says. Tells whether there is such an
/// exercise.
pub fn weigh(records: &mut [Record], exercise: &str, weight: f64) -> bool {
    let mine = records.iter_mut().filter(|one| one.exercise == exercise);
    mine.map(|record| record.points *= weight).count() > 0
}

/// What one submission got for one exercise.
struct Unit<'a> {
    submission: &'a str,
    exercise: &'a str,
    records: Vec<&'a Record>,
    /// What there was to reach, where no record of it says so.
    missing: f64,
}

impl Unit<'_> {
    fn count(&self, fits: impl Fn(&Record) -> bool) -> usize {
        self.records.iter().filter(|record| fits(record)).count()
    }

    fn passed(&self) -> usize {
        self.count(|record| record.status == Status::Passed)
    }

    fn judged(&self) -> usize {
        self.count(|record| record.status.is_verdict())
    }

    fn unjudged(&self) -> usize {
        self.records.len() - self.judged()
    }

    /// Whether it stands for a whole submission, in which nothing could be judged.
    fn is_whole(&self) -> bool {
        self.exercise.is_empty()
    }

    fn marks(&self) -> Marks {
        let open = if self.unjudged() > 0 {
            self.missing
        } else {
            0.0
        };
        let missing = Marks {
            earned: 0.0,
            open,
            out_of: self.missing,
        };
        let found = self.records.iter().map(|record| Marks::of(record));
        found.sum::<Marks>() + missing
    }

    /// `2/3`: passed of judged. A `?` says that there are tests that could not be judged.
    fn score(&self) -> String {
        let open = if self.unjudged() > 0 { "?" } else { "" };
        format!("{}/{}{open}", self.passed(), self.judged())
    }

    fn worst(&self) -> Status {
        let all = self.records.iter().map(|record| record.status);
        all.max().unwrap_or(Status::InfrastructureError)
    }
}

/// What each exercise is worth that somebody handed in.
fn worth<'a>(units: &[Unit<'a>]) -> BTreeMap<&'a str, f64> {
    let mut worth: BTreeMap<&str, f64> = BTreeMap::new();
    for unit in units.iter().filter(|unit| !unit.is_whole()) {
        let most = worth.entry(unit.exercise).or_default();
        *most = most.max(unit.marks().out_of);
    }
    worth
}

/// The units in the order of the file.
fn units(records: &[Record]) -> Vec<Unit<'_>> {
    let mut places = BTreeMap::new();
    let mut units: Vec<Unit<'_>> = Vec::new();
    for record in records {
        let key = (record.submission.as_str(), record.exercise.as_str());
        let place = *places.entry(key).or_insert(units.len());
        if place == units.len() {
            units.push(Unit {
                submission: key.0,
                exercise: key.1,
                records: Vec::new(),
                missing: 0.0,
            });
        }
        units[place].records.push(record);
    }
    // A submission that was rejected as a whole could have reached what the others could.
    let worth = worth(&units).values().sum();
    for unit in units.iter_mut().filter(|unit| unit.is_whole()) {
        unit.missing = worth;
    }
    units
}

#[cfg(test)]
mod tests;

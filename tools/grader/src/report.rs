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

    fn marks(&self) -> Marks {
        self.records.iter().map(|record| Marks::of(record)).sum()
    }

    fn worst(&self) -> Status {
        let all = self.records.iter().map(|record| record.status);
        all.max().unwrap_or(Status::InfrastructureError)
    }
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
            });
        }
        units[place].records.push(record);
    }
    units
}

#[cfg(test)]
mod tests;

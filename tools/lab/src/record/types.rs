//! What a record consists of.

use crate::record::Measurement;
use crate::{Claim, Language, Runtime, Verdict, machine::Machine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the record format.
pub const SCHEMA: u32 = 1;

/// One experiment, run once in one runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What ran it.
    pub runtime: Runtime,
    /// When, in UTC: `2026-11-22T19:30:00Z`.
    pub taken_at: String,
    /// What the experiment was given and did not measure: sizes and counts.
    pub given: BTreeMap<String, u64>,
    /// What it measured.
    pub measurements: Vec<Measurement>,
    /// The rule's verdict.
    pub verdict: Verdict,
}

impl Run {
    /// Returns the measurement with this name; `None` where it could not be taken.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Measurement> {
        self.measurements.iter().find(|one| one.id == id)
    }

    /// Returns the median of a measurement.
    #[must_use]
    pub fn median(&self, id: &str) -> Option<f64> {
        self.get(id).map(|one| one.median)
    }

    /// Returns what the experiment was given under this name.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<f64> {
        self.given.get(name).map(|value| *value as f64)
    }

    /// Returns the day on which it was taken: `2026-11-22`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.taken_at.split('T').next().unwrap_or_default()
    }
}

/// All runs of a claim on one machine, one for each runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The claim's id.
    pub claim: String,
    /// The rule that gave the verdicts, in words.
    pub rule: String,
    /// What the claim was measured on.
    pub machine: Machine,
    /// The runs: Rust first, then Python by version.
    pub runs: Vec<Run>,
}

impl Record {
    /// Creates a record without runs.
    #[must_use]
    pub fn new(claim: &Claim, machine: Machine) -> Self {
        Self {
            schema: SCHEMA,
            claim: claim.id.to_owned(),
            rule: claim.rule.to_owned(),
            machine,
            runs: Vec::new(),
        }
    }

    /// Adds a run. It replaces an older one of the same runtime.
    pub fn add(&mut self, run: Run) {
        let key = run.runtime.key();
        self.runs.retain(|other| other.runtime.key() != key);
        self.runs.push(run);
        self.runs.sort_by_key(|run| {
            let runtime = &run.runtime;
            let rust_first = runtime.language == Language::Python;
            (rust_first, runtime.release(), runtime.build.clone())
        });
    }

    /// Finds the run that a path names, as in `M1/python-3.13/…`.
    ///
    /// The name is a key (`python-3.13.0`, `rust-1.95.0`), or it stands for the newest run of a line: `rust`,
    /// `python` (with the GIL), `python-t` (without), `python-3.9`, `python-3.13t`.
    #[must_use]
    pub fn find_run(&self, name: &str) -> Option<&Run> {
        let mut runs = self.runs.iter();
        let exact = runs.clone().find(|run| run.runtime.key() == name);
        exact.or_else(|| {
            if name == "rust" {
                return runs.rfind(|run| run.runtime.language == Language::Rust);
            }
            let rest = name.strip_prefix("python")?;
            let (line, free_threaded) = match rest {
                "" => ("", false),
                "-t" => ("", true),
                _ => {
                    let line = rest.strip_prefix('-')?;
                    let free_threaded = line.strip_suffix('t');
                    (free_threaded.unwrap_or(line), free_threaded.is_some())
                }
            };
            runs.rfind(|run| run.runtime.is_of_line(line, free_threaded))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_name_stands_for_the_newest_run_of_a_line() {
        let versions = [
            ("3.9.18", false),
            ("3.13.0", false),
            ("3.13.5", true),
            ("3.1.0", false),
        ];
        let mut record = Record::new(&sample::CLAIM, sample::machine());
        for (version, free) in versions {
            record.add(sample::run(Runtime::python(version, free, !free), 1.0));
        }
        let key = |name: &str| record.find_run(name).map(|run| run.runtime.key());
        assert_eq!(key("python").as_deref(), Some("python-3.13.0"));
        assert_eq!(key("python-t").as_deref(), Some("python-3.13.5t"));
        assert_eq!(key("python-3.13t").as_deref(), Some("python-3.13.5t"));
        assert_eq!(key("python-3.9").as_deref(), Some("python-3.9.18"));
        assert_eq!(key("python-3.1").as_deref(), Some("python-3.1.0"));
        assert_eq!(key("python-3.13.0").as_deref(), Some("python-3.13.0"));
        let none = [key("rust"), key("python-3.12"), key("perl")];
        assert_eq!(none, [None, None, None]);
    }
}

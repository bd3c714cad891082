//! A class on several machines: each judges the submissions of its shard, and a merge makes sure that nobody is missing.

use crate::{
    grade::Record,
    report::{self, LoadError},
};
use files::write::write_atomic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// One part of a class, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    index: u64,
    count: u64,
}

/// The variables by which engines tell a job its number: the index, the number of jobs, and the first index.
const ENGINES: [(&str, &str, u64); 4] = [
    ("TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", 0),
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 0),
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0),
];

impl Shard {
    /// Number `index` of `count`, from 1.
    #[must_use]
    pub fn new(index: u64, count: u64) -> Option<Self> {
        (1..=count)
            .contains(&index)
            .then_some(Self { index, count })
    }

    /// What the engine that runs this says: Bazel, GitLab, a Slurm array, a Kubernetes indexed job.
    ///
    /// Kubernetes doesn't tell the number of jobs; set `JOB_COMPLETIONS` beside it. A Slurm array has to be whole and to begin at
    /// 0 or 1: one that repeats some tasks of another doesn't know how many there were.
    #[must_use]
    pub fn from_engine(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name)?.parse::<u64>().ok();
        ENGINES.iter().find_map(|(index, count, first)| {
            let (index_is, count_is) = (number(index)?, number(count)?);
            let (mut first, mut step) = (*first, 1);
            if *index == "SLURM_ARRAY_TASK_ID" {
                first = number("SLURM_ARRAY_TASK_MIN").unwrap_or(first);
                // `--array=0-8:2` counts in twos.
                step = number("SLURM_ARRAY_TASK_STEP").unwrap_or(step);
                let last = number("SLURM_ARRAY_TASK_MAX")?;
                let all = last.checked_sub(first)?.checked_div(step)?;
                if first > 1 || all + 1 != count_is {
                    return None;
                }
            }
            let place = index_is.checked_sub(first)?.checked_div(step)?;
            Self::new(place + 1, count_is)
        })
    }

    /// Whether a submission is this shard's. It is the same on every machine, whatever else is in the class.
    #[must_use]
    pub fn has(&self, submission: &str) -> bool {
        let digest = Sha256::digest(submission.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first) % self.count == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Self::from_engine(|name| std::env::var(name).ok()).ok_or_else(|| {
                "no engine tells a number here (say which shard, as 2/5)".to_owned()
            });
        }
        text.split_once('/')
            .and_then(|(index, count)| Self::new(index.parse().ok()?, count.parse().ok()?))
            .ok_or_else(|| "a shard is I/N, with I from 1 to N, or auto".to_owned())
    }
}

/// What a shard's results say beside the records: all units of the class, judged here or not.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    shard: Shard,
    /// Submission and exercise.
    units: Vec<(String, String)>,
}

fn plan_path(results: &Path) -> PathBuf {
    let mut path = results.as_os_str().to_owned();
    path.push(".shard");
    path.into()
}

/// Writes beside the results of a shard what the whole class is.
///
/// # Errors
/// When the disk is full or the folder can't be written.
pub fn write_plan(
    results: &Path,
    shard: Shard,
    units: impl IntoIterator<Item = (String, String)>,
) -> io::Result<()> {
    let plan = Plan {
        shard,
        units: units.into_iter().collect(),
    };
    write_atomic(&plan_path(results), &serde_json::to_vec(&plan)?)
}

/// Why shards can't be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A results file can't be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The results of a shard come with a file that says what the class is.
    #[error("cannot read {path}: {cause} (merge takes what `grade --shard` wrote, both files)")]
    Plan {
        /// The file.
        path: String,
        /// The system's answer, or what is wrong with it.
        cause: io::Error,
    },
    /// They are of two classes, or were split in two ways.
    #[error("{0} is of another class, or of another number of shards, than {1}")]
    Different(String, String),
    /// A unit was judged twice.
    #[error("{0} is there more than once")]
    Twice(String),
    /// A unit is missing.
    #[error("{} missing, such as {}", count(.0.len()), .0.first().map_or("", String::as_str))]
    Missing(Vec<String>),
    /// A result is of nobody in the class.
    #[error("{0} is not in the class")]
    Stranger(String),
}

fn count(units: usize) -> String {
    match units {
        1 => "1 exercise is".to_owned(),
        _ => format!("{units} exercises are"),
    }
}

/// Puts the results of all shards together, in the order of the class. Every unit has to be there exactly once.
///
/// # Errors
/// See [`MergeError`].
pub fn merge(files: &[PathBuf]) -> Result<Vec<Record>, MergeError> {
    let mut class: Option<(Plan, String)> = None;
    let mut found: BTreeMap<(String, String), (usize, Vec<Record>)> = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        let shown = file.display().to_string();
        let plan = read_plan(file)?;
        match &class {
            Some((first, of))
                if first.units != plan.units || first.shard.count != plan.shard.count =>
            {
                return Err(MergeError::Different(shown, of.clone()));
            }
            Some(_) => {}
            None => class = Some((plan, shown)),
        }
        for record in report::load(file)? {
            let key = (record.submission.clone(), record.exercise.clone());
            let (of, records) = found.entry(key.clone()).or_insert((number, Vec::new()));
            if *of != number || records.iter().any(|other| other.test == record.test) {
                return Err(MergeError::Twice(named(&key)));
            }
            records.push(record);
        }
    }
    let units = class.map(|(plan, _)| plan.units).unwrap_or_default();
    let mut all = Vec::new();
    let mut missing = Vec::new();
    for unit in &units {
        match found.remove(unit) {
            Some((_, records)) => all.extend(records),
            None => missing.push(named(unit)),
        }
    }
    match (missing.is_empty(), found.keys().next()) {
        (_, Some(stranger)) => Err(MergeError::Stranger(named(stranger))),
        (false, None) => Err(MergeError::Missing(missing)),
        (true, None) => Ok(all),
    }
}

fn read_plan(results: &Path) -> Result<Plan, MergeError> {
    let path = plan_path(results);
    let read = fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
    read.map_err(|cause| MergeError::Plan {
        path: path.display().to_string(),
        cause,
    })
}

fn named((submission, exercise): &(String, String)) -> String {
    match exercise.as_str() {
        "" => submission.clone(),
        exercise => format!("{submission}/{exercise}"),
    }
}

#[cfg(test)]
mod tests;

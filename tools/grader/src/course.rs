//! The course's chapters: one slug each, in the order of the book, with the steps that its manifest names.

use files::names::{list_available, offer};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};
use wire::status::Account;

/// Why the course can't be read.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// A file of the course can't be read.
    #[error("cannot read {}: {cause} (is this the folder of the course?)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// A manifest of the course is invalid.
    #[error("{}: {problem}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, and what should be there.
        problem: String,
    },
    /// No chapter has this slug.
    #[error("no exercise is called `{slug}` ({})", offer(slug, known))]
    Unknown {
        /// What was asked for.
        slug: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// A checkout of the course.
#[derive(Clone, Debug)]
pub struct Course {
    /// The folder that holds `exercises`, `solutions`, `tests` and `src`.
    pub root: PathBuf,
    /// The chapters that have an exercise, in the order of `src/SUMMARY.md`; those that it doesn't list come last.
    pub chapters: Vec<Chapter>,
}

/// A chapter that has an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Its name in every place: `exercises/<slug>`, `solutions/<slug>`, `tests/<slug>.rs`, `src/<slug>.md`.
    pub slug: String,
    /// Its steps, in the order in which they are solved.
    pub steps: Vec<String>,
    /// What its steps need beside Rust (`python`, `shm`, `linux`), and which of them.
    pub needs: BTreeMap<String, Vec<String>>,
    /// What each step is worth. One that isn't named is worth [`POINTS`].
    pub points: BTreeMap<String, u32>,
    /// By which all points of the exercise are multiplied.
    pub weight: u32,
    /// Which tests rest on what the subject says of itself, and on what: `tests/<slug>/self_reported.toml`.
    pub self_reported: SelfReported,
}

/// What a step is worth unless the exercise's manifest says otherwise.
pub const POINTS: u32 = 10;

/// Tests whose verdict rests, in part at least, on what only the subject can say, by what that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SelfReported(pub BTreeMap<Account, BTreeSet<String>>);

impl SelfReported {
    /// What a test rests on.
    pub fn of(&self, test: &str) -> impl Iterator<Item = Account> {
        let rests = move |(account, tests): (&Account, &BTreeSet<String>)| {
            tests.contains(test).then_some(*account)
        };
        self.0.iter().filter_map(rests)
    }
}

impl Chapter {
    /// What a step is worth, its exercise's weight included.
    #[must_use]
    pub fn points(&self, step: &str) -> u32 {
        self.points.get(step).unwrap_or(&POINTS) * self.weight
    }
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    course: Option<Steps>,
}

#[derive(Deserialize)]
struct Steps {
    steps: Vec<String>,
    #[serde(default)]
    needs: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    points: BTreeMap<String, u32>,
    #[serde(default = "one")]
    weight: u32,
}

fn one() -> u32 {
    1
}

/// More than any gradebook holds; a product of two still fits into 32 bits.
const MOST_POINTS: u32 = 10_000;

impl Course {
    /// Reads the course at `root`.
    ///
    /// # Errors
    /// When `src/SUMMARY.md` or a manifest in `exercises/` is missing or invalid.
    pub fn open(root: &Path) -> Result<Self, CourseError> {
        let root = root.canonicalize().map_err(|cause| CourseError::Read {
            path: root.to_owned(),
            cause,
        })?;
        let order = order(&read(&root.join("src/SUMMARY.md"))?);
        let exercises = root.join("exercises");
        let unreadable = |cause| CourseError::Read {
            path: exercises.clone(),
            cause,
        };
        let mut chapters = Vec::new();
        for entry in fs::read_dir(&exercises).map_err(unreadable)? {
            let folder = entry.map_err(unreadable)?.path();
            if folder.join("Cargo.toml").is_file() {
                chapters.push(chapter(&root, &folder)?);
            }
        }
        let place = |slug: &str| {
            order
                .iter()
                .position(|entry| entry == slug)
                .unwrap_or(usize::MAX)
        };
        chapters.sort_by(|a, b| (place(&a.slug), &a.slug).cmp(&(place(&b.slug), &b.slug)));
        Ok(Self { root, chapters })
    }

    /// Finds a chapter by its slug.
    ///
    /// # Errors
    /// When there is none: the message lists the available ones.
    pub fn chapter(&self, slug: &str) -> Result<&Chapter, CourseError> {
        self.chapters
            .iter()
            .find(|chapter| chapter.slug == slug)
            .ok_or_else(|| CourseError::Unknown {
                slug: slug.to_owned(),
                known: self
                    .chapters
                    .iter()
                    .map(|chapter| chapter.slug.clone())
                    .collect(),
            })
    }

    /// Cargo's target folder, shared with plain `cargo test`, so that dependencies are compiled once.
    #[must_use]
    pub fn target_dir(&self) -> PathBuf {
        self.root.join("target")
    }
}

fn chapter(root: &Path, folder: &Path) -> Result<Chapter, CourseError> {
    let path = folder.join("Cargo.toml");
    let wrong = |problem: String| CourseError::Manifest {
        path: path.clone(),
        problem,
    };
    let manifest: Manifest =
        toml::from_str(&read(&path)?).map_err(|error| wrong(error.message().to_owned()))?;
    let slug = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if manifest.package.name != slug {
        return Err(wrong(format!(
            "the package is called `{}`, its folder `{slug}`: one slug names both",
            manifest.package.name
        )));
    }
    let Some(Steps {
        steps,
        needs,
        points,
        weight,
    }) = manifest.package.metadata.course
    else {
        return Err(wrong(
            "no steps: add `[package.metadata.course]` with `steps = [\"…\"]`".to_owned(),
        ));
    };
    if steps.is_empty() {
        return Err(wrong(
            "no steps: `steps` is empty (name at least one, as in `steps = [\"first\"]`)"
                .to_owned(),
        ));
    }
    if let Some(step) = needs.values().flatten().find(|step| !steps.contains(step)) {
        return Err(wrong(format!(
            "`needs` names `{step}`, which is no step ({})",
            list_available(&steps)
        )));
    }
    if let Some(step) = points.keys().find(|step| !steps.contains(step)) {
        return Err(wrong(format!(
            "`points` names `{step}`, which is no step ({})",
            list_available(&steps)
        )));
    }
    if weight > MOST_POINTS || points.values().any(|points| *points > MOST_POINTS) {
        return Err(wrong(format!(
            "`points` and `weight` are at most {MOST_POINTS}"
        )));
    }
    Ok(Chapter {
        slug: slug.to_owned(),
        steps,
        needs,
        points,
        weight,
        self_reported: self_reported(root, slug)?,
    })
}

/// Reads which tests rest on the subject's own word; a chapter without such a file has none.
fn self_reported(root: &Path, slug: &str) -> Result<SelfReported, CourseError> {
    let path = root.join("tests").join(slug).join("self_reported.toml");
    if !path.exists() {
        return Ok(SelfReported::default());
    }
    toml::from_str(&read(&path)?).map_err(|error| CourseError::Manifest {
        problem: error.message().to_owned(),
        path,
    })
}

/// The slugs that the summary links to, in its order.
pub(crate) fn order(summary: &str) -> Vec<String> {
    summary
        .split("](")
        .skip(1)
        .filter_map(|rest| {
            rest.split(')')
                .next()?
                .trim_start_matches("./")
                .strip_suffix(".md")
        })
        .map(str::to_owned)
        .collect()
}

fn read(path: &Path) -> Result<String, CourseError> {
    fs::read_to_string(path).map_err(|cause| CourseError::Read {
        path: path.to_owned(),
        cause,
    })
}

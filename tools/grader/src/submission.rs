//! Finds submissions, and reads all of them before any of them runs: a folder that holds `exercises/<slug>/src`, an archive of
//! one (`.zip`, `.tar.gz`), or a folder of such folders and archives.

use crate::{
    course::Course,
    runner::Status,
    sandbox::Sandbox,
    sources::{
        Sources, SourcesError,
        archive::{self, Format},
        git::{self, Commit, Revision},
    },
    text::printable,
};
mod roster;

pub use roster::{Roster, RosterError};

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A submitted folder or archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What the results call it: the folder's name, or its path where that would name two.
    pub name: String,
    /// The folder or archive.
    pub folder: PathBuf,
    /// The chapters that it holds an exercise of, in the order of the book; none if it can't be judged.
    pub chapters: Vec<String>,
    /// The sources of each of them, or why there are none.
    pub sources: BTreeMap<String, Result<Sources, Problem>>,
    /// Why it can't be judged.
    pub problem: Option<Problem>,
    /// The commit that the sources are of, if they were read from a repository.
    pub commit: Option<Commit>,
}

/// What is looked for, and how.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// One chapter alone.
    pub only: Option<String>,
    /// A commit of each repository; without it the files that lie in the folder.
    pub revision: Option<Revision>,
    /// Who is in the class.
    pub roster: Option<Roster>,
    /// Where git reads repositories.
    pub sandbox: Sandbox,
}

/// Why one folder among others can't be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It breaks a rule; its author can fix that.
    Rejected(String),
    /// There is nothing in it to judge.
    Nothing(String),
    /// It can't be read.
    Infrastructure(String),
}

impl Problem {
    /// The status and the reason of what can't be judged.
    pub(crate) fn tell(&self) -> (Status, &str) {
        match self {
            Self::Rejected(why) | Self::Nothing(why) => (Status::Rejected, why),
            Self::Infrastructure(why) => (Status::InfrastructureError, why),
        }
    }
}

/// What was found at some paths.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The submissions, with their sources.
    pub submissions: Vec<Submission>,
    /// Files beside them that are no submission, by name.
    pub passed_over: Vec<String>,
    /// Who is on the roster and handed in nothing.
    pub absent: Vec<String>,
}

/// Why there is nothing to grade.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A given path can't be read.
    #[error("cannot read {}: {cause} (name the folder of a submission, or a folder of such folders)", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// A given path isn't a folder.
    #[error("{} is not a folder or an archive, .zip or .tar.gz (name the folder of a submission, or a folder of such folders)", .0.display())]
    NoFolder(PathBuf),
    /// A folder holds nothing but symlinks, which are not followed.
    #[error("{} holds no submission, only symlinks (name the folders that they point to)", .0.display())]
    Symlinks(PathBuf),
    /// A path holds no exercise, nor does any folder in it.
    #[error("{} holds no submission: neither it nor a folder in it has exercises/{wanted}/src", path.display())]
    Nothing {
        /// The path.
        path: PathBuf,
        /// The slug that was looked for, or `<slug>`.
        wanted: String,
    },
}

/// Finds the submissions at `paths`, in the given order, those within one folder by name. `only` restricts the search to one
/// chapter.
///
/// # Errors
/// When a path can't be read or holds no submission at all. One bad folder among others is a [`Submission`] with a problem.
pub fn find(course: &Course, paths: &[PathBuf], only: Option<&str>) -> Result<Found, FindError> {
    let wanted = Wanted {
        only: only.map(str::to_owned),
        ..Wanted::default()
    };
    find_all(course, paths, &wanted)
}

/// As [`find`], with more to ask.
///
/// # Errors
/// As [`find`].
pub fn find_all(course: &Course, paths: &[PathBuf], wanted: &Wanted) -> Result<Found, FindError> {
    let only = wanted.only.as_deref();
    let mut all = Found::default();
    for path in paths {
        let read_error = |cause| FindError::Read {
            path: path.clone(),
            cause,
        };
        // The canonical path has a name also for `.`, and two ways to one folder are one submission.
        let folder = path.canonicalize().map_err(read_error)?;
        if !folder.is_dir() {
            let packed = archive_name(&folder).map(|(format, _)| format);
            let packed = packed.ok_or_else(|| FindError::NoFolder(path.clone()))?;
            // An archive that is named is the instructor's: it may hold a class.
            all.submissions
                .extend(unpack_class(course, folder, packed, wanted));
            continue;
        }
        let is_one = fs::symlink_metadata(folder.join("exercises")).is_ok()
            || wanted.revision.is_some() && git::is_repository(&folder);
        if is_one {
            all.submissions.push(look(course, folder, wanted));
        } else {
            let inside = folder_of_folders(course, &folder, wanted).map_err(read_error)?;
            let nothing = |one: &Submission| one.chapters.is_empty() && !is_rejected(one);
            let read = |one: &Submission| !one.folder.is_symlink();
            if !inside.submissions.is_empty() && !inside.submissions.iter().any(read) {
                return Err(FindError::Symlinks(path.clone()));
            }
            if inside.submissions.iter().all(nothing) {
                return Err(FindError::Nothing {
                    path: path.clone(),
                    wanted: only.unwrap_or("<slug>").to_owned(),
                });
            }
            all.submissions.extend(inside.submissions);
            all.passed_over.extend(inside.passed_over);
        }
    }
    if let [alone] = all.submissions.as_slice()
        && alone.chapters.is_empty()
        && !is_rejected(alone)
    {
        return Err(FindError::Nothing {
            path: alone.folder.clone(),
            wanted: only.unwrap_or("<slug>").to_owned(),
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    all.submissions
        .retain(|submission| seen.insert((submission.folder.clone(), submission.name.clone())));
    if let Some(roster) = &wanted.roster {
        all.absent = roster.call(&mut all.submissions);
    }
    name_apart(&mut all.submissions);
    Ok(all)
}

fn is_rejected(submission: &Submission) -> bool {
    matches!(submission.problem, Some(Problem::Rejected(_)))
}

fn folder_of_folders(course: &Course, folder: &Path, wanted: &Wanted) -> io::Result<Found> {
    let mut inside = Found::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type()?;
        let packed = archive_name(&path);
        let refuse = |path: PathBuf, why: &str| {
            let mut refused = submission(path);
            refused.problem = Some(Problem::Rejected(why.to_owned()));
            refused
        };
        if kind.is_symlink() && (path.is_dir() || packed.is_some()) {
            let why = "it is a symlink (name the folder that it points to)";
            inside.submissions.push(refuse(path, why));
        } else if kind.is_dir() {
            inside.submissions.push(look(course, path, wanted));
        } else if let Some((format, _)) = packed.filter(|_| kind.is_file()) {
            inside
                .submissions
                .push(unpack(course, path, format, wanted));
        } else if is_meant_as_one(&name) {
            let why = "it is no folder, .zip or .tar.gz (hand in one of these)";
            inside.submissions.push(refuse(path, why));
        } else {
            inside.passed_over.push(printable(&name));
        }
    }
    inside.submissions.sort_by(|a, b| a.folder.cmp(&b.folder));
    inside.passed_over.sort();
    Ok(inside)
}

/// The format of an archive that can be read, and its name without the ending.
fn archive_name(path: &Path) -> Option<(Format, String)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    Format::of(&name).map(|(format, stem)| (format, stem.to_owned()))
}

/// Whether a file beside submissions is probably one that can't be read: passing over it would cost its author the marks.
fn is_meant_as_one(name: &str) -> bool {
    const ENDINGS: [&str; 8] = [".7z", ".bz2", ".gz", ".rar", ".rs", ".tar", ".xz", ".zst"];
    let lower = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Reads an archive.
fn unpack(course: &Course, path: PathBuf, format: Format, wanted: &Wanted) -> Submission {
    let mut submission = of_archive(path, wanted);
    if submission.problem.is_none() {
        let slugs: Vec<&str> = slugs(course, wanted).collect();
        let read = archive::read(&submission.folder, format, &slugs);
        submission.take(read, &slugs);
    }
    complain_of_nothing(&mut submission, wanted);
    submission
}

/// Reads an archive of one submission, or of a folder of them.
fn unpack_class(
    course: &Course,
    path: PathBuf,
    format: Format,
    wanted: &Wanted,
) -> Vec<Submission> {
    let whole = of_archive(path, wanted);
    if whole.problem.is_some() {
        return vec![whole];
    }
    let slugs: Vec<&str> = slugs(course, wanted).collect();
    let found = match archive::read_class(&whole.folder, format, &slugs) {
        Ok(found) => found,
        Err(error) => {
            let problem = Some(error.into());
            return vec![Submission { problem, ..whole }];
        }
    };
    let alone = found.len() == 1;
    let mut all = Vec::new();
    for (prefix, read) in found {
        let mut one = whole.clone();
        if let Some(name) = prefix.file_name().filter(|_| !alone) {
            one.name = printable(&name.to_string_lossy());
            one.folder = whole.folder.join(&prefix);
        }
        one.take(read, &slugs);
        complain_of_nothing(&mut one, wanted);
        all.push(one);
    }
    if all.is_empty() {
        let mut nothing = whole;
        complain_of_nothing(&mut nothing, wanted);
        all.push(nothing);
    }
    all
}

/// An archive, named by its stem.
fn of_archive(path: PathBuf, wanted: &Wanted) -> Submission {
    let stem = archive_name(&path).map_or_else(String::new, |(_, stem)| stem);
    let mut submission = submission(path);
    submission.name = printable(&stem);
    if wanted.revision.is_some() {
        submission.problem = Some(no_history());
    }
    submission
}

/// Without a history nobody can say what there was at a deadline. It needn't be the learner's fault.
fn no_history() -> Problem {
    Problem::Infrastructure(
        "it is no git repository: it has no commits to choose from (grade it without --at and --deadline)".to_owned(),
    )
}

impl Submission {
    /// Takes over what was read from an archive or a repository.
    fn take(&mut self, read: Result<BTreeMap<String, Sources>, SourcesError>, slugs: &[&str]) {
        match read {
            Ok(found) => {
                let has = |slug: &&&str| found.contains_key(**slug);
                let chapters = slugs.iter().filter(has);
                self.chapters = chapters.map(|slug| (*slug).to_owned()).collect();
                let sources = found.into_iter().map(|(slug, one)| (slug, Ok(one)));
                self.sources = sources.collect();
            }
            Err(error) => self.problem = Some(error.into()),
        }
    }
}

fn slugs<'a>(course: &'a Course, wanted: &'a Wanted) -> impl Iterator<Item = &'a str> {
    let only = wanted.only.as_deref();
    course
        .chapters
        .iter()
        .map(|chapter| chapter.slug.as_str())
        .filter(move |slug| only.is_none_or(|only| only == *slug))
}

fn complain_of_nothing(submission: &mut Submission, wanted: &Wanted) {
    if submission.chapters.is_empty() && submission.problem.is_none() {
        let wanted = wanted.only.as_deref().unwrap_or("<slug>");
        submission.problem = Some(Problem::Nothing(format!(
            "it has no exercises/{wanted}/src"
        )));
    }
}

impl From<SourcesError> for Problem {
    fn from(error: SourcesError) -> Self {
        match error {
            SourcesError::Rejected(why) => Self::Rejected(why),
            SourcesError::Read { .. } => Self::Infrastructure(error.to_string()),
        }
    }
}

fn submission(folder: PathBuf) -> Submission {
    let name = folder
        .file_name()
        .map_or_else(|| folder.to_string_lossy(), |name| name.to_string_lossy());
    Submission {
        name: printable(&name),
        folder,
        chapters: Vec::new(),
        sources: BTreeMap::new(),
        problem: None,
        commit: None,
    }
}

/// Looks up the exercises that a folder holds.
fn look(course: &Course, folder: PathBuf, wanted: &Wanted) -> Submission {
    let mut submission = submission(folder);
    if let Some(revision) = &wanted.revision {
        if !git::is_repository(&submission.folder) {
            submission.problem = Some(no_history());
            return submission;
        }
        let slugs: Vec<&str> = slugs(course, wanted).collect();
        match git::read(&submission.folder, revision, &slugs, &wanted.sandbox) {
            Ok((commit, found)) => {
                submission.commit = Some(commit);
                submission.take(Ok(found), &slugs);
            }
            Err(error) => submission.problem = Some(error.into()),
        }
        complain_of_nothing(&mut submission, wanted);
        return submission;
    }
    for slug in slugs(course, wanted) {
        let src = submission.folder.join("exercises").join(slug).join("src");
        match fs::symlink_metadata(&src) {
            Ok(_) => {
                let read = Sources::of_submission(&submission.folder, slug);
                submission.chapters.push(slug.to_owned());
                let read = read.map_err(Problem::from);
                submission.sources.insert(slug.to_owned(), read);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => {
                let problem = format!("cannot read {}: {error}", printable(&src.to_string_lossy()));
                submission.problem = Some(Problem::Infrastructure(problem));
                submission.chapters.clear();
                submission.sources.clear();
                return submission;
            }
        }
    }
    complain_of_nothing(&mut submission, wanted);
    submission
}

/// Names submissions by their paths where two would have the same name.
fn name_apart(submissions: &mut [Submission]) {
    let mut count = std::collections::BTreeMap::<String, usize>::new();
    for submission in submissions.iter() {
        *count.entry(submission.name.clone()).or_default() += 1;
    }
    for submission in submissions
        .iter_mut()
        .filter(|submission| count[&submission.name] > 1)
    {
        submission.name = printable(&submission.folder.to_string_lossy());
    }
}

#[cfg(test)]
mod tests;

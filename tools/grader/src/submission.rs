//! Finds submissions: a folder that holds `exercises/<slug>/src`, or a folder of such folders.

use crate::{course::Course, text::printable};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A submitted folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What the results call it: the folder's name, or its path where that would name two.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The chapters that it holds an exercise of, in the order of the book; none if it can't be judged.
    pub chapters: Vec<String>,
    /// Why it can't be judged.
    pub problem: Option<Problem>,
}

/// Why one folder among others can't be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It breaks a rule; its author can fix that.
    Rejected(String),
    /// It can't be read, or there is nothing in it to judge.
    Infrastructure(String),
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
    #[error("{} is not a folder (name the folder of a submission, or a folder of such folders)", .0.display())]
    NoFolder(PathBuf),
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
pub fn find(
    course: &Course,
    paths: &[PathBuf],
    only: Option<&str>,
) -> Result<Vec<Submission>, FindError> {
    let mut found = Vec::new();
    for path in paths {
        let read_error = |cause| FindError::Read {
            path: path.clone(),
            cause,
        };
        // The canonical path has a name also for `.`, and two ways to one folder are one submission.
        let folder = path.canonicalize().map_err(read_error)?;
        if !folder.is_dir() {
            return Err(FindError::NoFolder(path.clone()));
        }
        if fs::symlink_metadata(folder.join("exercises")).is_ok() {
            found.push(look(course, folder, only));
        } else {
            let inside = folder_of_folders(course, &folder, only).map_err(read_error)?;
            if inside
                .iter()
                .all(|submission| submission.chapters.is_empty() && !is_rejected(submission))
            {
                return Err(FindError::Nothing {
                    path: path.clone(),
                    wanted: only.unwrap_or("<slug>").to_owned(),
                });
            }
            found.extend(inside);
        }
    }
    if let [alone] = found.as_slice()
        && alone.chapters.is_empty()
        && !is_rejected(alone)
    {
        return Err(FindError::Nothing {
            path: alone.folder.clone(),
            wanted: only.unwrap_or("<slug>").to_owned(),
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|submission| seen.insert(submission.folder.clone()));
    name_apart(&mut found);
    Ok(found)
}

fn is_rejected(submission: &Submission) -> bool {
    matches!(submission.problem, Some(Problem::Rejected(_)))
}

fn folder_of_folders(
    course: &Course,
    folder: &Path,
    only: Option<&str>,
) -> io::Result<Vec<Submission>> {
    let mut inside = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type()?;
        if kind.is_symlink() && entry.path().is_dir() && !hidden {
            let mut linked = submission(entry.path());
            linked.problem = Some(Problem::Rejected(
                "it is a symlink (name the folder that it points to)".to_owned(),
            ));
            inside.push(linked);
        } else if kind.is_dir() && !hidden {
            inside.push(look(course, entry.path(), only));
        }
    }
    inside.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(inside)
}

fn submission(folder: PathBuf) -> Submission {
    let name = folder
        .file_name()
        .map_or_else(|| folder.to_string_lossy(), |name| name.to_string_lossy());
    Submission {
        name: printable(&name),
        folder,
        chapters: Vec::new(),
        problem: None,
    }
}

/// Looks up the exercises that a folder holds.
fn look(course: &Course, folder: PathBuf, only: Option<&str>) -> Submission {
    let mut submission = submission(folder);
    for chapter in course
        .chapters
        .iter()
        .filter(|chapter| only.is_none_or(|only| only == chapter.slug))
    {
        let src = submission
            .folder
            .join("exercises")
            .join(&chapter.slug)
            .join("src");
        match fs::symlink_metadata(&src) {
            // What is wrong with it is told when it is read.
            Ok(_) => submission.chapters.push(chapter.slug.clone()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => {
                let problem = format!("cannot read {}: {error}", printable(&src.to_string_lossy()));
                submission.problem = Some(Problem::Infrastructure(problem));
                submission.chapters.clear();
                return submission;
            }
        }
    }
    if submission.chapters.is_empty() {
        let wanted = only.unwrap_or("<slug>");
        submission.problem = Some(Problem::Infrastructure(format!(
            "it has no exercises/{wanted}/src"
        )));
    }
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
mod tests {
    use super::*;
    use crate::course::Chapter;
    use std::os::unix::fs::symlink;

    struct Class(tempfile::TempDir);

    impl Class {
        fn new(folders: &[&str]) -> Self {
            let class = Self(tempfile::tempdir().expect("a folder"));
            for folder in folders {
                fs::create_dir_all(class.path(folder)).expect("a folder");
            }
            class
        }

        fn path(&self, inside: &str) -> PathBuf {
            self.0.path().canonicalize().expect("a folder").join(inside)
        }

        fn find(&self, paths: &[&str], only: Option<&str>) -> Result<Vec<Submission>, FindError> {
            let chapter = |slug: &str| Chapter {
                slug: slug.to_owned(),
                steps: Vec::new(),
                needs: Default::default(),
            };
            let course = Course {
                root: "/course".into(),
                chapters: vec![chapter("memory"), chapter("ipc")],
            };
            let paths: Vec<_> = paths.iter().map(|path| self.path(path)).collect();
            find(&course, &paths, only)
        }
    }

    fn names(found: &[Submission]) -> Vec<&str> {
        found
            .iter()
            .map(|submission| submission.name.as_str())
            .collect()
    }

    #[test]
    fn a_submission_and_a_folder_of_them_are_told_apart() {
        let class = Class::new(&[
            "class/bob/exercises/ipc/src",
            "class/bob/exercises/memory/src",
            "class/ann/exercises/memory/src",
            "class/.git/x",
        ]);
        let found = class.find(&["class"], None).expect("a class");
        assert_eq!(names(&found), ["ann", "bob"]);
        assert_eq!(found[1].chapters, ["memory", "ipc"]);
        assert_eq!(
            names(&class.find(&["class/bob"], None).expect("one")),
            ["bob"]
        );
    }

    #[test]
    fn only_the_chosen_exercise_is_looked_for() {
        let class = Class::new(&[
            "class/ann/exercises/memory/src",
            "class/bob/exercises/ipc/src",
        ]);
        let found = class.find(&["class"], Some("ipc")).expect("a class");
        assert_eq!(found[1].chapters, ["ipc"]);
        assert_eq!(
            found[0].problem,
            Some(Problem::Infrastructure(
                "it has no exercises/ipc/src".to_owned()
            ))
        );
        let error = class
            .find(&["class/ann"], Some("ipc"))
            .expect_err("nothing");
        assert!(error.to_string().contains("exercises/ipc/src"), "{error}");
    }

    #[test]
    fn equal_names_are_told_apart_and_one_folder_counts_once() {
        let class = Class::new(&["a/work/exercises/memory/src", "b/work/exercises/memory/src"]);
        let found = class
            .find(&["a/work", "b/work", "a/../a/work"], None)
            .expect("two");
        assert_eq!(
            names(&found),
            [
                class.path("a/work").to_str().expect("UTF-8"),
                class.path("b/work").to_str().expect("UTF-8")
            ]
        );
    }

    #[test]
    fn a_path_with_nothing_to_judge_is_named() {
        let class = Class::new(&["empty", "full/ann/exercises/memory/src", "full/notes"]);
        fs::write(class.path("file"), "").expect("a file");
        for (path, problem) in [
            ("empty", "holds no submission"),
            ("missing", "cannot read"),
            ("file", "is not a folder"),
        ] {
            let error = class
                .find(&["full", path], None)
                .expect_err("refused")
                .to_string();
            assert!(error.contains(problem) && error.contains(path), "{error}");
        }
        let found = class.find(&["full"], None).expect("one and a stray folder");
        assert_eq!(
            found[1].problem,
            Some(Problem::Infrastructure(
                "it has no exercises/<slug>/src".to_owned()
            ))
        );
    }

    #[test]
    fn a_symlink_among_submissions_is_rejected() {
        let class = Class::new(&["class/ann/exercises/memory/src"]);
        symlink(class.path("class/ann"), class.path("class/eve")).expect("a symlink");
        let found = class.find(&["class"], None).expect("a class");
        assert_eq!(names(&found), ["ann", "eve"]);
        assert!(is_rejected(&found[1]));
    }
}

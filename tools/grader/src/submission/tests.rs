//! Classes as instructors have them.

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

    fn course(&self) -> Course {
        let chapter = |slug: &str| Chapter {
            slug: slug.to_owned(),
            steps: Vec::new(),
            needs: Default::default(),
            points: Default::default(),
            weight: 1,
            self_reported: Default::default(),
        };
        Course {
            root: "/course".into(),
            chapters: vec![chapter("memory"), chapter("ipc")],
        }
    }

    fn find(&self, paths: &[&str], only: Option<&str>) -> Result<Vec<Submission>, FindError> {
        let course = self.course();
        let paths: Vec<_> = paths.iter().map(|path| self.path(path)).collect();
        find(&course, &paths, only).map(|found| found.submissions)
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
        Some(Problem::Nothing("it has no exercises/ipc/src".to_owned()))
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
        Some(Problem::Nothing(
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
    // Where there is nothing else, nobody can be judged.
    fs::create_dir(class.path("links")).expect("a folder");
    symlink(class.path("class/ann"), class.path("links/ann")).expect("a symlink");
    let error = class.find(&["class", "links"], None).expect_err("refused");
    assert!(matches!(error, FindError::Symlinks(_)), "{error}");
}

#[test]
fn no_file_in_a_class_is_passed_over_in_silence() {
    let class = Class::new(&["class/ann/exercises/memory/src"]);
    for name in ["bob.zip", "cyn.rar", "dan.rs", "roster.csv", ".DS_Store"] {
        fs::write(class.path("class").join(name), "").expect("a file");
    }
    symlink("/etc/passwd", class.path("class/eve.zip")).expect("a symlink");
    let course = class.course();
    let found = find(&course, &[class.path("class")], None).expect("a class");
    assert_eq!(
        names(&found.submissions),
        ["ann", "bob", "cyn.rar", "dan.rs", "eve.zip"]
    );
    assert!(found.submissions[1..].iter().all(is_rejected));
    assert_eq!(found.passed_over, ["roster.csv"]);
    assert!(find(&course, &[class.path("class/bob.zip")], None).is_ok());
}

#[test]
fn what_is_read_is_read_before_anything_runs() {
    let class = Class::new(&["ann/exercises/memory/src"]);
    let lib = class.path("ann/exercises/memory/src/lib.rs");
    fs::write(&lib, "//! Mine.").expect("a file");
    let found = class.find(&["ann"], None).expect("one");
    fs::write(&lib, "//! Somebody changed it.").expect("a file");
    let sources = found[0].sources["memory"].as_ref().expect("read");
    assert_eq!(sources.get("lib.rs"), Some("//! Mine."));
}

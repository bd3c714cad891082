//! A copy of the tiny course in `tests/fixture`, and submissions to it; `course`'s own tests use it too.
#![allow(dead_code)] // each test file uses its part

use grader::course::Course;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A course in a temporary folder, removed with it.
pub struct Fixture(tempfile::TempDir);

impl Fixture {
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// A course in a temporary folder below `parent`.
    pub fn below(parent: &Path) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("fixture-")
            .tempdir_in(parent)
            .expect("a folder");
        copy(
            Path::new(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../grader/tests/fixture"
            )),
            &folder.path().join("course"),
        );
        Self(folder)
    }

    pub fn root(&self) -> PathBuf {
        self.0.path().join("course")
    }

    pub fn course(&self) -> Course {
        Course::open(&self.root()).expect("a course")
    }

    /// A folder outside the course.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).expect("a file")
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        put(&self.root().join(path), text.as_ref());
    }

    pub fn remove(&self, path: &str) {
        let path = self.root().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .expect("removed");
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} does not say {from:?}");
        self.write(path, text.replace(from, to));
    }

    /// A submission in the folder `class`: the solution, but for the files given by their path in the submission.
    pub fn submit(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path("class").join(name);
        copy(
            &self.root().join("solutions/sums/src"),
            &folder.join("exercises/sums/src"),
        );
        for (path, text) in files {
            put(&folder.join("exercises/sums").join(path), text.as_bytes());
        }
        folder
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Says that a test can't run here; where `COURSE_REQUIRE` names what it needs, it fails instead.
pub fn skip(needs: &str, why: &str) {
    let required = std::env::var("COURSE_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|one| one == needs),
        "{needs} is required: {why}"
    );
    eprintln!("skipped: {why}");
}

//! Compiles submissions, any number at a time, each in a folder of its own.

use super::{SlotError, Subject, SubjectError, at, keep, write};
use crate::{
    build::{Recipe, Terms},
    sources::Sources,
    stop::Stop,
    text,
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

/// The environment variables that a submission may read at compile time: those that come from the course's own manifest.
const PLAIN_VARIABLES: [&str; 3] = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME"];

/// Compiles submissions, on any number of threads, while the [`Slot`](super::Slot) that it is from lives.
#[derive(Clone, Debug)]
pub struct Units {
    pub(super) home: PathBuf,
    /// The course's tests.
    pub(super) tests: PathBuf,
    pub(super) terms: Terms,
}

impl Units {
    /// Compiles `sources` as the subject of `slug`'s tests, exactly as every other submission, solution and starter is.
    ///
    /// # Errors
    /// See [`SubjectError`].
    pub(crate) fn compile(
        &self,
        recipe: &Recipe,
        slug: &str,
        sources: &Sources,
        stop: &Stop,
    ) -> Result<Subject, SubjectError> {
        let home = &self.home;
        let unit = tempfile::Builder::new().prefix("unit-").tempdir_in(home);
        let unit = unit.map_err(at(home))?;
        let package = self.stage(unit.path(), slug, sources)?;
        let made = recipe.compile(unit.path(), &self.terms, stop)?;
        let read = &made.dep_info;
        let read = fs::read_to_string(read).map_err(at(read))?;
        check_inputs(&read, &package, &unit.path().join("solutions"))
            .map_err(SubjectError::Rejected)?;
        if !fs::symlink_metadata(&made.tests).is_ok_and(|found| found.is_file()) {
            let what = "the compiler wrote no test binary".to_owned();
            return Err(SubjectError::Infrastructure(what));
        }
        Ok(Subject {
            tests: keep(home, slug, &made.tests)?,
            warnings: made.warnings,
        })
    }

    /// Lays out a unit's folder; returns that of its package.
    fn stage(&self, unit: &Path, slug: &str, sources: &Sources) -> Result<PathBuf, SlotError> {
        let package = unit.join("solutions").join(slug);
        for (path, text) in sources.iter() {
            write(&package.join("src").join(path), text.as_bytes())?;
        }
        let (tests, out) = (unit.join("tests"), unit.join("out"));
        fs::create_dir(&out).map_err(at(&out))?;
        symlink(&self.tests, &tests).map_err(at(&tests))?;
        Ok(package)
    }
}

/// Rejects a submission if rustc read anything but the submission's own sources. `base` is the folder rustc ran in.
fn check_inputs(dep_info: &str, package: &Path, base: &Path) -> Result<(), String> {
    let src = package.join("src");
    for line in dep_info.lines() {
        if let Some(variable) = line.strip_prefix("# env-dep:") {
            let name = variable.split('=').next().unwrap_or(variable);
            if !PLAIN_VARIABLES.contains(&name) {
                return Err(format!(
                    "it reads the environment variable {} when it is compiled (remove the env!)",
                    text::printable(name)
                ));
            }
        }
        // Each input has a line of its own, `path:`, with nothing that it depends on.
        let Some(input) = line.strip_suffix(':').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let input = unescape(input);
        if !inside(&base.join(&input), &src) {
            return Err(format!(
                "it reads {} when it is compiled, which is not in its src (remove the include! or #[path])",
                text::printable(&input)
            ));
        }
    }
    Ok(())
}

/// Undoes Make's escape of a space, `\ `.
fn unescape(name: &str) -> String {
    name.replace("\\ ", " ")
}

/// Whether `path` is inside `folder`, lexically: we created both, so neither contains a symlink.
fn inside(path: &Path, folder: &Path) -> bool {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain.starts_with(folder)
}

#[cfg(test)]
mod tests;

//! Finds the CPythons of a machine.

use super::{Python, Unusable};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Where to look for Pythons.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Programs, or names on the `PATH`, separated by colons. They come first, and must be usable.
    pub named: Option<OsString>,
    /// The `PATH`.
    pub path: OsString,
    /// Where pyenv keeps its versions.
    pub pyenv: Option<PathBuf>,
    /// The oldest version that will do.
    pub oldest: (u32, u32),
}

impl Search {
    /// Looks where this process's environment says. `variable` is the one that may name Pythons, such as `LAB_PYTHON`.
    #[must_use]
    pub fn from_env(variable: &str, oldest: (u32, u32)) -> Self {
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
        let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
        Self {
            named: std::env::var_os(variable).filter(|named| !named.is_empty()),
            path: std::env::var_os("PATH").unwrap_or_default(),
            pyenv: pyenv.map(|root| root.join("versions")),
            oldest,
        }
    }

    /// All usable Pythons, the named ones first; each interpreter, and each version and build, once. The others are
    /// those on the `PATH` (`python3.15`, `python3.14t`, …, `python3`) and pyenv's.
    ///
    /// # Errors
    /// When a named one is unusable. Others that are unusable are skipped.
    pub fn all(&self) -> Result<Vec<Python>, Unusable> {
        let mut found = self.named()?;
        let candidates = self.on_path().into_iter().chain(self.in_pyenv());
        let probed = candidates.filter_map(|path| Python::probe(&path).ok());
        found.extend(probed.filter_map(|python| python.at_least(self.oldest).ok()));
        let (mut reals, mut builds) = (BTreeSet::new(), BTreeSet::new());
        found.retain(|one| reals.insert(one.real.clone()) && builds.insert(one.to_string()));
        Ok(found)
    }

    /// The named Pythons.
    ///
    /// # Errors
    /// When one is unusable.
    pub fn named(&self) -> Result<Vec<Python>, Unusable> {
        let named = self.named.clone().unwrap_or_default();
        let named = std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty());
        named.map(|path| self.one(&path)).collect()
    }

    /// The Python with this path, or with this name on the `PATH`.
    ///
    /// # Errors
    /// When it is unusable.
    pub fn one(&self, named: &Path) -> Result<Python, Unusable> {
        let is_name = named.components().count() == 1 && !named.exists();
        let on_path = || {
            let files = self.folders().map(|folder| folder.join(named));
            files.into_iter().find(|file| file.is_file())
        };
        let path = if is_name { on_path() } else { None };
        let path = path.unwrap_or_else(|| named.to_owned());
        Python::probe(&path)?.at_least(self.oldest)
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        std::env::split_paths(&self.path)
    }

    /// The Pythons on the `PATH`: newest version first, `python3` last, one path for each name.
    fn on_path(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut names = BTreeSet::new();
        for entry in self
            .folders()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .flatten()
        {
            let (name, path) = (entry.file_name(), entry.path());
            if let Some(rank) = name.to_str().and_then(rank)
                && path.is_file()
                && names.insert(rank)
            {
                found.push((rank, path));
            }
        }
        found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        found.into_iter().map(|(_, path)| path).collect()
    }

    fn in_pyenv(&self) -> Vec<PathBuf> {
        let versions = self
            .pyenv
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let programs = versions
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin/python3"));
        let mut programs: Vec<_> = programs.filter(|path| path.is_file()).collect();
        programs.sort();
        programs
    }
}

/// The minor version in the name of a Python, and whether it is free-threaded: `python3.14t` is (14, true), `python3` (0, false).
fn rank(name: &str) -> Option<(u32, bool)> {
    let rest = name.strip_prefix("python3")?;
    if rest.is_empty() {
        return Some((0, false));
    }
    let minor = rest.strip_prefix('.')?;
    let free_threaded = minor.strip_suffix('t');
    let minor = free_threaded.unwrap_or(minor).parse().ok()?;
    Some((minor, free_threaded.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Makes a program that answers as a Python of this kind would.
    fn fake(folder: &Path, name: &str, script: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        let script = format!("#!/bin/sh\n{script}\n");
        // Written by another process: while it is open for writing in this one, a fork elsewhere makes exec fail.
        let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
        let mut made = Command::new("sh");
        made.args(["-c", write, "sh", &script]).arg(&path);
        assert!(made.status().unwrap().success());
        path
    }

    fn says(implementation: &str, version: &str, free_threaded: u8, real: &str) -> String {
        let gil = 1 - free_threaded;
        format!(
            "printf '%s\\n' implementation={implementation} version={version} free_threaded={free_threaded} \
             gil={gil} 'system=Linux 6.18 x86_64' executable={real} real={real}"
        )
    }

    fn names(found: &[Python]) -> Vec<String> {
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pythons_are_found_in_order_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, pyenv) = (folder.path().join("bin"), folder.path().join("versions"));
        let python = |folder: &Path, name: &str, version: &str, free: u8, real: &str| {
            fake(folder, name, &says("cpython", version, free, real))
        };
        python(&bin, "python3", "3.11.7", 0, "/a/3.11");
        python(&bin, "python3.13t", "3.13.5", 1, "/a/3.13t");
        python(&bin, "python3.15", "3.15.0a2", 0, "/a/3.15");
        fake(
            &bin,
            "python3.13",
            "echo 'pyenv: python3.13: command not found' >&2; exit 127",
        );
        fake(&bin, "python3.14", "echo hello");
        fake(&bin, "python3-config", "echo no");
        python(&pyenv.join("3.11.7/bin"), "python3", "3.11.7", 0, "/a/3.11");
        python(
            &pyenv.join("again/bin"),
            "python3",
            "3.11.7",
            0,
            "/other/3.11",
        );
        python(&pyenv.join("3.9.18/bin"), "python3", "3.9.18", 0, "/a/3.9");
        python(&pyenv.join("3.8.18/bin"), "python3", "3.8.18", 0, "/a/3.8");
        fake(
            &pyenv.join("pypy/bin"),
            "python3",
            &says("pypy", "3.10.14", 0, "/a/pypy"),
        );
        let named = python(folder.path(), "mine", "3.14.0", 0, "/a/3.14");
        let mut search = Search {
            named: None,
            path: bin.into(),
            pyenv: Some(pyenv),
            oldest: (3, 9),
        };
        let found = [
            "Python 3.15.0a2 (GIL)",
            "Python 3.13.5 (free-threaded)",
            "Python 3.11.7 (GIL)",
            "Python 3.9.18 (GIL)",
        ];
        assert_eq!(names(&search.all().unwrap()), found);
        search.named = Some(named.into());
        let mine = ["Python 3.14.0 (GIL)"];
        let all: Vec<_> = mine.into_iter().chain(found).collect();
        assert_eq!(names(&search.all().unwrap()), all);
        assert_eq!(names(&search.named().unwrap()), mine);
    }

    #[test]
    fn one_that_is_named_must_be_usable() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fake(at, "python3.13", &says("cpython", "3.13.0", 0, "/a"));
        let old = fake(at, "old", &says("unknown", "2.7.18", 0, "/b"));
        let pypy = fake(at, "pypy", &says("pypy", "3.10.14", 0, "/c"));
        let fails = fake(at, "fails", "echo no >&2; exit 3");
        let search = Search {
            path: at.into(),
            oldest: (3, 9),
            ..Search::default()
        };
        let python = search.one(Path::new("python3.13")).unwrap();
        assert_eq!(
            (python.release(), python.executable),
            ((3, 13, 0), "/a".into())
        );
        let says = |path: &Path| search.one(path).unwrap_err().to_string();
        assert!(says(&old).ends_with("old: it is Python 2.7.18, and 3.9 is needed"));
        assert!(says(&pypy).ends_with("pypy: it is pypy, not CPython"));
        assert!(says(&fails).ends_with("it exited with code 3 when asked for its version: no"));
        let nowhere = Path::new("/nowhere/python");
        assert!(says(nowhere).starts_with("/nowhere/python: it cannot be started: "));
        let unusable = Search {
            named: Some(nowhere.into()),
            ..search
        };
        assert!(unusable.all().is_err());
    }

    #[test]
    fn a_real_one_answers() {
        let search = Search::from_env("NO_SUCH_VARIABLE", (3, 8));
        match search.one(Path::new("python3")) {
            Ok(python) => {
                assert!(python.executable.is_file(), "{python:?}");
                let method = python.start_method().unwrap();
                assert!(
                    ["fork", "spawn", "forkserver"].contains(&method.as_str()),
                    "{method}"
                );
            }
            Err(why) => eprintln!("skipped: {why}"),
        }
    }
}

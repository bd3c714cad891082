//! Finds the CPythons of a machine, and asks each what it is.

use crate::{End, Keep, Options, Stop, run};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt, fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long a Python may take to say what it is.
const DEADLINE: Duration = Duration::from_secs(20);

/// Answers in any Python, 2.7 included, so that an old one can be named as such. It imports nothing that isn't loaded anyway:
/// somebody waits for the answer.
const QUESTION: &str = r#"
import os, sys
gil = getattr(sys, "_is_gil_enabled", lambda: True)
system = os.uname()
base = getattr(sys, "_base_executable", None) or sys.executable
for key, value in (
    ("implementation", getattr(sys, "implementation", None) and sys.implementation.name or "unknown"),
    ("version", sys.version.split()[0].rstrip("+")),
    ("free_threaded", int("t" in getattr(sys, "abiflags", ""))),
    ("gil", int(gil())),
    ("system", "%s %s %s" % (system[0], ".".join(system[2].split("-")[0].split(".")[:2]), system[4])),
    ("executable", sys.executable),
    ("real", os.path.realpath(base)),
):
    print("%s=%s" % (key, value))
"#;

/// A CPython.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The program as it was found or named: perhaps a shim, a link or a virtual environment.
    pub path: PathBuf,
    /// The program behind a shim. Starting it saves the shim's own start.
    pub executable: PathBuf,
    /// The version: `3.13.0`, `3.15.0a2`.
    pub version: String,
    /// Whether it was built without the need for a GIL.
    pub free_threaded: bool,
    /// Whether the GIL is on.
    pub gil: bool,
    /// What it runs on: `Linux 6.18 x86_64`.
    pub system: String,
    /// The base interpreter: a virtual environment and a link to a Python are that Python.
    real: PathBuf,
}

impl Python {
    /// Asks a program what it is.
    ///
    /// # Errors
    /// When it can't be started, fails, says nothing in time, or isn't CPython.
    pub fn probe(path: &Path) -> Result<Self, Unusable> {
        let unusable = |why| Unusable {
            path: path.to_owned(),
            why,
        };
        let mut command = Command::new(path);
        command.args(["-E", "-S", "-c", QUESTION]);
        let go_on = |_, _: &str| ControlFlow::Continue(());
        let outcome = run(command, &options(), &Stop::new(), go_on);
        let outcome = outcome.map_err(|error| unusable(Why::NotStarted(error)))?;
        if !outcome.end.is_success() {
            let errors = outcome.stderr.text();
            let complaint = errors.lines().find(|line| !line.trim().is_empty()); // a shim says it first
            let complaint = complaint.map(str::to_owned);
            return Err(unusable(Why::Failed(outcome.end, complaint)));
        }
        let text = outcome.stdout.text();
        Self::parse(path, &text).map_err(unusable)
    }

    fn parse(path: &Path, answer: &str) -> Result<Self, Why> {
        let value = |key: &str| {
            let mut pairs = answer.lines().filter_map(|line| line.split_once('='));
            let found = pairs.find(|(name, _)| *name == key);
            found.map(|(_, value)| value).ok_or(Why::NoAnswer)
        };
        let (implementation, version) = (value("implementation")?, value("version")?);
        if implementation != "cpython" && !version.starts_with("2.") {
            return Err(Why::NotCPython(implementation.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            executable: value("executable")?.into(),
            version: version.to_owned(),
            free_threaded: value("free_threaded")? == "1",
            gil: value("gil")? == "1",
            system: value("system")?.to_owned(),
            real: value("real")?.into(),
        })
    }

    /// The version as numbers; `3.14.0rc2` is (3, 14, 0).
    #[must_use]
    pub fn release(&self) -> (u32, u32, u32) {
        let mut numbers = self.version.split('.').map(|part| {
            let end = part.find(|letter: char| !letter.is_ascii_digit());
            part[..end.unwrap_or(part.len())].parse().unwrap_or(0)
        });
        let mut next = || numbers.next().unwrap_or(0);
        (next(), next(), next())
    }

    /// Checks that it is at least of version `oldest`.
    ///
    /// # Errors
    /// When it is older.
    pub fn at_least(self, oldest: (u32, u32)) -> Result<Self, Unusable> {
        let (major, minor, _) = self.release();
        if (major, minor) >= oldest {
            return Ok(self);
        }
        Err(Unusable {
            path: self.path,
            why: Why::TooOld {
                version: self.version,
                oldest,
            },
        })
    }

    /// Asks for `multiprocessing`'s default start method: `fork`, `spawn` or `forkserver`. `None` if it doesn't answer.
    #[must_use]
    pub fn start_method(&self) -> Option<String> {
        let mut command = Command::new(&self.executable);
        let ask = "import multiprocessing; print(multiprocessing.get_start_method())";
        command.args(["-E", "-s", "-c", ask]);
        crate::answer(command, DEADLINE)
    }
}

/// As `Python 3.13.0 (GIL)`.
impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let build = match (self.free_threaded, self.gil) {
            (false, _) => "GIL",
            (true, false) => "free-threaded",
            (true, true) => "free-threaded, GIL on",
        };
        write!(f, "Python {} ({build})", self.version)
    }
}

fn options() -> Options {
    let mut options = Options::new(DEADLINE);
    options.stdout = Keep::First(1 << 16);
    options.flood = Some(1 << 20);
    options.sweep = false; // an interpreter starts nothing, and a sweep looks at every process of the machine
    options
}

/// Why a program can't be used as a Python. Displays as `/usr/bin/perl: it does not answer as a Python does`.
#[derive(Debug)]
pub struct Unusable {
    /// The program.
    pub path: PathBuf,
    /// The reason.
    pub why: Why,
}

/// What is wrong with a program that should be a Python.
#[derive(Debug)]
pub enum Why {
    /// It can't be started.
    NotStarted(io::Error),
    /// It failed, or its time was up; and the first line that it wrote to standard error.
    Failed(End, Option<String>),
    /// It answered something else.
    NoAnswer,
    /// It is another implementation of Python.
    NotCPython(String),
    /// Its version is too old.
    TooOld {
        /// Its version.
        version: String,
        /// The oldest version that will do.
        oldest: (u32, u32),
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unusable {}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "it cannot be started: {error}"),
            Self::Failed(end, complaint) => {
                write!(f, "it {end} when asked for its version")?;
                match complaint {
                    Some(said) => write!(f, ": {said}"),
                    None => Ok(()),
                }
            }
            Self::NoAnswer => write!(f, "it does not answer as a Python does"),
            Self::NotCPython(name) => write!(f, "it is {name}, not CPython"),
            Self::TooOld {
                version,
                oldest: (major, minor),
            } => write!(f, "it is Python {version}, and {major}.{minor} is needed"),
        }
    }
}

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

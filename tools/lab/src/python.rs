//! Finds the Pythons of a machine, and asks each what it is.

use crate::{Error, Runtime};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The names tried on the PATH, in this order.
const NAMES: [&str; 5] = [
    "python3.14t",
    "python3.13t",
    "python3.14",
    "python3.13",
    "python3",
];

/// The oldest Python that the experiments are written for.
const OLDEST: [u32; 2] = [3, 9];

/// How long a Python may take to say what it is.
const PROBE: Duration = Duration::from_secs(20);

/// Runs in any Python, 2.7 included, so that an old one can be named as such.
const QUESTION: &str = r#"
import json, os, platform, sys, sysconfig
gil = getattr(sys, "_is_gil_enabled", lambda: True)
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "gil": gil(),
    "real": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
}))
"#;

/// How every Python is started: no variables of the user's (`PYTHON_GIL` among them), no user packages, no `__pycache__`.
pub(crate) const FLAGS: [&str; 3] = ["-E", "-s", "-B"];

/// A CPython that can run the experiments.
#[derive(Clone, Debug)]
pub struct Python {
    /// The program.
    pub path: PathBuf,
    /// What it is.
    pub runtime: Runtime,
    /// Where it really is: a virtual environment and a link to a Python are that Python.
    real: String,
}

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// `LAB_PYTHON`: programs, or names on the PATH, separated by colons. They come first, and must be usable.
    pub lab_python: Option<OsString>,
    /// `PATH`.
    pub path: OsString,
    /// Where pyenv keeps its versions.
    pub pyenv: Option<PathBuf>,
}

impl Search {
    /// As this process's environment has it.
    #[must_use]
    pub fn from_env() -> Self {
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
        let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
        Self {
            lab_python: std::env::var_os("LAB_PYTHON").filter(|named| !named.is_empty()),
            path: std::env::var_os("PATH").unwrap_or_default(),
            pyenv: pyenv.map(|root| root.join("versions")),
        }
    }

    /// All usable Pythons, those of `LAB_PYTHON` first; each interpreter, and each version and build, once.
    ///
    /// # Errors
    /// [`Error::Python`] when one in `LAB_PYTHON` is not usable. Others that are not are passed over.
    pub fn all(&self) -> Result<Vec<Python>, Error> {
        let mut found = self.named()?;
        for path in self.candidates() {
            found.extend(probe(&path).ok());
        }
        let (mut reals, mut keys) = (BTreeSet::new(), BTreeSet::new());
        found.retain(|one| reals.insert(one.real.clone()) && keys.insert(one.runtime.key()));
        Ok(found)
    }

    /// Those that `LAB_PYTHON` names.
    ///
    /// # Errors
    /// [`Error::Python`] when one is not usable.
    pub fn named(&self) -> Result<Vec<Python>, Error> {
        let named = self.lab_python.clone().unwrap_or_default();
        let named = std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty());
        named.map(|path| self.one(&path)).collect()
    }

    /// The Python that somebody named, by path or as on the PATH.
    ///
    /// # Errors
    /// [`Error::Python`] when it is not usable.
    pub fn one(&self, named: &Path) -> Result<Python, Error> {
        let is_name = named.components().count() == 1 && !named.exists();
        let path = if is_name { self.on_path(named) } else { None };
        probe(&path.unwrap_or_else(|| named.to_owned())).map_err(|why| Error::Python {
            path: named.display().to_string(),
            why,
        })
    }

    fn candidates(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = NAMES
            .iter()
            .filter_map(|name| self.on_path(Path::new(name)))
            .collect();
        let versions = self
            .pyenv
            .as_deref()
            .and_then(|dir| std::fs::read_dir(dir).ok());
        let mut versions: Vec<_> = versions
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")))
            .filter(|path| path.is_file())
            .collect();
        versions.sort();
        paths.extend(versions);
        paths
    }

    fn on_path(&self, name: &Path) -> Option<PathBuf> {
        let folders = std::env::split_paths(&self.path);
        folders
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}

/// Which of the Pythons found to measure when nobody names any: the newest with a GIL and the newest without.
#[must_use]
pub fn usual(found: &[Python]) -> Vec<Python> {
    let newest = |free: bool| {
        found
            .iter()
            .filter(|one| one.runtime.is_free_threaded() == free)
            .max_by_key(|one| one.runtime.release())
    };
    [newest(false), newest(true)]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

/// What a Python answers.
#[derive(Deserialize)]
struct Answer {
    implementation: String,
    version: String,
    free_threaded: bool,
    gil: bool,
    real: String,
}

fn probe(path: &Path) -> Result<Python, String> {
    let text = ask(path)?;
    let last = text.lines().next_back().unwrap_or_default();
    let answer: Answer =
        serde_json::from_str(last).map_err(|_| "it does not answer as a Python does".to_owned())?;
    if answer.implementation != "CPython" {
        return Err(format!(
            "it is {}, and the claims are about CPython",
            answer.implementation
        ));
    }
    let runtime = Runtime::python(&answer.version, answer.free_threaded, answer.gil);
    if runtime.release().as_slice() < OLDEST.as_slice() {
        return Err(format!("it is Python {}", answer.version));
    }
    Ok(Python {
        path: path.to_owned(),
        runtime,
        real: answer.real,
    })
}

/// What a Python prints when asked, given that it answers in time.
fn ask(path: &Path) -> Result<String, String> {
    let mut child = Command::new(path)
        .args(["-E", "-s", "-B", "-c", QUESTION])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let mut output = child.stdout.take();
    // The answer is short, so it fits a pipe: reading can wait until the program has ended.
    let deadline = Instant::now() + PROBE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "it did not say what it is within {} s",
                    PROBE.as_secs()
                ));
            }
        }
    };
    if !status.success() {
        return Err(format!("it ended with {status} when asked what it is"));
    }
    let mut text = String::new();
    if let Some(output) = &mut output {
        let read = output.take(1 << 16).read_to_string(&mut text);
        read.map_err(|error| format!("cannot read its answer: {error}"))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A program that answers as a Python of this kind would.
    fn fake(dir: &Path, name: &str, answer: &str) -> PathBuf {
        fs::create_dir_all(dir).unwrap();
        let path = dir.join(name);
        // Not executable while it is open for writing, else a fork elsewhere makes exec say "text file busy".
        let script = format!("#!/bin/sh\n{answer}\n");
        let made = Command::new("sh")
            .args([
                "-c",
                "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"",
                "sh",
                &script,
            ])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o111,
            0o111
        );
        path
    }

    fn says(implementation: &str, version: &str, free_threaded: bool, real: &str) -> String {
        format!(
            r#"echo '{{"implementation":"{implementation}","version":"{version}","free_threaded":{free_threaded},"gil":{},"real":"{real}"}}'"#,
            !free_threaded
        )
    }

    fn keys(found: &[Python]) -> Vec<String> {
        found.iter().map(|one| one.runtime.key()).collect()
    }

    #[test]
    fn pythons_are_found_in_order_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let (bin, pyenv) = (dir.path().join("bin"), dir.path().join("versions"));
        fake(
            &bin,
            "python3",
            &says("CPython", "3.11.7", false, "/a/3.11"),
        );
        fake(
            &bin,
            "python3.13t",
            &says("CPython", "3.13.5", true, "/a/3.13t"),
        );
        fake(
            &bin,
            "python3.13",
            "echo 'pyenv: python3.13: command not found' >&2; exit 127",
        );
        fake(&bin, "python3.14", "echo hello");
        fake(
            &pyenv.join("3.11.7/bin"),
            "python3",
            &says("CPython", "3.11.7", false, "/a/3.11"),
        );
        fake(
            &pyenv.join("again/bin"),
            "python3",
            &says("CPython", "3.11.7", false, "/other/3.11"),
        );
        fake(
            &pyenv.join("3.9.18/bin"),
            "python3",
            &says("CPython", "3.9.18", false, "/a/3.9"),
        );
        fake(
            &pyenv.join("3.8.18/bin"),
            "python3",
            &says("CPython", "3.8.18", false, "/a/3.8"),
        );
        fake(
            &pyenv.join("pypy/bin"),
            "python3",
            &says("PyPy", "3.10.14", false, "/a/pypy"),
        );
        let named = fake(
            dir.path(),
            "mine",
            &says("CPython", "3.14.0", false, "/a/3.14"),
        );
        let mut search = Search {
            lab_python: None,
            path: bin.into(),
            pyenv: Some(pyenv),
        };
        assert_eq!(
            keys(&search.all().unwrap()),
            ["python-3.13.5t", "python-3.11.7", "python-3.9.18"]
        );
        search.lab_python = Some(named.into());
        let all = search.all().unwrap();
        assert_eq!(
            keys(&all),
            [
                "python-3.14.0",
                "python-3.13.5t",
                "python-3.11.7",
                "python-3.9.18"
            ]
        );
        assert_eq!(keys(&usual(&all)), ["python-3.14.0", "python-3.13.5t"]);
        assert_eq!(keys(&search.named().unwrap()), ["python-3.14.0"]);
    }

    #[test]
    fn one_that_is_named_must_be_usable() {
        let dir = tempfile::tempdir().unwrap();
        fake(
            dir.path(),
            "python3.13",
            &says("CPython", "3.13.0", false, "/a"),
        );
        let old = fake(dir.path(), "old", &says("CPython", "2.7.18", false, "/b"));
        let pypy = fake(dir.path(), "pypy", &says("PyPy", "3.10.14", false, "/c"));
        let search = Search {
            path: dir.path().into(),
            ..Search::default()
        };
        assert_eq!(
            search.one(Path::new("python3.13")).unwrap().runtime.key(),
            "python-3.13.0"
        );
        let says = |path: &Path| search.one(path).unwrap_err().to_string();
        assert!(says(&old).ends_with("old: it is Python 2.7.18 (name a CPython 3.9 or newer)"));
        assert!(says(&pypy).contains("it is PyPy"));
        assert!(
            says(Path::new("/nowhere/python")).starts_with("/nowhere/python: cannot be started: ")
        );
        let unusable = Search {
            lab_python: Some("/nowhere/python".into()),
            ..search
        };
        assert!(matches!(unusable.all(), Err(Error::Python { .. })));
    }
}

//! The Pythons at hand, and a run of a listing on one of them.

use lab::python::Search;
use std::env;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use supervise::{Keep, Options, Stop};

/// Bytes of output; no reader wants more below a listing.
const MOST_OUTPUT: u16 = 16 * 1024;

/// An interpreter, and what it says of itself.
#[derive(Debug)]
pub struct Python {
    path: PathBuf,
    /// As 3.13 is (3, 13).
    pub minor: (u32, u32),
    /// Whether this build has a GIL.
    pub gil: bool,
    /// As `Python 3.13.0 (GIL)`.
    title: String,
}

impl Python {
    /// As `Python 3.13.0 (GIL), Linux 6.18 x86_64`.
    pub fn title(&self) -> String {
        format!("{}, {}", self.title, system())
    }

    /// As `3.13`, or `3.13t` for a free-threaded build.
    pub fn version(&self) -> String {
        let (major, minor) = self.minor;
        format!("{major}.{minor}{}", if self.gil { "" } else { "t" })
    }

    /// One that is not there, for tests of what is said about it.
    #[cfg(test)]
    pub fn fake(minor: (u32, u32), gil: bool) -> Self {
        Self {
            path: "python3".into(),
            minor,
            gil,
            title: "a Python".into(),
        }
    }
}

/// All interpreters at hand: those that `LISTINGS_PYTHON` names first, then the newest first, one of each version.
///
/// None is a skip, and a failure where `COURSE_REQUIRE` names python.
pub fn pythons() -> &'static [Python] {
    static FOUND: OnceLock<Vec<Python>> = OnceLock::new();
    FOUND.get_or_init(find)
}

fn find() -> Vec<Python> {
    let search = Search {
        lab_python: env::var_os("LISTINGS_PYTHON"),
        ..Search::from_env()
    };
    // One that was asked for by name must be there.
    let named = search
        .named()
        .unwrap_or_else(|why| panic!("LISTINGS_PYTHON: {why}"))
        .len();
    let all = search
        .all()
        .unwrap_or_else(|why| panic!("LISTINGS_PYTHON: {why}"));
    let mut pythons: Vec<Python> = all
        .into_iter()
        .filter_map(|python| {
            let release = python.runtime.release();
            Some(Python {
                minor: (*release.first()?, *release.get(1)?),
                gil: !python.runtime.build.starts_with("free-threaded"),
                title: format!(
                    "Python {} ({})",
                    python.runtime.version, python.runtime.build
                ),
                path: python.path,
            })
        })
        .collect();
    if let Some(others) = pythons.get_mut(named..) {
        others.sort_by_key(|python| std::cmp::Reverse((python.gil, python.minor)));
    }
    if pythons.is_empty() {
        let why = "no CPython 3.9 or newer is here; install one, or name one in LISTINGS_PYTHON";
        assert!(!required(), "COURSE_REQUIRE asks for python, but {why}");
        skip(&format!("the listings: {why}"));
    }
    pythons
}

/// Runs a listing in an empty folder and returns what it printed; anything on standard error is a failure.
pub fn run(python: &Python, listing: &Path, deadline: Duration) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let mut command = Command::new(&python.path);
    command
        .args(["-E", "-s", "-B"])
        .arg(listing)
        .current_dir(folder.path());
    let mut options = Options::new(deadline);
    options.stdout = Keep::First(MOST_OUTPUT.into());
    options.flood = Some(MOST_OUTPUT.into());
    let outcome = supervise::run(command, &options, &Stop::new(), |_, _| {
        ControlFlow::Continue(())
    })
    .map_err(|error| format!("{} does not start: {error}", python.path.display()))?;
    let errors = outcome.stderr.text();
    let output = String::from_utf8(outcome.stdout.bytes)
        .map_err(|_| "prints something that is not UTF-8")?;
    if outcome.end.is_success() && errors.is_empty() {
        return Ok(output);
    }
    Err(format!("{}:\n{output}{errors}", outcome.end))
}

/// Whether a missing Python is a failure here.
pub fn required() -> bool {
    let required = env::var("COURSE_REQUIRE").unwrap_or_default();
    required.split(',').any(|word| word.trim() == "python")
}

/// Written past libtest's capture, so that it is seen when the test passes.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// As `Linux 6.18 x86_64`.
fn system() -> String {
    let mut command = Command::new("uname");
    command.arg("-srm");
    let answer = supervise::answer(command, Duration::from_secs(10)).unwrap_or_default();
    let words: Vec<&str> = answer.split_whitespace().collect();
    let [name, release, machine] = words[..] else {
        return env::consts::OS.into();
    };
    // `6.18.3-generic` is 6.18.
    let end = |(at, _)| at;
    let release = release
        .match_indices(|c: char| !c.is_ascii_digit())
        .nth(1)
        .map_or(release.len(), end);
    format!("{name} {} {machine}", &words[1][..release])
}

//! The Pythons at hand, and a run of a listing on one of them.

use std::cmp::Reverse;
use std::env;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
pub use supervise::python::Python;
use supervise::python::Search;
use supervise::{Keep, Options, Stop};

/// Bytes of output; no reader wants more below a listing.
const MOST_OUTPUT: u16 = 16 * 1024;

/// The oldest Python that the book speaks of.
const OLDEST: (u32, u32) = (3, 9);

/// All interpreters at hand: those that `LISTINGS_PYTHON` names first, then the newest first, one of each version.
///
/// None is a skip, and a failure where `COURSE_REQUIRE` names python.
pub fn pythons() -> &'static [Python] {
    static FOUND: OnceLock<Vec<Python>> = OnceLock::new();
    FOUND.get_or_init(find)
}

fn find() -> Vec<Python> {
    let search = Search::from_env("LISTINGS_PYTHON", OLDEST);
    // One that was asked for by name must be there.
    let refused = |why| panic!("LISTINGS_PYTHON: {why}");
    let named = search.named().unwrap_or_else(refused).len();
    let mut pythons = search.all().unwrap_or_else(refused);
    if let Some(others) = pythons.get_mut(named..) {
        others.sort_by_key(|python| Reverse((!python.free_threaded, python.release())));
    }
    if pythons.is_empty() {
        let why = "no CPython 3.9 or newer is here; install one, or name one in LISTINGS_PYTHON";
        assert!(!required(), "COURSE_REQUIRE asks for python, but {why}");
        skip(&format!("the listings: {why}"));
    }
    pythons
}

/// The version that names an output: `3.13`, or `3.13t` for a free-threaded build.
pub fn version(python: &Python) -> String {
    let (major, minor, _) = python.release();
    let build = if python.free_threaded { "t" } else { "" };
    format!("{major}.{minor}{build}")
}

/// As `Python 3.13.0 (GIL), Linux 6.18 x86_64`.
pub fn title(python: &Python) -> String {
    format!("{python}, {}", python.system)
}

/// Runs a listing in an empty folder and returns what it printed; anything on standard error is a failure.
pub fn run(python: &Python, listing: &Path, deadline: Duration) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let mut command = Command::new(&python.executable);
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

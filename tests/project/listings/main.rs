//! Runs the book's Python listings and compares what they print with what the book shows below them.
//!
//! `src/<chapter>/<name>.py` is the listing, `<name>.out` beside it what a real run printed. The first line of
//! an `.out` file says who printed it. The rest is compared as it stands: a listing prints what does not
//! vary (not a pid, a time or a count of lost updates), so nothing is masked. Where a version prints something else,
//! `<name>.<version>.out` holds that, such as `bytecodes.3.14.out` (`3.14t` for a free-threaded build).
//!
//! A listing begins with a docstring and with the Pythons for which it is written:
//!
//! ```text
//! """What it shows, in a sentence."""
//! # needs: python >= 3.10, python < 3.14, gil, linux
//! ```
//!
//! Every Python at hand runs every listing: those on the `PATH`, pyenv's, and those that `LISTINGS_PYTHON` names,
//! separated by colons. After a change, `COURSE_BLESS=1 cargo test -p checks --test listings` records the outputs anew:
//! the page's from the first Python (the first in `LISTINGS_PYTHON`, else the newest), and one for each that differs.

mod needs;
mod output;
mod python;

use needs::Needs;
use python::{Python, pythons, required, run, skip, title};
use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// A listing takes a second or two, on a busy machine many; this is for one that hangs.
const DEADLINE: Duration = Duration::from_secs(180);
/// Columns that a reader sees without scrolling sideways.
const WIDEST: usize = 79;

#[test]
fn listings_print_what_the_book_shows() {
    let listings = find(&book());
    assert!(!listings.is_empty(), "no listing in src/*/*.py");
    let pythons = pythons();
    if pythons.is_empty() {
        return;
    }
    let bless = env::var_os("COURSE_BLESS").is_some_and(|value| value != "0");
    let waiting = Mutex::new(listings.iter());
    let problems = Mutex::new(String::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = { waiting.lock().expect("no thread panics").next() } {
                    if let Err(problem) = check(path, pythons, bless) {
                        let mut problems = problems.lock().expect("no thread panics");
                        let _ = writeln!(problems, "\nsrc/{}: {problem}", shown(path));
                    }
                }
            });
        }
    });
    let problems = problems.into_inner().expect("no thread panicked");
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn every_listing_fits_the_page() {
    for path in find(&book()) {
        for (number, line) in read(&path).expect("a listing is UTF-8").lines().enumerate() {
            let width = line.chars().count();
            assert!(
                width <= WIDEST,
                "src/{}:{}: {width} columns, and a page shows {WIDEST}: break the line",
                shown(&path),
                number + 1
            );
        }
    }
}

#[test]
fn every_listing_is_shown() {
    let book = book();
    let mut text = String::new();
    for page in pages(&book) {
        text += &fs::read_to_string(page).expect("a page of the book is UTF-8");
    }
    for listing in find(&book) {
        let name = shown(&listing);
        assert!(
            text.contains(&format!("{{{{#listing {name}}}}}"))
                || text.contains(&format!("{{{{#listing {name} ")), // a region of it
            "src/{name} is on no page: show it with {{{{#listing {name}}}}}, or remove it"
        );
    }
}

#[test]
fn every_listing_has_its_output_and_every_output_its_listing() {
    let book = book();
    for listing in find(&book) {
        let output = output::shown(&listing);
        assert!(
            output.exists(),
            "src/{} is missing: COURSE_BLESS=1 writes it",
            shown(&output)
        );
    }
    for folder in folders(&book) {
        for output in files(&folder, "out") {
            let listing = output::listing_of(&output);
            assert!(
                listing.exists(),
                "src/{} belongs to no listing: remove it",
                shown(&output)
            );
            let page = output::shown(&listing);
            assert!(
                output == page || output::read(&output) != output::read(&page),
                "src/{} is the same as the page's output: remove it",
                shown(&output)
            );
        }
    }
}

/// Runs one listing on every Python that meets its needs.
fn check(path: &Path, pythons: &[Python], bless: bool) -> Result<(), String> {
    let needs = Needs::of(&read(path)?)?;
    let mut fit = pythons
        .iter()
        .filter(|python| needs.met_by(python))
        .peekable();
    if fit.peek().is_none() {
        let have: Vec<String> = pythons.iter().map(title).collect();
        let why = format!(
            "it needs {}, and here is {}: name another one in LISTINGS_PYTHON",
            needs.text,
            have.join(", ")
        );
        if required() {
            return Err(format!("COURSE_REQUIRE asks for python, but {why}"));
        }
        skip(&format!("src/{}: {why}", shown(path)));
    }
    let mut problems = String::new();
    let mut first = true;
    for python in fit {
        let printed =
            run(python, path, DEADLINE).map_err(|why| format!("{}: {why}", title(python)))?;
        if bless {
            record(path, python, &printed, first)?;
        } else {
            let recorded = output::expected(path, python);
            let expected = output::read(&recorded)?;
            if printed != expected {
                let _ = writeln!(
                    problems,
                    "{} does not print src/{} (- recorded, + run):\n{}",
                    title(python),
                    shown(&recorded),
                    diff(&expected, &printed)
                );
            }
        }
        first = false;
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// Records what a Python printed: the first for the page, another only where it differs from the page.
fn record(path: &Path, python: &Python, printed: &str, first: bool) -> Result<(), String> {
    let page = output::shown(path);
    let own = output::of_version(path, python);
    if first {
        output::write(&page, python, printed)?;
    } else if output::read(&page)? != printed {
        return output::write(&own, python, printed);
    }
    match fs::remove_file(&own) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", own.display()))
        }
        _ => Ok(()),
    }
}

fn diff(recorded: &str, run: &str) -> String {
    similar::TextDiff::from_lines(recorded, run)
        .unified_diff()
        .context_radius(3)
        .to_string()
}

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")
}

/// The listings of every chapter, in order.
fn find(book: &Path) -> Vec<PathBuf> {
    folders(book)
        .iter()
        .flat_map(|folder| files(folder, "py"))
        .collect()
}

/// The pages of the book, those nested below a chapter too.
fn pages(book: &Path) -> Vec<PathBuf> {
    let mut pages = files(book, "md");
    for folder in folders(book) {
        pages.extend(files(&folder, "md"));
    }
    pages
}

fn folders(book: &Path) -> Vec<PathBuf> {
    let mut folders = entries(book);
    folders.retain(|path| path.is_dir());
    folders
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|path| path.is_file() && path.extension() == Some(OsStr::new(ending)));
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder can be listed").path())
        .collect();
    paths.sort();
    paths
}

/// `memory/x.py`, as the book's directives name it.
fn shown(path: &Path) -> String {
    let book = book();
    path.strip_prefix(&book)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

mod the_check_itself {
    use super::*;

    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listing.py");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_listing_that_prints_something_else_is_caught_and_kept_unless_blessed() {
        let pythons = pythons();
        let Some(first) = pythons.first() else {
            return;
        };
        let (_folder, path) =
            script("\"\"\"Shows.\"\"\"\n# needs: python >= 3.9\nprint('a')\nprint('c')\n");
        let out = path.with_extension("out");
        let recorded = "# Python 3.9.0 (GIL), Linux 6.18 x86_64\na\nb\n";
        fs::write(&out, recorded).unwrap();

        let problem = check(&path, pythons, false).unwrap_err();
        assert!(problem.contains("-b\n+c\n"), "{problem}");
        assert_eq!(fs::read_to_string(&out).unwrap(), recorded);

        check(&path, pythons, true).unwrap();
        assert_eq!(
            fs::read_to_string(&out).unwrap(),
            format!("# {}\na\nc\n", title(first))
        );
        check(&path, pythons, false).unwrap();
    }

    #[test]
    fn a_version_that_differs_gets_an_output_of_its_own() {
        let pythons = pythons();
        if pythons.len() < 2 {
            return; // every run on CI has two
        }
        let (folder, path) = script(
            "\"\"\"Shows.\"\"\"\n# needs: python >= 3.9\nimport sys\nprint(sys.version_info[:2])\n",
        );
        check(&path, pythons, true).unwrap();
        check(&path, pythons, false).unwrap();
        assert!(files(folder.path(), "out").len() >= 2);
        // Once all print the same, only the page's is left.
        fs::write(
            &path,
            "\"\"\"Shows.\"\"\"\n# needs: python >= 3.9\nprint()\n",
        )
        .unwrap();
        check(&path, pythons, true).unwrap();
        assert_eq!(files(folder.path(), "out"), [output::shown(&path)]);
    }

    #[test]
    fn errors_warnings_and_floods_are_failures() {
        let pythons = pythons();
        let Some(python) = pythons.first() else {
            return;
        };
        for (text, what) in [
            (
                "import sys; print('half'); sys.exit(3)",
                "exited with code 3",
            ),
            ("import sys; print('careful', file=sys.stderr)", "careful"),
            ("while True: print('x' * 1000)", "printed too much"),
        ] {
            let (_folder, path) = script(text);
            let problem = run(python, &path, DEADLINE).unwrap_err();
            assert!(problem.contains(what), "{text}: {problem}");
        }
    }

    #[test]
    fn a_hang_is_a_failure() {
        let pythons = pythons();
        let Some(python) = pythons.first() else {
            return;
        };
        let (_folder, path) = script("import os, time\nos.fork()\ntime.sleep(600)\n");
        let problem = run(python, &path, Duration::from_secs(2)).unwrap_err();
        assert!(problem.contains("after 2 s"), "{problem}");
    }
}

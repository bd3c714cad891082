//! Faults while a class is judged: killed graders and workers, a full disk, a journal cut in a line, a clock set back. Nothing that
//! was judged gets lost, nobody is judged twice or otherwise, and nothing is left behind.
#![cfg(target_os = "linux")]

#[path = "../../../grader/tests/common/mod.rs"]
mod common;

mod clock;
mod disk;
mod grader;
mod kills;

use common::Fixture;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One test at a time: they look for what is left on the machine.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Statuses by submission and test.
type Verdicts = BTreeMap<(String, String), String>;

/// The seconds that somebody's daemon sleeps, by which it is found.
const DAEMON: &str = "98764";
/// A file that somebody leaves.
const TRACE: &str = "trace-of-the-fault-campaign";

/// Submissions to one exercise, of each kind one at least, and the course that they are for.
struct Class {
    /// Where the submissions, the results and temporary files are.
    fixture: Fixture,
    root: PathBuf,
    slug: &'static str,
    /// The solution's file that they change, and the beginning of a function in it.
    place: (&'static str, &'static str),
}

/// How a submission's function begins.
const WRONG: &str = "if true { return 0 }";

impl Class {
    /// Of the tiny course.
    fn new() -> Self {
        let fixture = Fixture::below(Path::new("/var/tmp"));
        Self {
            root: fixture.root(),
            slug: "sums",
            place: ("one.rs", "pub fn next(n: u64) -> u64 {"),
            fixture,
        }
        .with_submissions()
    }

    /// Of this course, whose judge and subject talk over the real connection.
    fn of_memory() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            fixture: Fixture::below(Path::new("/var/tmp")),
            root: here.ancestors().nth(2).expect("the course").to_owned(),
            slug: "memory",
            place: (
                "lost_updates.rs",
                "pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {",
            ),
        }
        .with_submissions()
    }

    fn with_submissions(self) -> Self {
        fs::create_dir(self.path("tmp")).expect("a folder");
        let leaves = format!(
            "{{ use std::process::*; let _ = Command::new(\"setsid\").args([\"sleep\", \"{DAEMON}\"])\
             .stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn(); \
             for folder in [\"/tmp\", \"/dev/shm\"] {{ std::fs::write(format!(\"{{folder}}/{TRACE}\"), \"\").unwrap() }} }}"
        );
        for (name, first) in [
            ("ann", ""),
            ("bob", ""),
            ("cyn", ""),
            ("dan", leaves.as_str()),
            ("eve", WRONG),
            ("fay", "let ="),
            ("gil", "std::process::abort();"),
        ] {
            self.submit(name, first);
        }
        self
    }

    /// Hands in the solution, with a function that begins otherwise.
    fn submit(&self, name: &str, first: &str) {
        let src = self
            .path("class")
            .join(name)
            .join("exercises")
            .join(self.slug)
            .join("src");
        fs::create_dir_all(&src).expect("a folder");
        let solution = self.root.join("solutions").join(self.slug).join("src");
        let (file, function) = self.place;
        for entry in fs::read_dir(solution).expect("a solution").flatten() {
            let mut text = fs::read_to_string(entry.path()).expect("a file");
            if entry.file_name() == file {
                assert!(text.contains(function), "{file} has no {function}");
                text = text.replace(
                    function,
                    &format!("#[allow(unreachable_code)]\n{function} {first}"),
                );
            }
            fs::write(src.join(entry.file_name()), text).expect("room");
        }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.fixture.path(inside)
    }

    /// The submissions that a grader judged, by the lines that it shows.
    fn shown(&self, told: &str) -> Vec<String> {
        let mark = format!(" {}: ", self.slug);
        let lines = told.lines().filter(|line| line.contains(&mark));
        lines
            .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
            .collect()
    }
}

/// The results, of which no test has two.
fn verdicts(results: &Path) -> Verdicts {
    let text = fs::read_to_string(results).expect("results");
    let mut all = Verdicts::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let word = |name: &str| line[name].as_str().expect("text").to_owned();
        let twice = all.insert((word("submission"), word("test")), word("status"));
        assert_eq!(twice, None, "two records of one test: {line}");
    }
    all
}

/// What is in a journal: digests of units by their submissions. A unit that was judged twice is there twice, which fails.
fn journal(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut units = BTreeMap::new();
    for line in text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let word = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let name = word(&line["records"][0]["submission"]);
        let twice = units.insert(name, word(&line["unit"]));
        assert_eq!(twice, None, "judged twice: {line}");
    }
    units
}

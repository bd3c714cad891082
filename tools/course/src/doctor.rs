//! `cargo course doctor`: says what this machine has, and what each missing thing would add.

use crate::text::{BOLD, DIM, GOOD, ODD, count, outln};
use anyhow::Result;
use grader::{
    course::Course,
    sandbox::{Sandbox, Wanted},
};
use std::{
    env,
    ffi::OsStr,
    fmt::Display,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::Duration,
};
use supervise::python::Search;

/// The first Rust that compiles the course (`rust-version` in Cargo.toml).
const RUST: (u32, u32) = (1, 95);

/// How long a program may take to say its version.
const DEADLINE: Duration = Duration::from_secs(10);

/// Below this, shared memory runs out in the middle of a test or an experiment.
const SHM_MIN: u64 = 16 << 20;

/// What `cargo course doctor` is asked.
#[derive(clap::Args)]
#[command(
    after_help = "Only Rust and a C linker are needed. Everything else is optional; each line says what it adds.\n\n\
                  Exit codes: 0 what is needed is there, 1 Rust or the linker is missing, or Rust is too old."
)]
pub struct Args {}

/// What was looked for.
struct Finding {
    name: &'static str,
    /// What is there, or what is wrong instead.
    found: Result<String, String>,
    /// What it is for, or what it would add.
    adds: String,
    /// How to get it.
    get: &'static str,
}

impl Finding {
    /// Says it, and returns whether it is there.
    fn show(&self) -> bool {
        let name = self.name;
        match &self.found {
            Ok(found) => outln!("  {GOOD}✓{GOOD:#} {name:<13} {found}"),
            Err(problem) => {
                outln!("  {ODD}✗{ODD:#} {name:<13} {problem}");
                outln!("    {DIM}{:<13} adds: {}{DIM:#}", "", self.adds);
                outln!("    {DIM}{:<13} get:  {}{DIM:#}", "", self.get);
            }
        }
        self.found.is_ok()
    }
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, _args: Args) -> Result<ExitCode> {
    // A broken course is no reason not to say what the machine has.
    let course = Course::open(root).ok();
    let needs = |what: &str| course.as_ref().map(|course| steps_that_need(course, what));
    let needs = |what: &str| needs(what).unwrap_or_default();

    heading("This machine");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    plain("cores", count(cores, "core"));
    if cores == 1 {
        note("with one, nothing runs in parallel: claims about speed cannot be measured here");
    }
    plain("kernel", kernel());
    if !cfg!(target_os = "linux") {
        let steps = and("the claims about pages", &needs("linux"));
        note(&format!("only on Linux: {steps}"));
    }

    heading("To read and solve");
    let complete = rust().show() & linker().show();
    Finding {
        name: "git",
        found: or_missing(version("git", &["--version"])),
        adds: "`git pull`, which brings the next chapters".to_owned(),
        get: "apt install git, or https://git-scm.com",
    }
    .show();
    if cfg!(target_os = "linux") {
        shared_memory(&and("memory that processes share by name", &needs("shm")));
    }

    heading("To measure and to talk to");
    pythons(&needs("python"));

    heading("For instructors and authors");
    plain("sandbox", sandbox(root));
    let named = env::var_os("CHROMIUM");
    let browsers = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
    .map(OsStr::new);
    let browsers: Vec<&OsStr> = named
        .as_deref()
        .map_or(browsers.to_vec(), |named| vec![named]);
    Finding {
        name: "Chromium",
        found: or_missing(
            browsers
                .iter()
                .find_map(|browser| version(browser, &["--version"])),
        ),
        adds: "the browser tests of the book (any browser can show it)".to_owned(),
        get: "apt install chromium; CHROMIUM=PATH names another",
    }
    .show();
    Finding {
        name: "Node.js",
        found: or_missing(version("node", &["--version"])),
        adds: "the browser tests, and the type check of the book's widgets".to_owned(),
        get: "apt install nodejs npm, or https://nodejs.org",
    }
    .show();
    Ok(match complete {
        true => ExitCode::SUCCESS,
        false => {
            outln!(
                "\n{ODD}Nothing of the course works here yet:{ODD:#} it needs Rust and a C linker."
            );
            ExitCode::FAILURE
        }
    })
}

/// `python_block of memory, …`: the steps whose chapters say that they need this.
fn steps_that_need(course: &Course, what: &str) -> Vec<String> {
    let steps = course.chapters.iter().flat_map(|chapter| {
        let steps = chapter.needs.get(what).into_iter().flatten();
        steps.map(|step| format!("step {step} of {}", chapter.slug))
    });
    steps.collect()
}

fn and(what: &str, steps: &[String]) -> String {
    let mut all = vec![what.to_owned()];
    all.extend_from_slice(steps);
    all.join(", ")
}

/// The program that rustc calls to link: without it, nothing that Rust compiles runs.
fn linker() -> Finding {
    let triple = answer("rustc", &["-vV"]).and_then(|said| {
        let host = said.lines().find_map(|line| line.strip_prefix("host: "))?;
        Some(host.to_uppercase().replace('-', "_"))
    });
    let named = triple.and_then(|triple| env::var_os(format!("CARGO_TARGET_{triple}_LINKER")));
    let linker = named.unwrap_or_else(|| "cc".into());
    let name = linker.to_string_lossy().into_owned();
    Finding {
        name: "C linker",
        found: or_missing(version(&linker, &["--version"]))
            .map(|version| format!("{name} {version}")),
        adds: "everything: Rust links each program with it".to_owned(),
        get: "apt install gcc libc6-dev; on macOS xcode-select --install",
    }
}

/// Whether tests and experiments have room for what they share.
fn shared_memory(adds: &str) {
    let shm = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(shm).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    let writable = tempfile::tempfile_in(shm);
    let problem = match (&writable, free) {
        (Err(error), _) => format!("cannot be written: {error}"),
        (Ok(_), Ok(free)) if free < SHM_MIN => {
            format!("has {} KiB left, which is too little", free >> 10)
        }
        _ => {
            let free = free.map_or(String::new(), |free| format!(", {} MiB free", free >> 20));
            outln!("  {GOOD}✓{GOOD:#} {:<13} writable{free}", "/dev/shm");
            return;
        }
    };
    outln!("  {ODD}✗{ODD:#} {:<13} {problem}", "/dev/shm");
    note(&format!("adds: {adds}"));
    note(
        "get:  mount -t tmpfs tmpfs /dev/shm, or remove what is left there; in a container: docker run --shm-size=64m",
    );
}

fn heading(text: &str) {
    outln!("\n{BOLD}{text}{BOLD:#}");
}

fn plain(name: &str, found: impl Display) {
    outln!("  {DIM}·{DIM:#} {name:<13} {found}");
}

fn note(text: &str) {
    outln!("    {DIM}{:<13} {text}{DIM:#}", "");
}

fn kernel() -> String {
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    answer("uname", &["-sr"]).map_or(format!("{os} {arch}"), |name| format!("{name} {arch}"))
}

fn rust() -> Finding {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let found = or_missing(version(&rustc, &["--version"])).and_then(|version| {
        let (major, minor) = RUST;
        if at_least(&version, RUST) {
            Ok(format!("{version} ({major}.{minor} or later is needed)"))
        } else {
            Err(format!(
                "{version}, but {major}.{minor} or later is needed: `rustup update stable`"
            ))
        }
    });
    Finding {
        name: "Rust",
        found,
        adds: "everything: the course is built with it".to_owned(),
        get: "https://rustup.rs",
    }
}

/// What was found, or that it was not.
fn or_missing(answer: Option<String>) -> Result<String, String> {
    answer.ok_or_else(|| "not found".to_owned())
}

/// The Pythons that the experiments find; the tests' peer is the one that `python3` starts.
fn pythons(steps: &[String]) {
    let found = match lab::python::search().all() {
        Ok(found) => found,
        Err(error) => {
            outln!("  {ODD}✗{ODD:#} {:<13} {error}", "Python");
            return;
        }
    };
    for python in &found {
        // `Python 3.13.0 (GIL)`: the name stands in the column before it.
        let what = python.to_string();
        let what = what.strip_prefix("Python ").unwrap_or(&what);
        let path = python.path.display();
        outln!(
            "  {GOOD}✓{GOOD:#} {:<13} {what:<24} {DIM}{path}{DIM:#}",
            "Python"
        );
    }
    peer();
    let has = |free: bool| found.iter().any(|python| python.gil != free);
    if !has(false) {
        Finding {
            name: "Python",
            found: or_missing(None),
            adds: and("the Python half of every experiment, the listings", steps),
            get: "apt install python3, or https://python.org; LAB_PYTHON=PATH names another",
        }
        .show();
    }
    if !has(true) {
        Finding {
            name: "free-threaded",
            found: or_missing(None),
            adds: "every claim on a Python without a GIL".to_owned(),
            get: "uv python install 3.14t, or pyenv install 3.14t; LAB_PYTHON=PATH names another",
        }
        .show();
    }
}

/// The Python that the tests start, and which one that is when nobody names another.
fn peer() {
    let named = env::var_os("CHECKS_PYTHON").filter(|named| !named.is_empty());
    let (name, path) = match &named {
        Some(path) => ("CHECKS_PYTHON", path.as_os_str()),
        None => ("python3", OsStr::new("python3")),
    };
    let search = Search::from_env("CHECKS_PYTHON", lab::python::OLDEST);
    match search.one(Path::new(path)) {
        Ok(python) => {
            let path = python.executable.display();
            plain(name, format!("{python}, which the tests start: {path}"));
        }
        Err(error) => {
            plain(name, format!("none that the tests can start: {error}"));
        }
    }
}

/// What stands between a submission and this machine.
fn sandbox(root: &Path) -> String {
    let wanted = Wanted {
        hidden: &[root],
        launcher: std::env::current_exe().ok(),
        ..Wanted::default()
    };
    match Sandbox::find(&wanted) {
        Ok(sandbox) => sandbox.describe(),
        Err(why) => format!("none: {why}; `cargo course grade` needs --no-sandbox here"),
    }
}

/// The version that a program tells: the first word that begins with a number.
fn version(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let said = answer(program, args)?;
    let mut words = said.split_whitespace().map(|word| {
        word.trim_start_matches(['v', '('])
            .trim_end_matches([')', ','])
    });
    let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Some(version.unwrap_or("of unknown version").to_owned())
}

fn at_least(version: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
}

/// What a program prints, if it ends well and in time.
fn answer(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args);
    supervise::answer(command, DEADLINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        let say = |text: &str| version("echo", &[text]);
        assert_eq!(
            say("rustc 1.95.0 (f2d3ce0bd 2026-03-21)").as_deref(),
            Some("1.95.0")
        );
        assert_eq!(say("v20.20.2").as_deref(), Some("20.20.2"));
        assert_eq!(
            say("Chromium 156.0.8078.73 built on Debian").as_deref(),
            Some("156.0.8078.73")
        );
        assert_eq!(say("hello").as_deref(), Some("of unknown version"));
        assert_eq!(version("false", &[]), None);
        assert_eq!(version("/no/such/program", &[]), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(
            at_least("1.89.0", (1, 89))
                && at_least("1.100.0-nightly", (1, 89))
                && at_least("2.0", (1, 89))
        );
        assert!(!at_least("1.9.0", (1, 89)) && !at_least("of unknown version", (1, 89)));
    }
}

//! Runs the book's Python listings and compares what they print with what the book shows below them.
//!
//! `src/<chapter>/<name>.py` is the listing, `<name>.out` beside it what a real run printed. The first line of
//! an `.out` file says who printed it. The rest is compared as it stands: a listing prints what does not
//! vary (not a pid, a time or a count of lost updates), so nothing needs to be masked here.
//!
//! A listing begins with a docstring and with the Pythons for which its output is right:
//!
//! ```text
//! """What it shows, in a sentence."""
//! # needs: python >= 3.10, python < 3.14, gil, linux
//! ```
//!
//! `LISTINGS_PYTHON` names the interpreters, separated by colons; else it is `python3`. After a change,
//! `COURSE_BLESS=1 cargo test -p checks --test listings` writes the `.out` files anew, each from the first
//! interpreter that meets its needs.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// A listing takes a second or two; this is for one that hangs.
const DEADLINE: Duration = Duration::from_secs(60);
/// Columns that a reader sees without scrolling sideways.
const WIDEST: usize = 79;
/// Bytes of output; no reader wants more below a listing.
const MOST_OUTPUT: u64 = 16 * 1024;

#[test]
fn listings_print_what_the_book_shows() {
    let listings = find(&book());
    assert!(!listings.is_empty(), "no listing in src/*/*.py");
    let pythons = pythons();
    if pythons.is_empty() {
        return;
    }
    let bless = env::var_os("COURSE_BLESS").is_some_and(|value| value != "0");
    let mut problems = String::new();
    for path in &listings {
        if let Err(problem) = check(path, &pythons, bless) {
            let _ = writeln!(problems, "\nsrc/{}: {problem}", shown(path));
        }
    }
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
fn every_listing_is_shown_and_has_its_output() {
    let book = book();
    let mut text = String::new();
    // A chapter's exercise is a page in the chapter's folder.
    for folder in std::iter::once(book.clone()).chain(folders(&book)) {
        for page in files(&folder, "md") {
            text += &fs::read_to_string(page).expect("a page of the book is UTF-8");
        }
    }
    for listing in find(&book) {
        let name = shown(&listing);
        assert!(
            text.contains(&format!("{{{{#listing {name}}}}}"))
                || text.contains(&format!("{{{{#listing {name} ")), // a region of it
            "src/{name} is on no page: show it with {{{{#listing {name}}}}}, or remove it"
        );
    }
    for folder in folders(&book) {
        let stems = |ending: &str| -> BTreeSet<PathBuf> {
            files(&folder, ending)
                .iter()
                .map(|path| path.with_extension(""))
                .collect()
        };
        assert_eq!(
            stems("py"),
            stems("out"),
            "each .py needs its .out (COURSE_BLESS=1 writes it), each .out its .py"
        );
    }
}

/// Runs one listing on every Python that meets its needs.
fn check(path: &Path, pythons: &[Python], bless: bool) -> Result<(), String> {
    let needs = Needs::of(&read(path)?)?;
    let output = path.with_extension("out");
    let (mut met, mut blessed) = (false, false);
    for python in pythons.iter().filter(|python| needs.met_by(python)) {
        met = true;
        let printed = run(&python.executable, path, DEADLINE)?;
        if bless && !blessed {
            blessed = true;
            replace(&output, &format!("# {}\n{printed}", python.title()))?;
            continue;
        }
        let recorded = read(&output)
            .map_err(|error| format!("{error}; COURSE_BLESS=1 writes it from a real run"))?;
        let shown = body(&recorded).ok_or(
            "its .out file must begin with a line like `# Python 3.13.0 (GIL), Linux 6.18 x86_64`",
        )?;
        if printed != shown {
            return Err(format!(
                "{} prints something else than the book shows (- book, + run):\n{}",
                python.title(),
                diff(shown, &printed)
            ));
        }
    }
    if met {
        return Ok(());
    }
    let have: Vec<String> = pythons.iter().map(Python::title).collect();
    let why = format!(
        "it needs {}, and here is {}: name another one in LISTINGS_PYTHON",
        needs.text,
        have.join(", ")
    );
    if required() {
        return Err(format!("COURSE_REQUIRE asks for python, but {why}"));
    }
    skip(&format!("src/{}: {why}", self::shown(path)));
    Ok(())
}

/// What a recorded output shows, without the line that says who printed it.
fn body(recorded: &str) -> Option<&str> {
    let (first, rest) = recorded.split_once('\n')?;
    first.starts_with("# Python ").then_some(rest)
}

fn diff(book: &str, run: &str) -> String {
    similar::TextDiff::from_lines(book, run)
        .unified_diff()
        .context_radius(3)
        .to_string()
}

/// The Pythons for which a listing's output is right.
#[derive(Debug, Default, PartialEq)]
struct Needs {
    text: String,
    /// The first version and the first too new, as 3.13 is (3, 13).
    from: Option<(u32, u32)>,
    before: Option<(u32, u32)>,
    gil: bool,
    linux: bool,
}

impl Needs {
    fn of(listing: &str) -> Result<Self, String> {
        let mut lines = listing.lines();
        let first = lines.next().unwrap_or("");
        if !(first.len() > 6 && first.starts_with("\"\"\"") && first.ends_with("\"\"\"")) {
            return Err("its first line must be a docstring that says what it shows".into());
        }
        let text = lines
            .next()
            .and_then(|line| line.strip_prefix("# needs: "))
            .ok_or("its second line must be like `# needs: python >= 3.10, gil`")?;
        let mut needs = Self {
            text: text.into(),
            ..Self::default()
        };
        for need in text.split(',').map(str::trim) {
            let words: Vec<&str> = need.split_whitespace().collect();
            match words[..] {
                ["gil"] => needs.gil = true,
                ["linux"] => needs.linux = true,
                ["python", ">=", version] => needs.from = Some(minor(version)?),
                ["python", "<", version] => needs.before = Some(minor(version)?),
                _ => return Err(format!("it cannot be told what `# needs: {need}` means")),
            }
        }
        Ok(needs)
    }

    fn met_by(&self, python: &Python) -> bool {
        let version = (python.version.0, python.version.1);
        self.from.is_none_or(|from| version >= from)
            && self.before.is_none_or(|before| version < before)
            && (!self.gil || python.gil)
            && (!self.linux || python.system.starts_with("Linux "))
    }
}

fn minor(version: &str) -> Result<(u32, u32), String> {
    version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| format!("`{version}` is no version like 3.10"))
}

/// An interpreter that was found, and what it says of itself.
#[derive(Debug)]
struct Python {
    executable: OsString,
    version: (u32, u32, u32),
    gil: bool,
    /// As `Linux 6.18 x86_64`.
    system: String,
}

impl Python {
    fn title(&self) -> String {
        let (major, minor, patch) = self.version;
        let build = if self.gil { "GIL" } else { "free-threaded" };
        format!("Python {major}.{minor}.{patch} ({build}), {}", self.system)
    }
}

/// Prints in a line each: version, GIL, system.
const PROBE: &str = "
import platform, sys, sysconfig
assert platform.python_implementation() == 'CPython', 'it is not CPython'
print(*sys.version_info[:3])
print('free-threaded' if sysconfig.get_config_var('Py_GIL_DISABLED') else 'GIL')
print(platform.system(), '.'.join(platform.release().split('-')[0].split('.')[:2]), platform.machine())
";

/// The interpreters to run. None is a skip, and a failure where `COURSE_REQUIRE` names python.
fn pythons() -> Vec<Python> {
    let Some(named) = env::var_os("LISTINGS_PYTHON").filter(|named| !named.is_empty()) else {
        match probe(OsStr::new("python3")) {
            Ok(python) => return vec![python],
            Err(why) if required() => {
                panic!(
                    "COURSE_REQUIRE asks for python, but python3 {why}: install CPython 3.9 or newer"
                )
            }
            Err(why) => {
                skip(&format!(
                    "the listings: python3 {why}; install CPython 3.9 or newer"
                ));
                return Vec::new();
            }
        }
    };
    // One that was asked for by name must be there.
    env::split_paths(&named)
        .map(|path| {
            probe(path.as_os_str())
                .unwrap_or_else(|why| panic!("LISTINGS_PYTHON: {} {why}", path.display()))
        })
        .collect()
}

fn probe(executable: &OsStr) -> Result<Python, String> {
    let output = Command::new(executable)
        .args(["-E", "-s", "-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("does not run ({error})"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let mut parse = || {
        let mut numbers = lines.next()?.split(' ').map_while(|word| word.parse().ok());
        Some(Python {
            executable: executable.into(),
            version: (numbers.next()?, numbers.next()?, numbers.next()?),
            gil: lines.next()? == "GIL",
            system: lines.next()?.into(),
        })
    };
    parse().ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!(
            "is no CPython: {}",
            errors.trim().lines().last().unwrap_or("it said nothing")
        )
    })
}

/// Runs a listing in an empty folder and returns what it printed; anything on standard error is a failure.
fn run(python: &OsStr, listing: &Path, deadline: Duration) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let mut command = Command::new(python);
    command
        .args(["-E", "-s", "-B"])
        .arg(listing)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    die_with_parent(&mut command);
    let mut child = command
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", python.display()))?;
    let group = libc::pid_t::try_from(child.id()).map_err(|error| error.to_string())?;
    let end_group = || {
        // SAFETY: the group was made for this child, which is not waited for yet: its id means no other.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    };

    let until = Instant::now() + deadline;
    let (sender, streams) = channel();
    let pipes: [(bool, Box<dyn Read + Send>); 2] = [
        (
            true,
            Box::new(child.stdout.take().expect("its output is a pipe")),
        ),
        (
            false,
            Box::new(child.stderr.take().expect("its errors are a pipe")),
        ),
    ];
    for (is_output, pipe) in pipes {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.take(MOST_OUTPUT + 1).read_to_end(&mut bytes);
            let _ = sender.send((is_output, read.map(|_| bytes)));
        });
    }
    let (mut output, mut errors) = (String::new(), String::new());
    let mut problem = None;
    for _ in 0..2 {
        match streams.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((_, Ok(bytes))) if bytes.len() as u64 > MOST_OUTPUT => {
                problem = Some(format!("prints more than {MOST_OUTPUT} bytes"));
            }
            Ok((is_output, Ok(bytes))) => match String::from_utf8(bytes) {
                Ok(text) if is_output => output = text,
                Ok(text) => errors = text,
                Err(_) => problem = Some("prints something that is not UTF-8".into()),
            },
            Ok((_, Err(error))) => problem = Some(format!("its output cannot be read: {error}")),
            Err(_) => problem = Some(format!("gives no end of output within {deadline:?}")),
        }
        if problem.is_some() {
            break;
        }
    }
    // Both streams have ended, so it is about to; it could still hang, so do not wait blindly.
    while problem.is_none() && Instant::now() < until {
        match child.try_wait() {
            Ok(Some(status)) if status.success() && errors.is_empty() => return Ok(output),
            Ok(Some(status)) => return Err(format!("ended with {status}:\n{output}{errors}")),
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => problem = Some(format!("cannot be waited for: {error}")),
        }
    }
    end_group();
    let _ = child.wait();
    Err(problem.unwrap_or_else(|| format!("does not end within {deadline:?}")))
}

/// A test run that is interrupted takes its listing along.
fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    // SAFETY: prctl with plain numbers is safe to call between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
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

fn replace(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
        fresh.write_all(text.as_bytes())?;
        let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        fresh.as_file().set_permissions(mode)?;
        fresh.persist(path)?;
        Ok(())
    };
    write().map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

fn required() -> bool {
    let required = env::var("COURSE_REQUIRE").unwrap_or_default();
    required.split(',').any(|word| word.trim() == "python")
}

/// Written past libtest's capture, so that it is seen when the test passes.
fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

mod the_check_itself {
    use super::*;

    fn python(version: (u32, u32, u32), gil: bool, system: &str) -> Python {
        Python {
            executable: "python3".into(),
            version,
            gil,
            system: system.into(),
        }
    }

    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listing.py");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn needs(line: &str) -> Result<Needs, String> {
        Needs::of(&format!("\"\"\"Shows.\"\"\"\n# needs: {line}\n"))
    }

    #[test]
    fn needs_are_read_and_compared() {
        let needs = needs("python >= 3.10, python < 3.14, gil, linux").unwrap();
        let linux = "Linux 6.18 x86_64";
        assert!(needs.met_by(&python((3, 10, 0), true, linux)));
        assert!(needs.met_by(&python((3, 13, 9), true, linux)));
        assert!(!needs.met_by(&python((3, 9, 18), true, linux)));
        assert!(!needs.met_by(&python((3, 14, 0), true, linux)));
        assert!(!needs.met_by(&python((3, 13, 5), false, linux)));
        assert!(!needs.met_by(&python((3, 13, 0), true, "Darwin 25.1 arm64")));
    }

    #[test]
    fn a_header_that_says_nothing_clear_is_refused() {
        assert!(needs("python >= three").is_err());
        assert!(needs("python == 3.10").is_err());
        assert!(needs("pypy").is_err());
        assert!(Needs::of("import os\n# needs: gil\n").is_err());
        assert!(Needs::of("\"\"\"Shows.\"\"\"\nimport os\n").is_err());
    }

    #[test]
    fn an_output_without_its_printer_is_refused() {
        assert_eq!(
            body("# Python 3.13.0 (GIL), Linux 6.18 x86_64\n1\n"),
            Some("1\n")
        );
        assert_eq!(body("1\n2\n"), None);
        assert_eq!(body(""), None);
    }

    #[test]
    fn a_listing_that_prints_something_else_is_caught_and_kept_unless_blessed() {
        let pythons = pythons();
        if pythons.is_empty() {
            return;
        }
        let (_folder, path) =
            script("\"\"\"Shows.\"\"\"\n# needs: python >= 3.9\nprint('a')\nprint('c')\n");
        let out = path.with_extension("out");
        let recorded = "# Python 3.9.0 (GIL), Linux 6.18 x86_64\na\nb\n";
        fs::write(&out, recorded).unwrap();

        let problem = check(&path, &pythons, false).unwrap_err();
        assert!(problem.contains("-b\n+c\n"), "{problem}");
        assert_eq!(fs::read_to_string(&out).unwrap(), recorded);

        check(&path, &pythons, true).unwrap();
        assert_eq!(
            fs::read_to_string(&out).unwrap(),
            format!("# {}\na\nc\n", pythons[0].title())
        );
        check(&path, &pythons, false).unwrap();
    }

    #[test]
    fn errors_warnings_and_floods_are_failures() {
        let pythons = pythons();
        let Some(python) = pythons.first() else {
            return;
        };
        for (text, what) in [
            ("import sys; print('half'); sys.exit(3)", "exit status: 3"),
            ("import sys; print('careful', file=sys.stderr)", "careful"),
            ("while True: print('x' * 1000)", "more than"),
        ] {
            let (_folder, path) = script(text);
            let problem = run(&python.executable, &path, DEADLINE).unwrap_err();
            assert!(problem.contains(what), "{text}: {problem}");
        }
    }

    #[test]
    fn a_hang_is_ended_with_all_that_it_started() {
        let pythons = pythons();
        let Some(python) = pythons.first() else {
            return;
        };
        // Whoever holds the writing end of this pipe is alive.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&writer);
        // SAFETY: a plain flag of a descriptor that is open; the listing is to inherit it.
        unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
        let (_folder, path) = script("import os, time\nos.fork()\ntime.sleep(600)\n");
        let problem = run(&python.executable, &path, Duration::from_secs(2)).unwrap_err();
        assert!(problem.contains("within 2s"), "{problem}");
        drop(writer);
        let (sender, end) = channel();
        std::thread::spawn(move || sender.send(reader.read(&mut [0]).unwrap()));
        let read = end.recv_timeout(DEADLINE);
        assert_eq!(read, Ok(0), "what the listing started lives on");
    }
}

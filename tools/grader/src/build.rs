//! Compiles the tests of an exercise, a solution or a submission with cargo, and distinguishes the author's errors from ours.

mod recipe;
mod toolchain;

pub(crate) use recipe::{Recipe, Terms};

use crate::{scratch, stop::Stop, text};
use serde::Deserialize;
use std::{
    ffi::{OsStr, OsString},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use supervise::{End, Keep, Options, Outcome, Stream};

/// Bytes of cargo's output that are kept: more than the messages of any whole build.
const OUTPUT: usize = 32 << 20;

/// What to compile, and how.
#[derive(Clone, Debug)]
pub struct Build {
    /// The folder of the package whose tests are compiled.
    pub package: PathBuf,
    /// Where cargo puts what it compiles.
    pub target_dir: PathBuf,
    /// Refuse to change `Cargo.lock`.
    pub locked: bool,
    /// Color diagnostics, for a terminal.
    pub color: bool,
    /// The deadline of the whole build; the first one on a machine compiles every dependency.
    pub deadline: Duration,
    /// A folder for the calls of rustc that a [`Recipe`] repeats.
    pub(crate) record: Option<PathBuf>,
}

/// A test binary that compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The test binary.
    pub tests: PathBuf,
    /// The compiler's warnings about the package, as it shows them.
    pub warnings: Vec<String>,
    /// Whether cargo compiled the library and the tests, rather than finding them up to date.
    pub anew: bool,
    /// All libraries that were made or found up to date, dependencies included.
    pub(crate) libraries: Vec<PathBuf>,
}

/// Why there is no test binary.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The package's code, or what the tests expect of it, does not compile.
    #[error("it does not compile")]
    Code {
        /// The compiler's errors and warnings, as it shows them.
        diagnostics: String,
    },
    /// The compiler was still busy at the deadline.
    #[error("the compiler did not finish in {} s", .0.as_secs())]
    Deadline(Duration),
    /// The compiler crashed, was killed, or wrote without end.
    #[error("{0}")]
    Died(String),
    /// SIGKILL ended the compiler, which hadn't used up its memory as far as anybody counts: somebody else did it.
    #[error("the compiler was killed (is the machine out of memory?)")]
    Killed,
    /// Cargo failed for a reason that is not in the package's code: the network, the disk, the toolchain, a dependency.
    #[error("cargo could not build the tests: {0}")]
    Tool(String),
    /// Cargo couldn't be started.
    #[error("cannot start cargo: {0} (is Rust installed?)")]
    Start(io::Error),
    /// A stop was requested.
    #[error("interrupted")]
    Interrupted,
}

impl Build {
    /// Builds the tests of `package` into `target_dir`.
    #[must_use]
    pub fn new(package: impl Into<PathBuf>, target_dir: impl Into<PathBuf>) -> Self {
        Self {
            package: package.into(),
            target_dir: target_dir.into(),
            locked: false,
            color: false,
            deadline: Duration::from_secs(30 * 60),
            record: None,
        }
    }

    /// Runs the build. `on_line` gets cargo's progress, line by line.
    ///
    /// It uses the network only if a dependency has never been downloaded.
    ///
    /// # Errors
    /// See [`CompileError`]; only [`CompileError::Code`] is about the package.
    pub fn run(
        &self,
        stop: &Stop,
        mut on_line: impl FnMut(&str),
    ) -> Result<Compiled, CompileError> {
        // What the first try says is shown only once it is known to be the last.
        let first = self.patiently(true, stop, &mut |line| {
            let line = line.trim_start();
            if line.starts_with("Compiling ") || line.starts_with("Blocking ") {
                on_line(line);
            }
        })?;
        match self.conclude(&first) {
            Err(CompileError::Tool(_)) if first.stderr.text().contains("--offline") => {
                let second = self.patiently(false, stop, &mut on_line)?;
                self.conclude(&second)
            }
            concluded => concluded,
        }
    }

    /// Runs cargo, and once more if the time went into waiting for another cargo's lock.
    fn patiently(
        &self,
        offline: bool,
        stop: &Stop,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Outcome, CompileError> {
        for _ in 0..2 {
            let outcome = self.cargo(offline, stop, on_line)?;
            match outcome.end {
                End::Stopped => return Err(CompileError::Interrupted),
                End::TimeUp(_)
                    if outcome
                        .stderr
                        .text()
                        .contains("Blocking waiting for file lock") => {}
                End::TimeUp(_) => return Err(CompileError::Deadline(self.deadline)),
                _ => return Ok(outcome),
            }
        }
        let problem = "another cargo kept the target folder locked (wait for it, then try again)";
        Err(CompileError::Tool(problem.to_owned()))
    }

    fn cargo(
        &self,
        offline: bool,
        stop: &Stop,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Outcome, CompileError> {
        // A linker that is killed leaves its files.
        let temporary = scratch::folder("build-").map_err(CompileError::Start)?;
        let mut command = cargo();
        command.env("TMPDIR", temporary.path());
        if let Some(folder) = &self.record {
            let wrapper = recipe::prepare(folder).map_err(CompileError::Start)?;
            command.env("RUSTC_WRAPPER", wrapper);
        }
        let rendered = if self.color {
            "json-diagnostic-rendered-ansi"
        } else {
            "json"
        };
        command.args([
            "test",
            "--no-run",
            "--message-format",
            rendered,
            "--manifest-path",
        ]);
        command
            .arg(self.package.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&self.target_dir);
        command
            .args(self.locked.then_some("--locked"))
            .args(offline.then_some("--offline"));
        command.current_dir(&self.package);
        let mut options = Options::new(self.deadline);
        options.stdout = Keep::First(OUTPUT);
        options.stderr = Keep::Last(OUTPUT);
        // Cargo may start a compiler cache that is meant to stay, and no code of the package runs when it is built.
        options.sweep = false;
        supervise::run(command, &options, stop, |stream, line| {
            if stream == Stream::Stderr {
                on_line(line);
            }
            ControlFlow::Continue(())
        })
        .map_err(CompileError::Start)
    }

    fn conclude(&self, outcome: &Outcome) -> Result<Compiled, CompileError> {
        let manifest = self.package.join("Cargo.toml");
        let stdout = outcome.stdout.text();
        let of_all = stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Message>(line).ok());
        let (messages, others): (Vec<_>, Vec<_>) = of_all.partition(|message| {
            message
                .manifest_path
                .as_deref()
                .is_some_and(|path| same_file(path, &manifest))
        });
        let diagnostics = || {
            messages
                .iter()
                .filter_map(|message| message.message.as_ref())
        };
        if !outcome.end.is_success() {
            // An error that points at no code, such as a failed link or a full disk, is not the author's.
            if let Some(died) = death(outcome) {
                return Err(died);
            }
            if !diagnostics().any(Diagnostic::is_in_code) {
                return Err(CompileError::Tool(reason(outcome)));
            }
            let shown = diagnostics()
                .map(|diagnostic| diagnostic.rendered.as_str())
                .collect::<Vec<_>>();
            return Err(CompileError::Code {
                diagnostics: shown.join("\n"),
            });
        }
        let artifact = |kind: &str| {
            messages
                .iter()
                .find(|message| message.target.kind.iter().any(|k| k == kind) && message.built())
        };
        let Some((tests, executable)) =
            artifact("test").and_then(|found| Some((found, found.executable.clone()?)))
        else {
            return Err(CompileError::Tool(format!(
                "{} has no tests",
                self.package.display()
            )));
        };
        let library = artifact("lib");
        Ok(Compiled {
            tests: executable,
            warnings: diagnostics()
                .filter(|one| one.is_warning())
                .map(|one| one.rendered.clone())
                .collect(),
            libraries: others.into_iter().flat_map(|one| one.filenames).collect(),
            anew: tests.fresh == Some(false)
                && library.is_none_or(|library| library.fresh == Some(false)),
        })
    }
}

/// Returns the command for the cargo that runs us, or the one on the PATH, without the variables that an outer cargo sets
/// for its own package.
pub(crate) fn cargo() -> Command {
    let mut command =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    forget_outer_package(&mut command);
    command
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_QUIET", "false");
    command
}

fn forget_outer_package(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_outer_package(name)) {
        command.env_remove(name);
    }
}

fn is_of_outer_package(name: &OsStr) -> bool {
    const NAMES: [&str; 6] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_CRATE_NAME",
        "CARGO_TARGET_TMPDIR",
        "OUT_DIR",
    ];
    name.to_str().is_some_and(|name| {
        NAMES.contains(&name) || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_")
    })
}

/// How the compiler itself died, if it did.
fn death(outcome: &Outcome) -> Option<CompileError> {
    let stderr = outcome.stderr.text();
    if let Some((_, signal)) = stderr.split_once("(signal: ") {
        return Some(killed(signal.split(')').next().unwrap_or(signal)));
    }
    crashed(&stderr)
}

fn killed(signal: &str) -> CompileError {
    CompileError::Died(format!(
        "the compiler itself was killed by signal {signal} (look at the sources by hand)"
    ))
}

fn crashed(stderr: &str) -> Option<CompileError> {
    let crash = "the compiler itself crashed (look at the sources by hand)";
    stderr
        .contains("the compiler unexpectedly panicked")
        .then(|| CompileError::Died(crash.to_owned()))
}

/// Says why cargo failed: an error that points at no code, or cargo's own message.
fn reason(outcome: &Outcome) -> String {
    let (stdout, stderr) = (outcome.stdout.text(), outcome.stderr.text());
    let mut messages = stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let compiler =
        messages.find_map(|message| message.message.filter(|message| message.level == "error"));
    let cargo = stderr
        .find("\nerror")
        .map_or(stderr.as_str(), |start| &stderr[start..]);
    text::message(&compiler.map_or_else(|| cargo.to_owned(), |message| message.rendered))
}

fn same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A line of `cargo --message-format json`, reduced to the fields used here.
#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    target: Target,
    message: Option<Diagnostic>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
    fresh: Option<bool>,
}

#[derive(Default, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: String,
    spans: Vec<serde::de::IgnoredAny>,
}

impl Diagnostic {
    /// Whether it is an error that points at code.
    fn is_in_code(&self) -> bool {
        self.level == "error" && !self.spans.is_empty()
    }

    /// Whether it is a warning that points at code.
    fn is_warning(&self) -> bool {
        self.level == "warning" && !self.spans.is_empty()
    }
}

impl Message {
    /// Whether this message is about a compiled file.
    fn built(&self) -> bool {
        self.fresh.is_some()
    }
}

//! How cargo has rustc compile a package, recorded once and repeated for each submission without cargo.
//!
//! Cargo looks at every dependency, holds a lock on the target folder and writes into it. A recipe does none of that, so any
//! number of submissions compile at the same time, each in a folder of its own, and a sandboxed compiler writes nowhere else.

use super::{CompileError, Diagnostic, toolchain};
use crate::{
    sandbox::{Compiler, Contained, Level, Sandbox},
    stop::Stop,
    text,
};
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    ops::ControlFlow,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use supervise::{End, Keep, Options, Outcome, Patience};

/// Stands in front of rustc, as `RUSTC_WRAPPER`, and writes down the calls for the package that is being built: the folder,
/// cargo's variables, an empty word, the command line.
const RECORDER: &str = r#"#!/bin/sh
if [ -n "$CARGO_PRIMARY_PACKAGE" ]; then
  {
    printf '%s\0' "$PWD"
    for name in CARGO_CRATE_NAME CARGO_MANIFEST_DIR CARGO_MANIFEST_PATH CARGO_PKG_AUTHORS CARGO_PKG_DESCRIPTION \
      CARGO_PKG_HOMEPAGE CARGO_PKG_LICENSE CARGO_PKG_LICENSE_FILE CARGO_PKG_NAME CARGO_PKG_README CARGO_PKG_REPOSITORY \
      CARGO_PKG_RUST_VERSION CARGO_PKG_VERSION CARGO_PKG_VERSION_MAJOR CARGO_PKG_VERSION_MINOR CARGO_PKG_VERSION_PATCH \
      CARGO_PKG_VERSION_PRE; do
      eval "printf '%s=%s\0' $name \"\${$name-}\""
    done
    printf '\0'
    printf '%s\0' "$@"
  } >"${0%/*}/$$.call"
fi
exec "$@"
"#;

/// The wrapper's name in the folder that it records into.
const WRAPPER: &str = "wrapper";

/// Calls rustc twice in the folder `$1`, with the arguments in the files `$2` and `$3`.
const SCRIPT: &str = r#"cd -- "$1" || exit 125; first="@$2" second="@$3"; shift 3; "$@" "$first" && exec "$@" "$second""#;

/// Bytes that one file of a submission's build may have: a test binary has a few MiB.
const FILE_SIZE: u64 = 256 << 20;

/// SIGKILL.
const KILL: i32 = 9;

/// Two calls of rustc: for the library of a package, and for its tests.
#[derive(Debug)]
pub(crate) struct Recipe {
    library: Call,
    tests: Call,
    /// The folder that the package's workspace and the tests were in, in place of which each submission has one.
    home: PathBuf,
    /// The compiled dependencies.
    dependencies: PathBuf,
}

/// One call of rustc, as cargo made it.
#[derive(Debug)]
struct Call {
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
    words: Vec<OsString>,
}

/// Under which terms a submission is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) sandbox: Sandbox,
    pub(crate) deadline: Duration,
    /// Bytes of address space for each process.
    pub(crate) memory: u64,
    /// Bytes of messages after which the compiler is ended.
    pub(crate) flood: u64,
    /// What a sandboxed compiler reads beside the system, the toolchain and the submission.
    pub(crate) readable: Vec<PathBuf>,
    /// Folders of these that are empty for it.
    pub(crate) hidden: Vec<PathBuf>,
}

/// What rustc made of a submission.
#[derive(Debug)]
pub(crate) struct Made {
    /// The test binary.
    pub(crate) tests: PathBuf,
    /// The compiler's warnings.
    pub(crate) warnings: Vec<String>,
    /// rustc's list of what it read for the library.
    pub(crate) dep_info: PathBuf,
}

/// Makes `folder` one that a build records into, and returns the wrapper to set as `RUSTC_WRAPPER`.
pub(super) fn prepare(folder: &Path) -> io::Result<PathBuf> {
    let wrapper = folder.join(WRAPPER);
    fs::write(&wrapper, RECORDER)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(wrapper)
}

impl Recipe {
    /// Reads what a build of `home`'s package recorded in `folder`, and keeps the compiled dependencies, `artifacts`, in
    /// `dependencies`.
    pub(crate) fn read(
        folder: &Path,
        home: &Path,
        artifacts: &[PathBuf],
        dependencies: &Path,
    ) -> Result<Self, String> {
        let mut calls = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "call")
            {
                let bytes = fs::read(&path).map_err(|error| error.to_string())?;
                calls.push(Call::parse(&bytes).ok_or("a call of rustc was not recorded whole")?);
            }
        }
        let (mut libraries, mut tests): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(Call::is_library);
        let (Some(library), Some(tests), true) = (
            libraries.pop(),
            tests.pop(),
            libraries.is_empty() && tests.is_empty(),
        ) else {
            return Err(
                "cargo did not call rustc once for a library and once for tests".to_owned(),
            );
        };
        let own = library.output(".rlib");
        for artifact in artifacts {
            let name = artifact.file_name().unwrap_or_default();
            let is_library = ["rlib", "rmeta", "so", "dylib"]
                .iter()
                .any(|kind| artifact.extension().is_some_and(|found| found == *kind));
            if is_library && Path::new(name).with_extension("rlib") != Path::new(&own) {
                keep(artifact, &dependencies.join(name))
                    .map_err(|error| format!("{}: {error}", artifact.display()))?;
            }
        }
        Ok(Self {
            library,
            tests,
            home: home.to_owned(),
            dependencies: dependencies.to_owned(),
        })
    }

    /// Compiles what is staged in `unit` as the recorded package was in its home. Writes to `unit/out`, which exists.
    pub(crate) fn compile(
        &self,
        unit: &Path,
        terms: &Terms,
        stop: &Stop,
    ) -> Result<Made, CompileError> {
        let out = unit.join("out");
        let prepare = || {
            let files = [("library.args", &self.library), ("tests.args", &self.tests)];
            for (name, call) in files {
                fs::write(unit.join(name), self.arguments(call, unit, &out)?)?;
            }
            let contained = self.contained(unit, &out, terms)?;
            io::Result::Ok((files.map(|(name, _)| unit.join(name)), contained))
        };
        let (files, mut contained) = prepare().map_err(CompileError::Start)?;
        let mut command = std::mem::replace(&mut contained.command, Command::new("true"));
        command
            .args(["-c", SCRIPT, "sh"])
            .arg(moved(self.library.folder.as_os_str(), &self.home, unit))
            .args(files)
            .args(self.library.program());
        let mut options = Options::new(terms.deadline);
        // A neighbor that takes the processor must not cost anybody the time to compile.
        options.patience = Patience::new(terms.deadline / 2, terms.deadline);
        options.stderr = Keep::First(super::OUTPUT);
        options.flood = Some(terms.flood);
        options.limits.memory = Some(terms.memory);
        options.limits.file_size = Some(FILE_SIZE);
        // Only the compiler runs, which leaves nobody behind.
        options.sweep = false;
        let go_on = |_, _: &str| ControlFlow::Continue(());
        let outcome =
            supervise::run(command, &options, stop, go_on).map_err(CompileError::Start)?;
        let warnings = conclude(&outcome, contained.exceeded().is_some(), terms)?;
        Ok(Made {
            tests: out.join(self.tests.output("")),
            warnings,
            dep_info: out.join(self.library.output(".d")),
        })
    }

    /// A shell with cargo's variables, in the sandbox if there is one, still without arguments.
    fn contained(&self, unit: &Path, out: &Path, terms: &Terms) -> io::Result<Contained> {
        let shell = "/bin/sh";
        let mut contained = if terms.sandbox.level() == Level::L0 {
            let mut command = Command::new(shell);
            super::forget_outer_package(&mut command);
            // A linker that is killed leaves its files. A sandbox has a folder for them that ends with it.
            command.env("TMPDIR", out);
            Contained::bare(command)
        } else {
            let homes = toolchain::Homes::of_user();
            let mut readable: Vec<_> = homes.readable().chain(terms.readable.clone()).collect();
            readable.extend([self.dependencies.clone(), unit.to_owned()]);
            let mut contained = terms.sandbox.compiler(&Compiler {
                program: shell.into(),
                readable,
                writable: vec![out.to_owned()],
                hidden: terms.hidden.clone(),
                visible: Vec::new(),
            })?;
            contained
                .command
                .env_clear()
                .envs(std::env::vars_os().filter(|(name, _)| toolchain::steers_build(name)))
                .envs(homes.variables());
            contained
        };
        for (name, value) in &self.library.variables {
            contained.command.env(name, moved(value, &self.home, unit));
        }
        Ok(contained)
    }

    /// What follows `rustc` in a call, for what is staged in `unit`: an argument a line.
    fn arguments(&self, call: &Call, unit: &Path, out: &Path) -> io::Result<Vec<u8>> {
        let own = self.library.output(".rlib");
        let mut lines: Vec<OsString> = Vec::new();
        let mut words = call.words.iter().skip(call.program().len());
        while let Some(word) = words.next() {
            if word.as_bytes().starts_with(b"--json") {
                // Colors, and what only cargo reads.
                continue;
            }
            if !["-C", "-L", "--extern", "--out-dir"]
                .iter()
                .any(|flag| word == flag)
            {
                lines.push(moved(word, &self.home, unit));
                continue;
            }
            let value = words.next().ok_or(io::ErrorKind::InvalidData)?;
            let bytes = value.as_bytes();
            let at = bytes
                .iter()
                .position(|&byte| byte == b'=')
                .map_or(0, |at| at + 1);
            let (key, path) = (&bytes[..at], Path::new(OsStr::from_bytes(&bytes[at..])));
            let name = path.file_name().unwrap_or_default();
            let path = match (word.as_bytes(), key) {
                // What the compiler of one submission left is nothing for that of the next.
                (b"-C", b"incremental=") => continue,
                (b"--out-dir", _) => out.to_owned(),
                (b"-L", b"dependency=") => self.dependencies.clone(),
                (b"--extern", _) if name == own => out.join(name),
                (b"--extern", _) if path.is_absolute() => self.dependencies.join(name),
                _ => path.to_owned(),
            };
            let mut value = OsStr::from_bytes(key).to_owned();
            value.push(path);
            lines.extend([word.clone(), value]);
        }
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        if lines.iter().any(|line| line.contains(&b'\n')) {
            return Err(io::Error::other("the name of a folder has a line break"));
        }
        Ok(lines.join(&b'\n'))
    }
}

impl Call {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = bytes.strip_suffix(b"\0")?;
        let mut words = text
            .split(|&byte| byte == 0)
            .map(|word| OsStr::from_bytes(word).to_owned());
        let folder = PathBuf::from(words.next()?);
        let variables = words.by_ref().take_while(|word| !word.is_empty());
        let variables = variables.map(|variable| {
            let bytes = variable.as_bytes();
            let at = bytes.iter().position(|&byte| byte == b'=')?;
            let [name, value] = [&bytes[..at], &bytes[at + 1..]].map(OsStr::from_bytes);
            Some((name.to_owned(), value.to_owned()))
        });
        let variables = variables.collect::<Option<_>>()?;
        let words: Vec<_> = words.collect();
        (!words.is_empty()).then_some(Self {
            folder,
            variables,
            words,
        })
    }

    /// rustc, perhaps with a wrapper before it.
    fn program(&self) -> &[OsString] {
        let flag = self
            .words
            .iter()
            .position(|word| word.as_bytes().starts_with(b"-"));
        &self.words[..flag.unwrap_or(self.words.len())]
    }

    fn is_library(&self) -> bool {
        let pairs = self.words.windows(2);
        pairs
            .filter(|pair| pair[0] == "--crate-type")
            .any(|pair| pair[1] == "lib")
    }

    /// The name of a file that this call writes: `memory-0123456789abcdef.d`.
    fn output(&self, kind: &str) -> OsString {
        let after = |flag: &str, prefix: &str| {
            let mut pairs = self.words.windows(2).filter(|pair| pair[0] == flag);
            pairs.find_map(|pair| pair[1].to_str()?.strip_prefix(prefix).map(str::to_owned))
        };
        let name = after("--crate-name", "").unwrap_or_default();
        let extra = after("-C", "extra-filename=").unwrap_or_default();
        let before = if kind == ".rlib" { "lib" } else { "" };
        format!("{before}{name}{extra}{kind}").into()
    }
}

/// `path` below `to` if it is below `from`, else as it is.
fn moved(path: &OsStr, from: &Path, to: &Path) -> OsString {
    match Path::new(path).strip_prefix(from) {
        Ok(inside) => to.join(inside).into(),
        Err(_) => path.to_owned(),
    }
}

/// A second name for a file, so that it stays when cargo replaces it; a copy where there can't be one.
fn keep(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => fs::copy(from, to).map(drop),
        done => done,
    }
}

/// The compiler's warnings; or why there is no test binary. `exceeded` says that a limit was.
fn conclude(outcome: &Outcome, exceeded: bool, terms: &Terms) -> Result<Vec<String>, CompileError> {
    let stderr = outcome.stderr.text();
    let diagnostics: Vec<Diagnostic> = stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let signal = match outcome.end {
        End::Stopped => return Err(CompileError::Interrupted),
        End::TimeUp(up) => {
            let after = Duration::from_secs(up.after.as_secs());
            return Err(CompileError::Deadline(after));
        }
        End::Flooded(_) => {
            let most = terms.flood >> 20;
            return Err(CompileError::Died(format!(
                "the compiler wrote more than {most} MiB of messages and was ended"
            )));
        }
        // A shell returns 128 and more for a program that was killed.
        end => end.signal().or(end.code().map(|code| code - 128)),
    };
    if signal == Some(KILL) && !exceeded {
        return Err(CompileError::Killed);
    }
    if let Some(signal) = signal.filter(|signal| *signal > 0) {
        return Err(super::killed(&signal.to_string()));
    }
    if let Some(crashed) = super::crashed(&stderr) {
        return Err(crashed);
    }
    let rendered = |one: &Diagnostic| one.rendered.clone();
    if outcome.end.is_success() {
        let warnings = diagnostics.iter().filter(|one| one.is_warning());
        return Ok(warnings.map(rendered).collect());
    }
    if diagnostics.iter().any(Diagnostic::is_in_code) {
        let shown: Vec<_> = diagnostics.iter().map(rendered).collect();
        return Err(CompileError::Code {
            diagnostics: shown.join("\n"),
        });
    }
    let error = diagnostics.iter().find(|one| one.level == "error");
    let reason = error.map(rendered).or_else(|| outcome.last_complaint());
    let reason = reason.unwrap_or_else(|| outcome.end.to_string());
    Err(CompileError::Tool(text::message(&reason)))
}

//! The one place where submissions are compiled: a fixed folder, so that dependencies are compiled once, that holds the
//! course's own manifests, lock file and tests, and of the submission its source files alone.
//!
//! ```text
//! target/grade/
//!   lock                    held by the one process that uses the slot
//!   slot/Cargo.toml         the course's, for what the tests inherit from it
//!   slot/tests              the course's tests, by a symlink
//!   slot/solutions/…        the workspace of the reference answers, each with the course's manifest
//!   slot/solutions/<slug>/src   the submission
//! ```

use crate::{
    build::{Build, CompileError, Compiled},
    course::Course,
    sandbox::Sandbox,
    sources::Sources,
    stop::Stop,
    text,
};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long the compiler may take for a submission whose dependencies are compiled: it takes about a second.
const DEADLINE: Duration = Duration::from_secs(60);

/// Bytes of messages after which a submission's compiler is ended.
const FLOOD: u64 = 8 << 20;

/// Address space of each process of a submission's build: `include!` of an endless device must not exhaust the memory.
const MEMORY: u64 = 8 << 30;

/// The environment variables that a submission may read at compile time: those that come from the course's own manifest.
const PLAIN_VARIABLES: [&str; 3] = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME"];

/// Why the build folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// A file could not be written, read or moved.
    #[error("cannot use {}: {cause} (is the disk full?)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// A stop was requested.
    #[error("interrupted")]
    Interrupted,
}

/// An exclusive lock on the build folder, until dropped.
#[derive(Debug)]
pub struct Slot {
    course: Course,
    home: PathBuf,
    target: PathBuf,
    first: bool,
    sandbox: Sandbox,
    deadline: Duration,
    _lock: File,
}

/// Whose code is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The course's: the reference solution.
    Course,
    /// A learner's: compiled in the sandbox, and to blame when the compiler dies of it.
    Learner,
}

/// A submission that compiled. Its test binary is removed when this is dropped.
#[derive(Debug)]
pub struct Subject {
    /// The test binary.
    pub tests: tempfile::TempPath,
    /// The compiler's warnings, as it shows them.
    pub warnings: Vec<String>,
}

/// Why a submission has no test binary.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// It does not compile: the compiler's diagnostics.
    #[error("{0}")]
    Code(String),
    /// The compiler did not finish with it in time.
    #[error("the compiler did not finish in {} s", .0.as_secs())]
    Deadline(Duration),
    /// It compiles, but reads what it must not: the rule it breaks.
    #[error("{0}")]
    Rejected(String),
    /// The compiler was killed, perhaps by somebody else.
    #[error("{0}")]
    Killed(String),
    /// The course or the machine failed, not the submission.
    #[error("{0}")]
    Infrastructure(String),
    /// A stop was requested.
    #[error("interrupted")]
    Interrupted,
}

impl From<SlotError> for SubjectError {
    fn from(error: SlotError) -> Self {
        match error {
            SlotError::Interrupted => Self::Interrupted,
            SlotError::File { .. } => Self::Infrastructure(error.to_string()),
        }
    }
}

impl Slot {
    /// Locks the course's build folder and prepares it. If another process holds the lock, calls `on_wait` and waits.
    ///
    /// # Errors
    /// When the folder can't be written, or on a stop while waiting.
    pub fn take(course: &Course, stop: &Stop, on_wait: impl FnOnce()) -> Result<Self, SlotError> {
        let target = course.target_dir();
        let home = target.join("grade");
        fs::create_dir_all(&home).map_err(at(&home))?;
        let path = home.join("lock");
        let lock = File::create(&path).map_err(at(&path))?;
        wait_for(&lock, stop, on_wait)
            .map_err(|error| error.map_or(SlotError::Interrupted, at(&path)))?;
        let slot = Self {
            course: course.clone(),
            home: home.join("slot"),
            target,
            first: true,
            sandbox: Sandbox::none(),
            deadline: DEADLINE,
            _lock: lock,
        };
        slot.sweep(&home)?;
        slot.lay_out()?;
        Ok(slot)
    }

    /// From now on, ends a compiler that takes longer over a submission.
    pub fn limit(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// From now on, compiles submissions in `sandbox`.
    pub fn contain(&mut self, sandbox: Sandbox) {
        self.sandbox = sandbox;
    }

    /// Compiles `sources` as the subject of `slug`'s tests, exactly as every other submission, solution and starter is.
    ///
    /// # Errors
    /// See [`SubjectError`].
    pub fn compile(
        &mut self,
        slug: &str,
        sources: &Sources,
        author: Author,
        stop: &Stop,
        on_line: impl FnMut(&str),
    ) -> Result<Subject, SubjectError> {
        let package = self.stage(slug, sources)?;
        let mut build = Build::new(&package, &self.target);
        build.locked = true;
        if !self.first {
            build.deadline = self.deadline;
            build.memory = Some(MEMORY);
        }
        if author == Author::Learner {
            build.flood = Some(FLOOD);
            self.contain_build(&mut build);
        }
        let compiled = match build.run(stop, on_line) {
            Ok(compiled) => compiled,
            Err(CompileError::Code { diagnostics }) => {
                return Err(SubjectError::Code(text::message(&diagnostics)));
            }
            Err(CompileError::Deadline(after)) => return Err(SubjectError::Deadline(after)),
            // The same compiler was done with the reference solution.
            Err(CompileError::Died(how)) if author == Author::Learner => {
                return Err(SubjectError::Code(how));
            }
            Err(error @ CompileError::Killed) if author == Author::Learner => {
                return Err(SubjectError::Killed(error.to_string()));
            }
            Err(CompileError::Interrupted) => return Err(SubjectError::Interrupted),
            Err(error) => return Err(SubjectError::Infrastructure(error.to_string())),
        };
        self.first = false;
        let infrastructure = |what: &str| Err(SubjectError::Infrastructure(what.to_owned()));
        if !compiled.anew {
            return infrastructure("cargo took an older build for this one (is the clock right?)");
        }
        let Some(read) = &compiled.dep_info else {
            return infrastructure("cargo does not say what the compiler read");
        };
        let read = fs::read_to_string(read)
            .map_err(at(read))
            .map_err(SubjectError::from)?;
        check_inputs(&read, &package, &self.home.join("solutions"))
            .map_err(SubjectError::Rejected)?;
        Ok(Subject {
            tests: self.keep(slug, &compiled)?,
            warnings: compiled.warnings,
        })
    }

    /// A submission's compiler sees the toolchain, the slot and the course's tests without the answers among them.
    fn contain_build(&self, build: &mut Build) {
        build.sandbox = self.sandbox.clone();
        let tests = self.course.root.join("tests");
        let answers = ["right", "wrong", "starters"].map(|name| tests.join(name));
        // In this order: the slot is in the folder that is hidden, within the one that is written to.
        build.readable = vec![tests];
        build.writable = vec![self.target.clone()];
        build.hidden = vec![self.target.join("grade")];
        build.hidden.extend(answers);
        build.visible = vec![self.home.clone()];
    }

    /// The folder that the tests of `slug` are compiled in.
    #[must_use]
    pub fn package(&self, slug: &str) -> PathBuf {
        self.home.join("solutions").join(slug)
    }

    /// The course's tests as the compiler was shown them.
    #[must_use]
    pub fn tests(&self) -> PathBuf {
        self.home.join("tests")
    }

    /// Removes the test binaries that a killed grader left behind.
    fn sweep(&self, home: &Path) -> Result<(), SlotError> {
        for entry in fs::read_dir(home).map_err(at(home))? {
            let path = entry.map_err(at(home))?.path();
            if path != self.home && path.file_name().is_some_and(|name| name != "lock") {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Writes what is the same for every submission.
    fn lay_out(&self) -> Result<(), SlotError> {
        let solutions = self.home.join("solutions");
        // Left over from a chapter that is gone, it would still be a member of the workspace.
        remove(&solutions)?;
        fs::create_dir_all(&solutions).map_err(at(&solutions))?;
        let root = &self.course.root;
        copy(&root.join("Cargo.toml"), &self.home.join("Cargo.toml"))?;
        for name in ["Cargo.toml", "Cargo.lock"] {
            copy(&root.join("solutions").join(name), &solutions.join(name))?;
        }
        let tests = self.home.join("tests");
        let theirs = root.join("tests");
        if fs::read_link(&tests).ok().as_ref() != Some(&theirs) {
            remove(&tests)?;
            symlink(&theirs, &tests).map_err(at(&tests))?;
        }
        for chapter in &self.course.chapters {
            self.stage(&chapter.slug, &Sources::from_iter([("lib.rs", "")]))?;
        }
        Ok(())
    }

    /// Makes the package of `slug` from the course's manifest and the given sources, with times that make cargo compile them.
    fn stage(&self, slug: &str, sources: &Sources) -> Result<PathBuf, SlotError> {
        let package = self.package(slug);
        remove(&package)?;
        copy(
            &self
                .course
                .root
                .join("solutions")
                .join(slug)
                .join("Cargo.toml"),
            &package.join("Cargo.toml"),
        )?;
        for (path, text) in sources.iter() {
            let path = package.join("src").join(path);
            write(&path, text.as_bytes())?;
            let file = File::options().write(true).open(&path).map_err(at(&path))?;
            file.set_modified(later_than_any_build())
                .map_err(at(&path))?;
        }
        Ok(package)
    }

    /// Moves the test binary to where the next submission does not overwrite it.
    fn keep(&self, slug: &str, compiled: &Compiled) -> Result<tempfile::TempPath, SlotError> {
        let kept = tempfile::Builder::new()
            .prefix(&format!("{slug}-"))
            .make_in(self.target.join("grade"), |path| {
                fs::rename(&compiled.tests, path)
            })
            .map_err(at(&compiled.tests))?;
        Ok(kept.into_temp_path())
    }
}

/// A time of change by which cargo takes no build for one of these sources, even where the clock was set back after it.
///
/// 32 bits hold it, which is all that some file systems keep.
fn later_than_any_build() -> SystemTime {
    const LATE: Duration = Duration::from_secs(i32::MAX as u64);
    (SystemTime::UNIX_EPOCH + LATE).max(SystemTime::now())
}

/// Waits for the lock; an error without a cause is a stop.
fn wait_for(lock: &File, stop: &Stop, on_wait: impl FnOnce()) -> Result<(), Option<io::Error>> {
    let mut on_wait = Some(on_wait);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(Some(error)),
        }
        if let Some(on_wait) = on_wait.take() {
            on_wait();
        }
        if stop.is_requested() {
            return Err(None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Rejects a submission if rustc read anything but the submission's own sources. `base` is the folder rustc ran in.
fn check_inputs(dep_info: &str, package: &Path, base: &Path) -> Result<(), String> {
    let src = package.join("src");
    for line in dep_info.lines() {
        if let Some(variable) = line.strip_prefix("# env-dep:") {
            let name = variable.split('=').next().unwrap_or(variable);
            if !PLAIN_VARIABLES.contains(&name) {
                return Err(format!(
                    "it reads the environment variable {} when it is compiled (remove the env!)",
                    text::printable(name)
                ));
            }
        }
        // Each input has a line of its own, `path:`, with nothing that it depends on.
        let Some(input) = line.strip_suffix(':').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let input = unescape(input);
        if !inside(&base.join(&input), &src) {
            return Err(format!(
                "it reads {} when it is compiled, which is not in its src (remove the include! or #[path])",
                text::printable(&input)
            ));
        }
    }
    Ok(())
}

/// Undoes Make's escape of a space, `\ `.
fn unescape(name: &str) -> String {
    name.replace("\\ ", " ")
}

/// Whether `path` is inside `folder`, lexically: we created both, so neither contains a symlink.
fn inside(path: &Path, folder: &Path) -> bool {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain.starts_with(folder)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SlotError + use<> {
    let path = path.to_owned();
    move |cause| SlotError::File { path, cause }
}

fn copy(from: &Path, to: &Path) -> Result<(), SlotError> {
    let bytes = fs::read(from).map_err(at(from))?;
    // Unchanged files keep their times: cargo need not look at them again.
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    write(to, &bytes)
}

fn write(to: &Path, bytes: &[u8]) -> Result<(), SlotError> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    fs::write(to, bytes).map_err(at(to))
}

fn remove(path: &Path) -> Result<(), SlotError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

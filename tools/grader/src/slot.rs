//! Where submissions are compiled: in folders that hold the course's own tests, and of the submission its source files alone.
//!
//! ```text
//! target/grade/
//!   lock                    held by the one process that uses the slot
//!   slot/Cargo.toml         the course's, for what the tests inherit from it
//!   slot/tests              the course's tests, by a symlink
//!   slot/solutions/…        the workspace of the reference answers, which cargo builds, each with the course's manifest
//!   slot/dependencies/<slug>   what the tests of a chapter depend on, compiled
//!   unit-…/tests            the course's tests, by a symlink
//!   unit-…/solutions/<slug>/src   a submission
//!   unit-…/out              where its compiler writes
//! ```

mod units;

pub use units::Units;

use crate::{
    build::{Build, CompileError, Recipe, Terms},
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
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long the compiler may take for a submission whose dependencies are compiled: it takes about a second.
const DEADLINE: Duration = Duration::from_secs(60);

/// Bytes of messages after which a submission's compiler is ended.
const FLOOD: u64 = 8 << 20;

/// Address space of each process of a submission's build: `include!` of an endless device must not exhaust the memory.
const MEMORY: u64 = 8 << 30;

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
    sandbox: Sandbox,
    deadline: Duration,
    _lock: File,
}

/// Sources that compiled. The test binary is removed when this is dropped.
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

impl From<CompileError> for SubjectError {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Code { diagnostics } => Self::Code(text::message(&diagnostics)),
            CompileError::Deadline(after) => Self::Deadline(after),
            // The same compiler was done with the reference solution.
            CompileError::Died(how) => Self::Code(how),
            CompileError::Killed => Self::Killed(error.to_string()),
            CompileError::Interrupted => Self::Interrupted,
            CompileError::Tool(_) | CompileError::Start(_) => {
                Self::Infrastructure(error.to_string())
            }
        }
    }
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

    /// Builds the reference solution of `slug` with cargo, dependencies included, and learns how to compile submissions alike.
    ///
    /// # Errors
    /// See [`SubjectError`].
    pub(crate) fn build(
        &mut self,
        slug: &str,
        solution: &Sources,
        stop: &Stop,
        on_line: impl FnMut(&str),
    ) -> Result<(Subject, Recipe), SubjectError> {
        let package = self.stage(slug, solution)?;
        let records = self.home.join("records");
        let dependencies = self.home.join("dependencies").join(slug);
        for folder in [&records, &dependencies] {
            remove(folder)?;
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let mut build = Build::new(&package, &self.target);
        build.locked = true;
        build.record = Some(records.clone());
        let compiled = build.run(stop, on_line)?;
        let infrastructure = |what: &str| SubjectError::Infrastructure(what.to_owned());
        if !compiled.anew {
            let why = "cargo took an older build for this one (is the clock right?)";
            return Err(infrastructure(why));
        }
        let recipe = Recipe::read(&records, &self.home, &compiled.libraries, &dependencies);
        let recipe = recipe.map_err(|why| infrastructure(&why))?;
        let subject = Subject {
            tests: keep(&self.target.join("grade"), slug, &compiled.tests)?,
            warnings: compiled.warnings,
        };
        Ok((subject, recipe))
    }

    /// Where submissions are compiled from now on.
    #[must_use]
    pub fn units(&self) -> Units {
        let tests = self.course.root.join("tests");
        Units {
            home: self.target.join("grade"),
            tests: tests.clone(),
            terms: Terms {
                sandbox: self.sandbox.clone(),
                deadline: self.deadline,
                memory: MEMORY,
                flood: FLOOD,
                hidden: ["right", "wrong", "starters"]
                    .map(|name| tests.join(name))
                    .to_vec(),
                readable: vec![tests],
            },
        }
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

/// Moves a test binary to where nothing overwrites it.
fn keep(home: &Path, slug: &str, tests: &Path) -> Result<tempfile::TempPath, SlotError> {
    let kept = tempfile::Builder::new()
        .prefix(&format!("{slug}-"))
        .make_in(home, |path| fs::rename(tests, path))
        .map_err(at(tests))?;
    Ok(kept.into_temp_path())
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

//! The subject's side: runs the learner's code on an input and sends back what it returned.

use crate::failure::{self, tidy};
use crate::harness::{self, Counts};
use crate::wire::{self, Job, Panic, Reply};
use os_core::process::ParentOnly;
use serde::{Serialize, de::DeserializeOwned};
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) const ENTRY: &str = "CHECKS_ENTRY";

/// Seconds after which the kernel ends a subject whose judge has not.
const LAST_RESORT: u32 = 60;

/// Bytes that a subject, and each of its children, may have in memory of its own.
const MEMORY: libc::rlim_t = 1 << 30;

static JUDGE: Mutex<Option<ParentOnly<UnixStream>>> = Mutex::new(None);
/// The process id of the subject, as opposed to that of a child it forked.
static SUBJECT: AtomicU32 = AtomicU32::new(0);
static FIRST_PANIC: Mutex<Option<Panic>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Before `main`: in a subject asked for `entry`, runs it and ends the process; else does nothing.
#[doc(hidden)]
pub fn enter<I: DeserializeOwned, O: Serialize>(entry: &str, body: impl FnOnce(I) -> O) {
    if std::env::var_os(ENTRY).is_none_or(|asked| asked != entry) {
        prepare_judge();
        return;
    }
    let code = match serve(body) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("subject {entry}: {error}");
            102
        }
    };
    let _ = std::io::stdout().flush();
    // SAFETY: ends the process; threads that the learner left running are no longer of interest.
    unsafe { libc::_exit(code) }
}

/// In the judge: failures are printed for learners, and a snapshot that differs changes no file.
fn prepare_judge() {
    failure::install_hook();
    for (name, value) in [("INSTA_UPDATE", "no"), ("INSTA_WORKSPACE_ROOT", ".")] {
        if std::env::var_os(name).is_none() {
            // SAFETY: before `main` there is one thread, so nobody reads the environment meanwhile.
            unsafe { std::env::set_var(name, value) }
        }
    }
}

fn serve<I: DeserializeOwned, O: Serialize>(body: impl FnOnce(I) -> O) -> std::io::Result<()> {
    let mut judge = take_judge()?;
    limit_memory();
    let job: Job = wire::receive(&mut *judge)?;
    harness::begin(0)?;
    let input: I = serde_json::from_value(job.input)?;
    failure::remember_seed(job.seed);
    wire::send(&mut *judge, &Reply::Ready)?;
    *lock(&JUDGE) = Some(judge);
    SUBJECT.store(std::process::id(), Relaxed);
    std::panic::set_hook(Box::new(first_panic));
    let returned = catch_unwind(AssertUnwindSafe(|| body(input)));
    let reply = match returned {
        Ok(value) => Reply::Returned(serde_json::to_value(value)?),
        Err(_) => Reply::Panicked(lock(&FIRST_PANIC).take().unwrap_or(Panic {
            message: "a panic without a message".into(),
            place: "an unknown place".into(),
        })),
    };
    with_judge(|judge| wire::send(judge, &reply))
}

/// A loop that fills memory ends as a crash of the subject, before the machine has none left; a crash
/// leaves no core file behind.
fn limit_memory() {
    for (resource, most) in [(libc::RLIMIT_DATA, MEMORY), (libc::RLIMIT_CORE, 0)] {
        let limit = libc::rlimit {
            rlim_cur: most,
            rlim_max: most,
        };
        // SAFETY: the limit is ours to read. One that cannot be set (above a lower one) is low enough.
        unsafe { libc::setrlimit(resource, &raw const limit) };
    }
}

/// The socket to the judge arrives as standard input; the learner's code finds nothing there.
fn take_judge() -> std::io::Result<ParentOnly<UnixStream>> {
    // SAFETY: all of these take plain numbers; the new descriptor is nobody else's. There is one thread.
    unsafe {
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::alarm(LAST_RESORT);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN); // as Rust's runtime would
        let fd = libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let judge = UnixStream::from(OwnedFd::from_raw_fd(fd));
        let nothing = std::fs::File::open("/dev/null")?;
        if libc::dup2(nothing.as_raw_fd(), 0) < 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(ParentOnly::new(judge))
    }
}

fn with_judge<T>(use_it: impl FnOnce(&mut UnixStream) -> std::io::Result<T>) -> std::io::Result<T> {
    match lock(&JUDGE).as_mut() {
        Some(judge) => use_it(&mut *judge),
        None => Err(std::io::Error::other("there is no judge here")),
    }
}

/// Keeps the first panic for the judge: a thread's own, not the one of who joined it.
fn first_panic(info: &PanicHookInfo<'_>) {
    let message = failure::message_of(info);
    let place = info.location().map_or("an unknown place".into(), |place| {
        format!("{}:{}", tidy(place.file()), place.line())
    });
    if std::process::id() != SUBJECT.load(Relaxed) {
        eprintln!("a child panicked at {place}: {message}"); // its parent learns the message only
    }
    lock(&FIRST_PANIC).get_or_insert(Panic { message, place });
}

/// In a subject: sends a value to the judge, which takes it with [`crate::Call::hear`].
///
/// # Panics
/// When the judge is gone.
pub fn tell(value: &impl Serialize) {
    with_judge(|judge| {
        let value = serde_json::to_value(value)?;
        wire::send(judge, &Reply::Said(value))
    })
    .expect("the judge hears");
}

/// In a subject: waits for what the judge sends with [`crate::Call::tell`].
///
/// # Panics
/// When the judge is gone.
#[must_use]
pub fn hear<T: DeserializeOwned>() -> T {
    with_judge(|judge| wire::receive(judge)).expect("the judge tells")
}

/// In a subject: runs `body` and returns, beside its result, what it started and waited for.
pub fn counted<T>(body: impl FnOnce() -> T) -> (T, Counts) {
    let value = body();
    (value, harness::counts())
}

/// In a subject: the `nth` fork from here on fails, as it does when the system has no room for a process.
pub fn failing_fork(nth: u64) {
    harness::fail_fork(nth);
}

/// In a subject: the `nth` child from here on is killed as it begins.
pub fn killed_child(nth: u64) {
    harness::kill_child(nth);
}

/// In a subject: from here on timing is hostile to `children` forked children that share words.
///
/// They meet at their first access and pause after each load, so a load and a store that belong together
/// come apart. Correct code is slower by it, and still correct.
///
/// # Panics
/// When no memory could be mapped.
pub fn hostile(children: usize) {
    harness::begin(children).expect("a page can be mapped");
}

//! The subject's side: runs the learner's code on an input and sends back what it returned.

pub mod faults;
mod hook;
pub mod interrupts;
pub mod ledger;
pub mod leftovers;
pub mod outside;
pub mod processes;
pub mod rival;
mod shared;

use crate::account;
use crate::failure::{self, tidy};
use os_core::process::ParentOnly;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use std::cell::Cell;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
#[cfg(not(target_os = "linux"))]
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::{frame, status::Account};

/// What a judge writes into a subject's standard input before it starts the subject.
#[cfg(not(target_os = "linux"))]
pub(crate) const MAGIC: &[u8; 8] = b"checks2\n";

/// Seconds after which the kernel ends a subject that its judge has not ended.
const LAST_RESORT: u32 = 60;

/// Bytes of data that a subject, and each of its children, may have.
const MEMORY: libc::rlim_t = 1 << 30;

/// What the judge sends first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub entry: String,
    pub input: Box<RawValue>,
    pub seed: u64,
}

/// What the subject sends.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    /// First of all: the subject knows the entry and has its input. The learner's code runs from here on.
    Ready,
    /// Instead of it: the job makes no sense here.
    Refused(String),
    /// What the answer that follows rests on, of which only the subject can tell.
    Accounts(Vec<Account>),
    /// How far it is, for a timeout to tell.
    Progress(String),
    /// The body returned. Not as a `Value`, which may take a hundred times the memory of its text.
    Returned(Box<RawValue>),
    /// The body, or a thread that it started, panicked.
    Panicked(Panic),
    /// In between, from [`crate::send`].
    Sent(Box<RawValue>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Panic {
    pub message: String,
    pub place: String,
}

/// Something a subject can be asked to run.
pub struct Entry<L> {
    /// Its module and name.
    pub name: &'static str,
    /// Runs it on an input; fails when the input isn't what it takes.
    pub serve: fn(L, &RawValue) -> serde_json::Result<Box<RawValue>>,
}

/// Runs `body` on an input that came as JSON.
#[doc(hidden)]
pub fn serve_entry<I: DeserializeOwned, O: Serialize>(
    input: &RawValue,
    body: impl FnOnce(I) -> O,
) -> serde_json::Result<Box<RawValue>> {
    to_raw_value(&body(serde_json::from_str(input.get())?))
}

static JUDGE: Mutex<Option<ParentOnly<UnixStream>>> = Mutex::new(None);
/// The process id of the subject, as opposed to that of a child it forked.
static SUBJECT: AtomicU32 = AtomicU32::new(0);
static FIRST_PANIC: Mutex<Option<Panic>> = Mutex::new(None);

thread_local! {
    /// Whether this thread has panicked before.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection to the judge that started this process as a subject, if one did.
///
/// Standard input tells: it is a socket that already holds some magic bytes. No argument and no environment variable does,
/// so the learner's code finds nothing there.
#[cfg(target_os = "linux")]
pub(crate) fn requested() -> Option<UnixStream> {
    supervise::fork_server::requested()
}

/// The connection to the judge that started this process as a subject, if one did.
///
/// Standard input tells, as above.
#[cfg(not(target_os = "linux"))]
pub(crate) fn requested() -> Option<UnixStream> {
    let mut begin = [0u8; MAGIC.len()];
    // SAFETY: the buffer is ours and has the length given. On anything but a socket the call fails.
    let peeked = unsafe {
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        libc::recv(0, begin.as_mut_ptr().cast(), begin.len(), flags)
    };
    if usize::try_from(peeked) != Ok(MAGIC.len()) || begin != *MAGIC {
        return None;
    }
    let taken = take_stdin().and_then(|mut judge| {
        io::Read::read_exact(&mut judge, &mut [0; MAGIC.len()])?;
        Ok(judge)
    });
    match taken {
        Ok(judge) => Some(judge),
        Err(error) => {
            eprintln!("subject: standard input cannot be taken over: {error}");
            std::process::exit(102)
        }
    }
}

/// Moves the socket away from standard input, where the learner's code finds nothing.
#[cfg(not(target_os = "linux"))]
fn take_stdin() -> io::Result<UnixStream> {
    // SAFETY: fcntl and dup2 take plain numbers; the new descriptor is nobody else's.
    unsafe {
        let fd = libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let judge = UnixStream::from(OwnedFd::from_raw_fd(fd));
        let nothing = std::fs::File::open("/dev/null")?;
        if libc::dup2(nothing.as_raw_fd(), 0) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(judge)
    }
}

/// Runs what the judge asks for, and ends the process.
pub(crate) fn serve<'a, L: Copy + 'a>(
    judge: UnixStream,
    mut entries: impl Iterator<Item = &'a Entry<L>>,
    learner: L,
) -> ! {
    let code = match begin(judge) {
        Ok(job) => match entries.find(|entry| entry.name == job.entry) {
            Some(entry) => finish(|| (entry.serve)(learner, &job.input)),
            None => refuse(format!(
                "the subject has no entry {}: it is made from other tests",
                job.entry
            )),
        },
        Err(error) => {
            eprintln!("subject: {error}");
            102
        }
    };
    let _ = io::stdout().flush();
    // SAFETY: ends the process; threads that the learner left running are no longer of interest.
    unsafe { libc::_exit(code) }
}

fn begin(mut judge: UnixStream) -> io::Result<Job> {
    let job: Job = frame::recv(&mut judge)?;
    // Only now, when the judge is known to be this process's parent.
    limit_lifetime(&judge)?;
    limit_memory();
    shared::prepare()?;
    hook::install();
    failure::remember_seed(job.seed);
    *lock(&JUDGE) = Some(ParentOnly::new(judge));
    SUBJECT.store(std::process::id(), Relaxed);
    std::panic::set_hook(Box::new(first_panic));
    Ok(job)
}

fn finish(run: impl FnOnce() -> serde_json::Result<Box<RawValue>>) -> i32 {
    if reply(&Reply::Ready).is_err() {
        return 102;
    }
    let answer = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Reply::Returned(value),
        Ok(Err(error)) => Reply::Refused(format!("an input or output is no plain data: {error}")),
        Err(_) => Reply::Panicked(lock(&FIRST_PANIC).take().unwrap_or(Panic {
            message: "a panic without a message".into(),
            place: "an unknown place".into(),
        })),
    };
    let accounts = account::noted();
    let told = match accounts.is_empty() {
        true => Ok(()),
        false => reply(&Reply::Accounts(accounts)),
    };
    match told.and_then(|()| reply(&answer)) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("subject: {error}");
            102
        }
    }
}

fn refuse(why: String) -> i32 {
    let _ = reply(&Reply::Refused(why));
    102
}

fn reply(reply: &Reply) -> io::Result<()> {
    with_judge(|judge| frame::send(judge, reply))
}

/// In a subject and what it forks: where it notes what only its own word vouches for.
pub(crate) fn shared_accounts() -> Option<&'static AtomicU32> {
    shared::get().map(|shared| &shared.accounts)
}

/// A subject ends with its judge, and by itself after a while.
///
/// # Errors
/// When the judge is gone already: then no signal would come.
fn limit_lifetime(judge: &UnixStream) -> io::Result<()> {
    let mut end = libc::pollfd {
        fd: judge.as_raw_fd(),
        events: 0,
        revents: 0,
    };
    // SAFETY: these take plain numbers, and one `pollfd`, which is ours. There is one thread.
    let gone = unsafe {
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::alarm(LAST_RESORT);
        libc::poll(&raw mut end, 1, 0) == 1 && end.revents & libc::POLLHUP != 0
    };
    match gone {
        true => Err(io::Error::new(
            io::ErrorKind::BrokenPipe,
            "the judge is gone",
        )),
        false => Ok(()),
    }
}

/// A loop that fills memory ends as a crash of the subject, before the machine has none left. A crash leaves no core file.
fn limit_memory() {
    for (resource, most) in [(libc::RLIMIT_DATA, MEMORY), (libc::RLIMIT_CORE, 0)] {
        let limit = libc::rlimit {
            rlim_cur: most,
            rlim_max: most,
        };
        // SAFETY: the limit is ours to read. One that can't be set (above a lower one) is low enough.
        unsafe { libc::setrlimit(resource, &raw const limit) };
    }
}

fn with_judge<T>(use_it: impl FnOnce(&mut UnixStream) -> io::Result<T>) -> io::Result<T> {
    match lock(&JUDGE).as_mut() {
        Some(judge) => use_it(&mut *judge),
        None => Err(io::Error::other("there is no judge here")),
    }
}

/// Keeps the first panic for the judge: a thread's own, not that of whoever joined it.
fn first_panic(info: &PanicHookInfo<'_>) {
    // The stacks of a model run end by a panic of the crate that provides them, which is nobody's mistake.
    if info
        .location()
        .is_some_and(|place| place.file().contains("/generator-"))
    {
        return;
    }
    let message = failure::message_of(info);
    let place = info.location().map_or("an unknown place".into(), |place| {
        format!("{}:{}", tidy(place.file()), place.line())
    });
    if std::process::id() != SUBJECT.load(Relaxed) {
        // In one write, since several children may panic at the same time.
        let line = format!("a child process panicked at {place}: {message}\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
    let mut first = lock(&FIRST_PANIC);
    match &*first {
        // The judge is told of the first only, and of none if the process aborts because of the second.
        Some(first) if PANICKED.replace(true) => {
            let lines = format!(
                "panicked at {}: {}\nand then at {place}: {message}\n",
                first.place, first.message
            );
            let _ = io::stderr().write_all(lines.as_bytes());
        }
        Some(_) => {}
        None => {
            PANICKED.set(true);
            *first = Some(Panic { message, place });
        }
    }
}

/// In a subject: runs `body`, in which something panics with `message`; says whether that panic came through.
///
/// Any other panic, such as a learner's `todo!`, goes on.
pub fn panics_with<T>(message: &str, body: impl FnOnce() -> T) -> bool {
    let caught = catch_unwind(AssertUnwindSafe(body));
    if let Err(payload) = caught {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        if text != Some(message) {
            std::panic::resume_unwind(payload);
        }
        *lock(&FIRST_PANIC) = None;
        return true;
    }
    *lock(&FIRST_PANIC) = None;
    false
}

/// In a subject: tells the judge how far it is, for a timeout to repeat.
pub(crate) fn progress(text: String) {
    let _ = reply(&Reply::Progress(text));
}

/// In a subject: sends a value to the judge, which takes it with [`crate::Call::recv`].
///
/// # Panics
/// When the judge is gone.
pub fn send(value: &impl Serialize) {
    with_judge(|judge| {
        let value = to_raw_value(value)?;
        frame::send(judge, &Reply::Sent(value))
    })
    .expect("the judge listens");
}

/// In a subject: waits for what the judge sends with [`crate::Call::send`].
///
/// # Panics
/// When the judge is gone.
#[must_use]
pub fn recv<T: DeserializeOwned>() -> T {
    with_judge(|judge| frame::recv(judge)).expect("the judge answers")
}

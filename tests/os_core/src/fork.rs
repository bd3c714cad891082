//! `fork`, with a closure for the child and its result for the parent.

use crate::child::{Child, Report};
use crate::descriptor::{self, ParentOnly};
use crate::hook::{self, Event, When};
use crate::{model, panics, parent_death, threads};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Seconds after which the kernel ends a forked child, whatever it waits for.
const CHILD_SECONDS: u32 = 60;

/// The exit codes of a child: what it did with its closure.
const RETURNED: i32 = 0;
const FAILED: i32 = 1;
const PANICKED: i32 = 101;
const NOT_REPORTED: i32 = 102;

/// Forks: from here on two processes run the same program, and the new one runs `child` and ends.
///
/// The child has a copy of everything this process has in memory. What it returns, value or error, comes
/// back through a pipe, as JSON, and [`Child::wait`] receives it.
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// let mut n = 1;
/// let child = os::process::fork(|| {
///     n += 1;
///     Ok(n)
/// })?;
/// assert_eq!(child.wait()?, 2); // the child's n
/// assert_eq!(n, 1); // is not ours
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The kernel's, when it has no room for a process. Also when this process has more than one thread: the
/// child would have only the caller's, and a lock that another one holds would stay locked in it forever.
/// Also where the system does not tell how many threads there are.
pub fn fork<T, F>(child: F) -> io::Result<Child<T>>
where
    F: FnOnce() -> io::Result<T>,
    T: Answer,
{
    match start()? {
        Side::Parent(pid, answer) => Ok(Child::new(pid, answer)),
        Side::Child(report) => finish(report, || {
            child().and_then(|value| Ok(serde_json::to_vec(&value)?))
        }),
    }
}

/// What a forked child can return to its parent: anything that can be written as JSON and read back.
#[diagnostic::on_unimplemented(
    message = "a forked child can't send `{Self}` to its parent",
    label = "this can't be sent between processes",
    note = "return a number, a `bool`, a `String`, a `Vec` or a tuple of them: the result travels through a pipe as bytes, \
            so it must own all its data (no references, no locks, no handles)"
)]
pub trait Answer: Serialize + DeserializeOwned {}

// Otherwise the compiler would tell a learner about serde.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Answer for T {}

enum Side {
    Parent(libc::pid_t, File),
    Child(File),
}

fn start() -> io::Result<Side> {
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    if model::running() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "fork: a process cannot be forked while a scheduler runs its threads",
        ));
    }
    threads::require_one()?;
    let number = ATTEMPTS.fetch_add(1, Relaxed) + 1;
    hook::emit(&Event::Fork {
        when: When::Before,
        child: None,
    })?;
    let (answer, report) = io::pipe()?; // closed on exec
    io::stdout().flush()?; // otherwise the child would print it again
    parent_death::remember_parent();
    // SAFETY: this process has one thread (checked above; only that thread, the present one, could start another), so
    // no lock is held and no memory half written that the child would inherit.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(answer);
            ATTEMPTS.store(0, Relaxed);
            let report = File::from(OwnedFd::from(report));
            if let Err(error) = begin(number) {
                finish(report, || Err(error))
            }
            Ok(Side::Child(report))
        }
        pid => {
            hook::notify(&Event::Fork {
                when: When::After,
                child: Some(pid.unsigned_abs()),
            });
            Ok(Side::Parent(pid, File::from(OwnedFd::from(answer))))
        }
    }
}

/// The first thing a child does.
fn begin(number: u64) -> io::Result<()> {
    // SAFETY: alarm takes a plain number.
    unsafe { libc::alarm(CHILD_SECONDS) };
    descriptor::leave_to_parent()?;
    panics::remember();
    hook::notify(&Event::ChildBegin { number });
    Ok(())
}

/// Runs the closure, reports what came of it, and ends the process without what the parent does at exit.
fn finish(report: File, child: impl FnOnce() -> io::Result<Vec<u8>>) -> ! {
    // This child's own children must not hold it open: its parent reads until the end.
    let mut report = ParentOnly::new(report);
    let (result, code) = match catch_unwind(AssertUnwindSafe(child)) {
        Ok(Ok(json)) => (Report::Returned(json), RETURNED),
        Ok(Err(error)) => (Report::failed(&error), FAILED),
        Err(payload) => {
            let message = format!("the child {}", panics::describe(&*payload));
            std::mem::forget(payload); // dropping it may panic
            (
                Report::Failed {
                    message,
                    code: None,
                },
                PANICKED,
            )
        }
    };
    hook::notify(&Event::ChildEnd);
    let sent = report.write_all(&result.to_bytes());
    let _ = io::stdout().flush();
    // SAFETY: ends this process at once; what the parent's copy of the program would do at exit is not its business.
    unsafe { libc::_exit(if sent.is_ok() { code } else { NOT_REPORTED }) }
}

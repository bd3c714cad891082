//! The threads of a run, and their scopes.

use super::explore::lock;
use super::run::{self, Stopped, Waiting, label, record};
use crate::panics;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use wire::schedule::Op;

/// What a thread leaves for whoever joins it.
struct Packet<T> {
    result: Mutex<Option<std::thread::Result<T>>>,
    /// Whether it panicked and nobody has taken notice.
    panicked: Arc<AtomicBool>,
}

/// A thread of a run, to be joined.
pub(crate) struct Handle<T> {
    run: u64,
    task: usize,
    packet: Arc<Packet<T>>,
}

impl<T> Handle<T> {
    /// Waits until the thread has ended, and returns what it returned or panicked with.
    pub(crate) fn join(self) -> std::thread::Result<T> {
        if run::serial() == self.run {
            while !run::is_finished(self.task) {
                run::wait(Waiting::Join(self.task));
            }
            run::joined(self.task);
        }
        self.packet.panicked.store(false, Relaxed);
        let result = lock(&self.packet.result).take();
        // Without a result the run is over, and its threads ended before they were done.
        result.unwrap_or_else(|| Err(Box::new(Stopped)))
    }

    pub(crate) fn is_finished(&self) -> bool {
        run::point();
        if run::serial() != self.run {
            return true;
        }
        let finished = run::is_finished(self.task);
        if finished {
            run::joined(self.task);
        }
        finished
    }

    /// The run and the number of the thread in it.
    pub(crate) fn id(&self) -> (u64, usize) {
        (self.run, self.task)
    }
}

/// Starts a thread of the run.
pub(crate) fn spawn<T: Send + 'static>(
    name: Option<String>,
    f: impl FnOnce() -> T + Send + 'static,
) -> Handle<T> {
    let (packet, body) = prepare(f);
    let task = run::add_task(name);
    start(task, Box::new(body));
    Handle {
        run: run::serial(),
        task,
        packet,
    }
}

fn prepare<T: Send>(f: impl FnOnce() -> T + Send) -> (Arc<Packet<T>>, impl FnOnce() + Send) {
    let packet = Arc::new(Packet {
        result: Mutex::new(None),
        panicked: Arc::default(),
    });
    let theirs = packet.clone();
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(|| {
            run::leave_if_stopped();
            f()
        }));
        if let Err(payload) = &result
            && !payload.is::<Stopped>()
        {
            theirs.panicked.store(true, Relaxed);
            run::panicked(panics::describe(&**payload));
        }
        *lock(&theirs.result) = Some(result);
        // If nobody can join any more, this drops the result, which may panic.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(theirs)));
        std::mem::forget(dropped);
    };
    (packet, body)
}

fn start(task: usize, body: Box<dyn FnOnce() + Send>) {
    record(
        None,
        Op::Spawn {
            started: label(task),
        },
    );
    shuttle::thread::spawn(move || {
        body();
        record(None, Op::End);
        run::finish();
    });
    run::leave_if_stopped();
}

/// The threads of one scope: their numbers, and whether each panicked with nobody to take notice.
#[derive(Debug, Default)]
pub(crate) struct ScopeData {
    threads: Mutex<Vec<(usize, Arc<AtomicBool>)>>,
}

/// Starts a thread that may borrow what outlives the scope.
pub(crate) fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope ScopeData,
    name: Option<String>,
    f: impl FnOnce() -> T + Send + 'scope,
) -> Handle<T> {
    let (packet, body) = prepare(f);
    let body: Box<dyn FnOnce() + Send + 'scope> = Box::new(body);
    // SAFETY: only the lifetime changes. Everything that `body` borrows outlives `'scope`, and `scope_end`, which runs
    // before the scope returns or unwinds, waits until this thread is finished. The thread is in the scope's list before
    // it is started, and it counts as finished only after `body` was called and everything in it was dropped.
    let body: Box<dyn FnOnce() + Send> = unsafe { std::mem::transmute(body) };
    let task = run::add_task(name);
    lock(&scope.threads).push((task, packet.panicked.clone()));
    start(task, body);
    Handle {
        run: run::serial(),
        task,
        packet,
    }
}

/// Waits for all threads of a scope, also for those that they start meanwhile, and also while the run is being stopped.
/// Returns whether one panicked and nobody has joined it. Never unwinds: its callers' borrows depend on it.
pub(crate) fn scope_end(scope: &ScopeData) -> bool {
    struct Abort;
    impl Drop for Abort {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    let abort = Abort;
    let unfinished = || {
        lock(&scope.threads)
            .iter()
            .any(|(task, _)| !run::is_finished(*task))
    };
    while unfinished() {
        run::wait_unstoppably(Waiting::Scope);
    }
    std::mem::forget(abort);
    for (task, _) in &*lock(&scope.threads) {
        run::joined(*task);
    }
    lock(&scope.threads)
        .iter()
        .any(|(_, panicked)| panicked.load(Relaxed))
}

//! Threads that are the kernel's in a plain run and the scheduler's in a model run.

use crate::hook::{self, Event, When};
use crate::model;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

pub use crate::model::panicking;
pub use std::thread::{Result, available_parallelism};

/// Starts a thread, as [`std::thread::spawn`] does.
///
/// ```
/// # extern crate os_core as os;
/// let answer = os::thread::spawn(|| 6 * 7).join().unwrap();
/// assert_eq!(answer, 42);
/// ```
///
/// # Panics
/// When the system has no room for a thread.
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new()
        .spawn(f)
        .expect("the system has no room for another thread")
}

/// Starts threads with a name or a stack of their own size, as [`std::thread::Builder`] does.
///
/// ```
/// # extern crate os_core as os;
/// let thread = os::thread::Builder::new().name("adder".into()).spawn(|| {
///     assert_eq!(os::thread::current().name(), Some("adder"));
/// });
/// thread.unwrap().join().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it starts nothing before `spawn`"]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// Returns a builder that sets nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the thread. In a schedule it is still `A`, `B`, ….
    pub fn name(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the size of the stack in bytes. A model run ignores it.
    pub fn stack_size(mut self, size: usize) -> Self {
        self.stack_size = Some(size);
        self
    }

    fn std(self) -> std::thread::Builder {
        let mut builder = std::thread::Builder::new();
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        if let Some(size) = self.stack_size {
            builder = builder.stack_size(size);
        }
        builder
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawned(|| {
            Ok(JoinHandle(if model::running() {
                let name = self.name;
                let handle = model::spawn(name.clone(), f);
                let thread = Thread::of_model(handle.id(), name);
                Handle::Model(handle, thread)
            } else {
                Handle::Std(self.std().spawn(f)?)
            }))
        })
    }

    /// Starts the thread in a scope.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: Scope<'scope, '_>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        spawned(|| {
            Ok(ScopedJoinHandle(match scope.0 {
                Inner::Std(scope) => Scoped::Std(self.std().spawn_scoped(scope, f)?),
                Inner::Model(data, _) => {
                    let handle = model::spawn_scoped(data, self.name.clone(), f);
                    let thread = Thread::of_model(handle.id(), self.name);
                    Scoped::Model(handle, thread)
                }
            }))
        })
    }
}

fn spawned<H>(spawn: impl FnOnce() -> io::Result<H>) -> io::Result<H> {
    hook::notify(&Event::ThreadSpawn { when: When::Before });
    let handle = spawn()?;
    hook::notify(&Event::ThreadSpawn { when: When::After });
    Ok(handle)
}

fn joined<T>(join: impl FnOnce() -> Result<T>) -> Result<T> {
    hook::notify(&Event::ThreadJoin { when: When::Before });
    let result = join();
    hook::notify(&Event::ThreadJoin { when: When::After });
    result
}

/// Waits for a thread and returns what it returned.
pub struct JoinHandle<T>(Handle<T>);

enum Handle<T> {
    Std(std::thread::JoinHandle<T>),
    Model(model::Handle<T>, Thread),
}

impl<T> JoinHandle<T> {
    /// Waits until the thread has ended; everything it wrote can be seen afterwards.
    ///
    /// # Errors
    /// What the thread panicked with.
    pub fn join(self) -> Result<T> {
        joined(|| match self.0 {
            Handle::Std(handle) => handle.join(),
            Handle::Model(handle, _) => handle.join(),
        })
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Handle::Std(handle) => handle.is_finished(),
            Handle::Model(handle, _) => handle.is_finished(),
        }
    }

    /// The thread itself, for its name and to unpark it.
    #[must_use]
    pub fn thread(&self) -> Thread {
        match &self.0 {
            Handle::Std(handle) => Thread(Which::Std(handle.thread().clone())),
            Handle::Model(_, thread) => thread.clone(),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}

/// Runs `f` with a [`Scope`] whose threads may borrow from here, and waits for all of them, as
/// [`std::thread::scope`] does.
///
/// ```
/// # extern crate os_core as os;
/// let words = ["process", "thread"];
/// os::thread::scope(|s| {
///     s.spawn(|| println!("{}", words[0]));
///     s.spawn(|| println!("{}", words[1]));
/// });
/// ```
///
/// # Panics
/// When a thread of the scope panicked and was not joined.
#[track_caller] // a panic names the caller's line
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(Scope<'scope, 'env>) -> T,
{
    if !model::running() {
        return std::thread::scope(|s| f(Scope(Inner::Std(s))));
    }
    let data = model::ScopeData::default();
    let result = catch_unwind(AssertUnwindSafe(|| {
        f(Scope(Inner::Model(&data, Invariant::default())))
    }));
    let panicked = model::scope_end(&data); // before anything that they borrow can go away
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if panicked => panic!("a scoped thread panicked"),
        Ok(value) => value,
    }
}

/// Starts threads that may borrow; they end before [`scope`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'scope, 'env: 'scope>(Inner<'scope, 'env>);

#[derive(Clone, Copy, Debug)]
enum Inner<'scope, 'env: 'scope> {
    Std(&'scope std::thread::Scope<'scope, 'env>),
    Model(&'scope model::ScopeData, Invariant<'scope, 'env>),
}

/// As in the standard library: neither lifetime may be shortened or extended by subtyping.
type Invariant<'scope, 'env> =
    std::marker::PhantomData<(fn(&'scope ()) -> &'scope (), fn(&'env ()) -> &'env ())>;

impl<'scope> Scope<'scope, '_> {
    /// Starts a thread that ends before the scope does.
    ///
    /// # Panics
    /// When the system has no room for a thread.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new()
            .spawn_scoped(*self, f)
            .expect("the system has no room for another thread")
    }
}

/// Waits for a scoped thread and returns what it returned.
pub struct ScopedJoinHandle<'scope, T>(Scoped<'scope, T>);

enum Scoped<'scope, T> {
    Std(std::thread::ScopedJoinHandle<'scope, T>),
    Model(model::Handle<T>, Thread),
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the thread has ended; everything it wrote can be seen afterwards.
    ///
    /// # Errors
    /// What the thread panicked with.
    pub fn join(self) -> Result<T> {
        joined(|| match self.0 {
            Scoped::Std(handle) => handle.join(),
            Scoped::Model(handle, _) => handle.join(),
        })
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Scoped::Std(handle) => handle.is_finished(),
            Scoped::Model(handle, _) => handle.is_finished(),
        }
    }

    /// The thread itself, for its name and to unpark it.
    #[must_use]
    pub fn thread(&self) -> Thread {
        match &self.0 {
            Scoped::Std(handle) => Thread(Which::Std(handle.thread().clone())),
            Scoped::Model(_, thread) => thread.clone(),
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}

/// A running thread, as [`std::thread::Thread`].
#[derive(Clone, Debug)]
pub struct Thread(Which);

#[derive(Clone, Debug)]
enum Which {
    Std(std::thread::Thread),
    Model {
        run: u64,
        task: usize,
        name: Option<String>,
    },
}

impl Thread {
    fn of_model((run, task): (u64, usize), name: Option<String>) -> Self {
        Self(Which::Model { run, task, name })
    }

    /// The thread's id: no two threads have the same.
    #[must_use]
    pub fn id(&self) -> ThreadId {
        ThreadId(match &self.0 {
            Which::Std(thread) => Id::Std(thread.id()),
            Which::Model { run, task, .. } => Id::Model(*run, *task),
        })
    }

    /// The thread's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Which::Std(thread) => thread.name(),
            Which::Model { name, .. } => name.as_deref(),
        }
    }

    /// Lets the thread return from [`park`].
    pub fn unpark(&self) {
        match &self.0 {
            Which::Std(thread) => thread.unpark(),
            Which::Model { run, task, .. } => model::run::unpark(*run, *task),
        }
    }
}

/// Identifies a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadId(Id);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Id {
    Std(std::thread::ThreadId),
    Model(u64, usize),
}

/// The thread that calls it.
#[must_use]
pub fn current() -> Thread {
    if model::running() {
        let (id, name) = model::run::current();
        Thread::of_model(id, name)
    } else {
        Thread(Which::Std(std::thread::current()))
    }
}

/// Waits until somebody unparks this thread.
pub fn park() {
    if model::running() {
        model::run::park(None);
    } else {
        std::thread::park();
    }
}

/// Waits until somebody unparks this thread, but no longer than `time`.
pub fn park_timeout(time: Duration) {
    if model::running() {
        model::run::park(Some(time));
    } else {
        std::thread::park_timeout(time);
    }
}

/// Waits. In a model run without a clock there is no time: other threads may go first, or not.
pub fn sleep(time: Duration) {
    if model::running() {
        model::run::sleep(time);
    } else {
        std::thread::sleep(time);
    }
}

/// Lets another thread go first, if one wants to.
pub fn yield_now() {
    if model::running() {
        model::run::yield_point();
    } else {
        std::thread::yield_now();
    }
}

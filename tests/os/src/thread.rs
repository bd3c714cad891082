//! Threads that are the kernel's outside a model run and the scheduler's inside.

use crate::{harness, model};
use std::fmt;

/// Starts a thread, as [`std::thread::spawn`].
///
/// ```
/// let answer = os::thread::spawn(|| 6 * 7).join().unwrap();
/// assert_eq!(answer, 42);
/// ```
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    harness::count(harness::Event::Thread);
    JoinHandle(if model::running() {
        Handle::Model(model::logged_spawn(|| {
            shuttle::thread::spawn(model::task(f))
        }))
    } else {
        Handle::Std(std::thread::spawn(f))
    })
}

/// Waits for a thread and takes what it returned.
pub struct JoinHandle<T>(Handle<T>);

enum Handle<T> {
    Std(std::thread::JoinHandle<T>),
    Model(shuttle::thread::JoinHandle<T>),
}

impl<T> JoinHandle<T> {
    /// Waits until the thread has ended; everything it wrote can be seen afterwards.
    ///
    /// # Errors
    /// What the thread panicked with.
    pub fn join(self) -> std::thread::Result<T> {
        match self.0 {
            Handle::Std(handle) => handle.join(),
            Handle::Model(handle) => handle.join(),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}

/// Runs `f` with a [`Scope`] whose threads may borrow from here, and waits for all of them, as
/// [`std::thread::scope`].
///
/// ```
/// let words = ["process", "thread"];
/// os::thread::scope(|s| {
///     s.spawn(|| println!("{}", words[0]));
///     s.spawn(|| println!("{}", words[1]));
/// });
/// ```
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(Scope<'scope, 'env>) -> T,
{
    if model::running() {
        shuttle::thread::scope(|s| f(Scope(Inner::Model(s))))
    } else {
        std::thread::scope(|s| f(Scope(Inner::Std(s))))
    }
}

/// Starts threads that may borrow; they end before [`scope`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'scope, 'env: 'scope>(Inner<'scope, 'env>);

#[derive(Clone, Copy, Debug)]
enum Inner<'scope, 'env: 'scope> {
    Std(&'scope std::thread::Scope<'scope, 'env>),
    Model(&'scope shuttle::thread::Scope<'scope, 'env>),
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a thread that ends before the scope does.
    pub fn spawn<F, T>(&self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        harness::count(harness::Event::Thread);
        ScopedJoinHandle(match self.0 {
            Inner::Std(scope) => Scoped::Std(scope.spawn(f)),
            Inner::Model(scope) => {
                Scoped::Model(model::logged_spawn(|| scope.spawn(model::task(f))))
            }
        })
    }
}

/// Waits for a scoped thread and takes what it returned.
pub struct ScopedJoinHandle<'scope, T>(Scoped<'scope, T>);

enum Scoped<'scope, T> {
    Std(std::thread::ScopedJoinHandle<'scope, T>),
    Model(shuttle::thread::ScopedJoinHandle<'scope, T>),
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the thread has ended; everything it wrote can be seen afterwards.
    ///
    /// # Errors
    /// What the thread panicked with.
    pub fn join(self) -> std::thread::Result<T> {
        match self.0 {
            Scoped::Std(handle) => handle.join(),
            Scoped::Model(handle) => handle.join(),
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}

/// Lets another thread go first, if one wants to.
pub fn yield_now() {
    if model::running() {
        shuttle::thread::yield_now();
    } else {
        std::thread::yield_now();
    }
}

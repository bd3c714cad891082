//! A lock whose next owner learns that the last one died, where the system has none.

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;

/// A lock that survives the death of its owner: only Linux has one between processes, so there is none here.
#[derive(Debug)]
pub struct RobustLock(Infallible);

/// Holds a [`RobustLock`], of which there is none here.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct RobustGuard<'a> {
    none: Infallible,
    lock: PhantomData<&'a RobustLock>,
    not_send: PhantomData<*const ()>,
}

impl RobustLock {
    /// Says that there is none here.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn new() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a robust lock between processes needs Linux",
        ))
    }

    /// Is never called.
    ///
    /// # Errors
    /// None.
    pub fn lock(&self) -> io::Result<RobustGuard<'_>> {
        match self.0 {}
    }
}

impl RobustGuard<'_> {
    /// Is never called.
    #[must_use]
    pub fn owner_died(&self) -> bool {
        match self.none {}
    }

    /// Is never called.
    ///
    /// # Errors
    /// None.
    pub fn mark_repaired(&mut self) -> io::Result<()> {
        match self.none {}
    }
}

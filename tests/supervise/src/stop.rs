//! A flag that asks everything that runs or waits to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A request to stop, shared by everything that runs or waits. Programs are killed within a tenth of a second of it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that nobody has set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that SIGINT (Ctrl-C), SIGTERM, SIGHUP and SIGQUIT set. The second such signal ends this process at once.
    ///
    /// # Errors
    /// When the system refuses a signal handler.
    #[cfg(feature = "signals")]
    pub fn on_signals() -> std::io::Result<Self> {
        use signal_hook::{
            consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
            flag,
        };
        let stop = Self::new();
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            // In this order: on the first signal the flag is still clear when the shutdown looks at it.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop.0))?;
            flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// Asks everything that watches this flag to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

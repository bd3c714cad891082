//! Looking again for a moment before going to sleep.

use std::time::{Duration, Instant};

/// How long it is worth to look again: about what it takes to fall asleep and be woken.
const TIME: Duration = Duration::from_micros(20);
/// Rounds between two looks at the clock, which takes longer than a round.
const ROUNDS: u32 = 32;

/// Counts how often it is worth looking again before going to sleep: for about 20 µs.
///
/// A peer that answers within a microsecond costs a sleeper ten times that: the kernel puts it to sleep and wakes it. So a
/// program that waits for a fast peer first spins for a moment. In a model run there is one round.
///
/// ```
/// # extern crate os_core as os;
/// let mut rounds = 0;
/// let mut spin = os::memory::Spin::new();
/// while spin.again() {
///     rounds += 1; // look whether there is something to do
/// }
/// assert!(rounds >= 1);
/// ```
#[derive(Debug, Default)]
pub struct Spin {
    rounds: u32,
    until: Option<Instant>,
}

impl Spin {
    /// Begins to spin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to look once more.
    #[inline]
    pub fn again(&mut self) -> bool {
        self.rounds = self.rounds.wrapping_add(1);
        if crate::model::running() {
            return self.rounds == 1;
        }
        if !self.rounds.is_multiple_of(ROUNDS) {
            std::hint::spin_loop();
            return true;
        }
        let now = Instant::now();
        now < *self.until.get_or_insert(now + TIME)
    }
}

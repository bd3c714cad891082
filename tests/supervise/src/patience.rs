//! How long a program may take: less when it waits for something, more when it computes on a busy machine.

use std::time::{Duration, Instant};

/// How often a program whose waiting time has passed is looked at.
const SAMPLE: Duration = Duration::from_millis(100);

/// How many looks in a row must find a program waiting.
const LOOKS: u32 = 2;

/// How long a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Afterwards a program that waits for something is given up.
    pub waiting: Duration,
    /// Afterwards it is given up in any case.
    pub total: Duration,
}

impl Patience {
    /// So long, whatever the program does.
    #[must_use]
    pub fn wall_clock(total: Duration) -> Self {
        Self {
            waiting: total,
            total,
        }
    }

    /// `waiting` for a program that waits, `total` for one that still computes: a busy machine then fails nobody.
    ///
    /// Whether it computes is read from `/proc`; where there is none, every program is given `total`.
    #[must_use]
    pub fn new(waiting: Duration, total: Duration) -> Self {
        Self {
            waiting: waiting.min(total),
            total,
        }
    }
}

/// A program's time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUp {
    /// So long after it started, or after it was last given new time.
    pub after: Duration,
    /// Whether it was seen to wait: no thread of its process group wanted the processor.
    pub waiting: bool,
}

/// A running deadline.
#[derive(Debug)]
pub struct Clock {
    patience: Patience,
    began: Instant,
    last_look: Option<Instant>,
    last_ticks: u64,
    found_waiting: u32,
}

impl Clock {
    /// Starts the time.
    #[must_use]
    pub fn start(patience: Patience) -> Self {
        Self {
            patience,
            began: Instant::now(),
            last_look: None,
            last_ticks: 0,
            found_waiting: 0,
        }
    }

    /// For how long at most the caller may sleep before it asks again.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        let now = Instant::now();
        let waiting = self.began + self.patience.waiting;
        let total = (self.began + self.patience.total).saturating_duration_since(now);
        match self.last_look {
            None if now < waiting => waiting - now,
            _ => total.min(SAMPLE),
        }
    }

    /// Whether the time of the process group `group` is up.
    pub fn is_up(&mut self, group: u32) -> Option<TimeUp> {
        let now = Instant::now();
        let after = now - self.began;
        if after < self.patience.waiting {
            return None;
        }
        if after >= self.patience.total {
            // Nobody looked, or nobody can: what isn't known isn't claimed.
            let waiting = self.found_waiting > 0;
            return Some(TimeUp { after, waiting });
        }
        if self.last_look.is_some_and(|last| now - last < SAMPLE) {
            return None;
        }
        let (ticks, runnable) = activity(group)?;
        let first = self.last_look.is_none();
        let computes = runnable || (!first && ticks > self.last_ticks);
        self.found_waiting = if computes { 0 } else { self.found_waiting + 1 };
        (self.last_look, self.last_ticks) = (Some(now), ticks);
        (self.found_waiting >= LOOKS).then_some(TimeUp {
            after,
            waiting: true,
        })
    }
}

/// Clock ticks of processor time that the group has used, and whether one of its threads wants the processor now.
/// `None` where the system doesn't say.
#[cfg(target_os = "linux")]
fn activity(group: u32) -> Option<(u64, bool)> {
    let (mut ticks, mut runnable) = (0, false);
    for process in crate::sweep::processes()? {
        if process.group != group {
            continue;
        }
        ticks += process.ticks;
        // The state in a process's own `stat` is that of its first thread, which may just be waiting for the others.
        runnable |= process.states().any(|state| matches!(state, 'R' | 'D'));
    }
    Some((ticks, runnable))
}

#[cfg(not(target_os = "linux"))]
fn activity(_: u32) -> Option<(u64, bool)> {
    None
}

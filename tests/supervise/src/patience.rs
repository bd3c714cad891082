//! How long a program may take: less when it waits for something, more when it computes on a busy machine.

use crate::allowance::Share;
use std::time::{Duration, Instant};

/// How often a program whose waiting time has passed is looked at.
const SAMPLE: Duration = Duration::from_millis(100);

/// How many looks in a row must find a program waiting.
const LOOKS: u32 = 2;

/// How many times its time a program gets that hardly ever has the processor.
const STARVED: u32 = 4;

/// How long a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Afterwards a program that waits for something is given up.
    pub waiting: Duration,
    /// Afterwards it is given up, too, unless others had the processor nearly all the time.
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
    /// A program that wants the processor and was given less than half of `total` on it gets up to four times as long.
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
    first_ticks: u64,
    last_ticks: u64,
    found_waiting: u32,
    looks: u32,
    found_runnable: u32,
    pub(crate) share: Option<Share>,
}

impl Clock {
    /// Starts the time.
    #[must_use]
    pub fn start(patience: Patience) -> Self {
        Self {
            patience,
            began: Instant::now(),
            last_look: None,
            first_ticks: 0,
            last_ticks: 0,
            found_waiting: 0,
            looks: 0,
            found_runnable: 0,
            share: None,
        }
    }

    /// For how long at most the caller may sleep before it asks again.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        let now = Instant::now();
        let waiting = self.began + self.first_look();
        let total = (self.began + self.patience.total).saturating_duration_since(now);
        match self.last_look {
            None if now < waiting => waiting - now,
            // Past its time, but starved.
            Some(last) if total.is_zero() => SAMPLE.saturating_sub(now - last),
            _ => total.min(SAMPLE),
        }
    }

    /// When the program is looked at for the first time.
    fn first_look(&self) -> Duration {
        if self.share.is_some() {
            SAMPLE.min(self.patience.waiting)
        } else {
            self.patience.waiting
        }
    }

    /// Whether the time of the process group `group` is up.
    pub fn is_up(&mut self, group: u32) -> Option<TimeUp> {
        let up = self.look(group)?;
        if let Some(share) = &self.share {
            share.give_up();
        }
        Some(up)
    }

    fn look(&mut self, group: u32) -> Option<TimeUp> {
        let now = Instant::now();
        let after = now - self.began;
        if after < self.first_look() {
            return None;
        }
        let is_over = after >= self.patience.total;
        // Nobody looked, or nobody can: what isn't known isn't claimed.
        let over = TimeUp {
            after,
            waiting: self.found_waiting > 0,
        };
        if is_over && (after >= STARVED * self.patience.total || !self.is_starved()) {
            return Some(over);
        }
        if self.last_look.is_some_and(|last| now - last < SAMPLE) {
            return None;
        }
        let Some((ticks, runnable)) = activity(group) else {
            return is_over.then_some(over);
        };
        let first = self.last_look.is_none();
        if first {
            self.first_ticks = ticks;
        }
        let computes = runnable || (!first && ticks > self.last_ticks);
        self.looks += 1;
        self.found_runnable += u32::from(runnable);
        (self.last_look, self.last_ticks) = (Some(now), ticks);
        if let Some(share) = &self.share
            && share.is_used_up(self.used())
        {
            let waiting = false;
            return Some(TimeUp { after, waiting });
        }
        if after < self.patience.waiting {
            return None;
        }
        self.found_waiting = if computes { 0 } else { self.found_waiting + 1 };
        (self.found_waiting >= LOOKS).then_some(TimeUp {
            after,
            waiting: true,
        })
    }

    /// Whether the program mostly wanted the processor when it was looked at, and others had it: it was given less than half of
    /// its time on it.
    fn is_starved(&self) -> bool {
        2 * self.found_runnable > self.looks && self.used() < self.patience.total / 2
    }

    /// Processor time since the program was first looked at.
    fn used(&self) -> Duration {
        processor_time(self.last_ticks.saturating_sub(self.first_ticks))
    }
}

/// So many of the kernel's clock ticks.
#[cfg(target_os = "linux")]
fn processor_time(ticks: u64) -> Duration {
    Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_: u64) -> Duration {
    Duration::ZERO
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

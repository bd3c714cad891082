//! The clock of a run, and waits that end by themselves.

use super::{
    Run, Waiting, begin_wait, leave_if_stopped, panicking, point, record, running, switch, with,
};
use std::time::Duration;
use wire::schedule::Op;

/// What time means in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Nobody can rely on it: a sleep ends at once, and a timed wait ends when no other thread can go on. How a run
    /// begins.
    Ignored,
    /// A virtual clock. Steps take no time; a sleep takes exactly as long as it says. When no thread can go on, the
    /// clock jumps to the next moment at which a sleep or a timed wait ends.
    Virtual,
    /// A sleep ends at once, and a timed wait may end at any step, as on a machine that is busy with something else.
    Hostile,
}

/// In a model run: sets what time means from here on. A body that wants it says so first.
///
/// ```
/// # extern crate os_core as os;
/// use os::model::{Time, explore, now, set_time};
/// use std::time::Duration;
/// let explored = explore(1, 20, || {
///     set_time(Time::Virtual);
///     let thread = os::thread::spawn(|| os::thread::sleep(Duration::from_secs(3600)));
///     os::thread::sleep(Duration::from_secs(1800));
///     thread.join().unwrap();
///     now()
/// });
/// assert_eq!(explored.outcomes.len(), 1);
/// assert_eq!(explored.outcomes[0].value, Ok(Duration::from_secs(3600))); // they slept at the same time
/// ```
///
/// # Panics
/// Outside a model run.
pub fn set_time(time: Time) {
    with(|run| run.time = time);
}

/// In a model run: the next `count` waits on a condition variable or in `park` end at once, with no notification.
/// Condition variables permit such *spurious wake-ups*, and kernels cause them.
///
/// # Panics
/// Outside a model run.
pub fn set_spurious_wakeups(count: usize) {
    with(|run| run.spurious = count);
}

/// How far the clock of the present run is; zero outside one.
#[must_use]
pub fn now() -> Duration {
    if running() {
        with(|run| run.now)
    } else {
        Duration::ZERO
    }
}

/// Whether the wait that is about to begin ends at once, for no reason.
pub(crate) fn is_spurious() -> bool {
    with(|run| {
        let is = run.spurious > 0;
        run.spurious = run.spurious.saturating_sub(1);
        if is {
            let me = run.current;
            run.tasks[me].timed_out = false;
        }
        is
    })
}

/// Lets others run until somebody wakes this thread or so much time has passed.
pub(crate) fn wait_until(waiting: Waiting, limit: Duration) {
    let deadline = with(|run| run.now.saturating_add(limit));
    begin_wait(waiting, Some(deadline));
    switch();
    leave_if_stopped();
}

/// Whether the last timed wait of this thread ended by its timeout.
pub(crate) fn take_timeout() -> bool {
    with(|run| {
        let me = run.current;
        std::mem::take(&mut run.tasks[me].timed_out)
    })
}

/// Sleeps for so long.
pub(crate) fn sleep(time: Duration) {
    if panicking() {
        return;
    }
    let (until, is_virtual) = with(|run| {
        let until = run.now.saturating_add(time);
        let is_virtual = run.time == Time::Virtual;
        if !is_virtual {
            run.now = until;
        }
        (until, is_virtual)
    });
    if !is_virtual || time.is_zero() {
        return point();
    }
    let text = format!("{until:?}");
    record(None, Op::Sleep { until: text });
    begin_wait(Waiting::Sleep, Some(until));
    switch();
    leave_if_stopped();
}

impl Run {
    /// Lets the clock jump to the next deadline; returns the threads whose waits end by that.
    pub(super) fn pass_time(&mut self) -> Vec<usize> {
        let waits = |task: usize| {
            let task = &self.tasks[task];
            task.deadline
                .filter(|_| task.waiting.is_some() && !task.finished)
        };
        let all = 0..self.tasks.len();
        let Some(next) = all.clone().filter_map(waits).min() else {
            return Vec::new();
        };
        let next = next.max(self.now);
        let ended: Vec<usize> = all
            .filter(|task| waits(*task).is_some_and(|deadline| deadline <= next))
            .collect();
        self.now = next;
        for task in &ended {
            self.end_wait_in_time(*task);
        }
        ended
    }

    /// Ends a timed wait of this thread, if it is in one.
    pub(super) fn end_wait_in_time(&mut self, task: usize) {
        let task = &mut self.tasks[task];
        if task.waiting.is_some()
            && self.stop.is_none()
            && let Some(deadline) = task.deadline
        {
            task.waiting = None;
            task.deadline = None;
            task.timed_out = true;
            task.early += 1;
            self.now = self.now.max(deadline);
        }
    }
}

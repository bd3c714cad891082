//! Who goes next, and what to say when nobody can or nothing changes.

use super::super::outcome::Failure;
use super::super::schedulers::View;
use super::{Run, Stop, Task, Time, Waiting, label};

/// A program that takes more steps than this under one schedule waits for something in a busy loop.
pub(in crate::model) const MAX_STEPS: usize = 50_000;
/// The steps that a thread may take in a row while others could go. Keeps a busy loop from starving the thread it
/// waits for.
const QUANTUM: usize = 150;
/// The same for strategies that heed no yields: they show who waits only for a while. And the sum for all threads.
const PATIENCE: usize = 3000;
const PATIENCE_OF_ALL: usize = 20_000;
/// How often the timed waits of a thread end while others could go on, where time is hostile. More would be a busy loop.
const EARLY_TIMEOUTS: usize = 16;

impl Run {
    /// Chooses the thread that goes on.
    pub fn choose(&mut self) -> usize {
        self.decisions += 1;
        let chosen = self.pick();
        self.end_wait_in_time(chosen);
        if chosen != self.current {
            self.read = false;
        }
        self.yielding = false;
        self.tasks[chosen].begun = true;
        self.tasks[chosen].used += 1;
        self.current = chosen;
        chosen
    }

    fn pick(&mut self) -> usize {
        if self.stop.is_some() {
            return self.last_unfinished();
        }
        let mut able = self.able();
        if able.is_empty() {
            able = self.pass_time();
            if able.is_empty() {
                self.stop = Some(Stop::Failed(Failure::Deadlock(self.waits())));
                return self.last_unfinished();
            }
        }
        if self.decisions > MAX_STEPS {
            self.stop = Some(Stop::Failed(Failure::Endless(self.spins())));
            return self.last_unfinished();
        }
        if self.yielding && self.strategy.heeds_yields() {
            leave(&mut able, |task| task != self.current);
        }
        let quantum = match self.strategy.heeds_yields() {
            true => QUANTUM,
            false => PATIENCE.min(PATIENCE_OF_ALL / self.tasks.len()),
        };
        if able.iter().all(|task| self.tasks[*task].used >= quantum) {
            for task in &mut self.tasks {
                task.used = 0;
            }
        }
        leave(&mut able, |task| self.tasks[task].used < quantum);
        let new: Vec<usize> = able
            .iter()
            .copied()
            .filter(|task| !self.tasks[*task].begun)
            .collect();
        self.strategy.next(&View {
            able: &able,
            new: &new,
            current: self.current,
            read: self.read,
        })
    }

    fn able(&self) -> Vec<usize> {
        let able = |task: &Task| {
            let may_time_out = self.time == Time::Hostile
                && task.deadline.is_some()
                && task.early < EARLY_TIMEOUTS;
            !task.finished && (task.waiting.is_none() || may_time_out)
        };
        (0..self.tasks.len())
            .filter(|task| able(&self.tasks[*task]))
            .collect()
    }

    /// In a run that was stopped threads end in the opposite order to that in which they began: one may borrow from
    /// those before it.
    fn last_unfinished(&self) -> usize {
        self.tasks
            .iter()
            .rposition(|task| !task.finished)
            .unwrap_or(0)
    }

    /// Who waits for what, of all that have not ended.
    fn waits(&self) -> String {
        let all: Vec<String> = self
            .tasks
            .iter()
            .enumerate()
            .filter_map(|(task, state)| Some((task, state.waiting.filter(|_| !state.finished)?)))
            .map(|(task, waiting)| {
                format!("{} waits for {}", label(task), self.what(task, waiting))
            })
            .collect();
        all.join("; ")
    }

    fn what(&self, waiter: usize, waiting: Waiting) -> String {
        let name = |object: usize| format!("`{}`", self.objects[object].name);
        match waiting {
            Waiting::Lock(object) => {
                let holders = &self.objects[object].holders;
                if holders.contains(&waiter) {
                    return format!("{}, which it holds itself", name(object));
                }
                let held: Vec<String> = holders
                    .iter()
                    .map(|holder| {
                        let ended = self.tasks[*holder].finished;
                        label(*holder)
                            + if ended {
                                " (which has ended without releasing it)"
                            } else {
                                ""
                            }
                    })
                    .collect();
                match held.is_empty() {
                    true => name(object),
                    false => format!("{}, held by {}", name(object), held.join(" and ")),
                }
            }
            Waiting::Condvar(object) => format!("a notification of {}", name(object)),
            Waiting::Join(task) => format!("{} to end", label(task)),
            Waiting::Scope => "the threads of its scope to end".into(),
            Waiting::Futex(object) => format!("somebody to wake it on {}", name(object)),
            Waiting::Park => "somebody to unpark it".into(),
            Waiting::Sleep => "its sleep to end".into(),
            Waiting::Rest => "all other threads to end".into(),
        }
    }

    /// What each thread that can go on did last.
    fn spins(&self) -> String {
        let all: Vec<String> = self
            .able()
            .into_iter()
            .map(|task| match &self.tasks[task].last {
                Some((object, did)) => {
                    format!(
                        "{} keeps using `{}`: it {did}",
                        label(task),
                        self.objects[*object].name
                    )
                }
                None => format!("{} uses nothing shared", label(task)),
            })
            .collect();
        all.join("; ")
    }
}

/// Leaves only those that fit, unless none does.
fn leave(tasks: &mut Vec<usize>, fits: impl Fn(usize) -> bool) {
    if tasks.iter().any(|task| fits(*task)) {
        tasks.retain(|task| fits(*task));
    }
}

//! What threads share: names, holders, and what was done to it.

use super::super::outcome::Failure;
use super::{Object, Record, Run, Stop, Waiting, point, wake, with};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wire::schedule::Op;

/// What a shared object is called in the present run: assigned at its first use there, so that it does not matter how
/// and where it was constructed.
#[derive(Debug, Default)]
pub(crate) struct Tag {
    run: AtomicU64,
    object: AtomicU64,
}

impl Tag {
    pub(crate) const fn new() -> Self {
        Self {
            run: AtomicU64::new(0),
            object: AtomicU64::new(0),
        }
    }

    /// The number of the object in the present run. `kind` names it.
    pub(crate) fn object(&self, kind: &'static str) -> usize {
        with(|run| {
            if self.run.load(Relaxed) != run.serial {
                let count = run.kinds.entry(kind).or_default();
                *count += 1;
                let name = match *count {
                    1 => kind.to_owned(),
                    n => format!("{kind} {n}"),
                };
                self.object.store(run.objects.len() as u64, Relaxed);
                self.run.store(run.serial, Relaxed);
                run.objects.push(Object {
                    name,
                    holders: Vec::new(),
                });
            }
            usize::try_from(self.object.load(Relaxed)).unwrap_or(usize::MAX)
        })
    }
}

impl Run {
    /// Names something shared, outside the numbering of [`Tag`].
    pub(in crate::model) fn add_object(&mut self, name: String) -> usize {
        self.objects.push(Object {
            name,
            holders: Vec::new(),
        });
        self.objects.len() - 1
    }

    pub(in crate::model) fn object_name(&self, object: usize) -> &str {
        &self.objects[object].name
    }

    /// Remembers a step of the running thread.
    pub(in crate::model) fn note(&mut self, object: Option<usize>, op: Op) {
        if self.stop.is_none() {
            let task = self.current;
            self.read = matches!(op, Op::Load { .. } | Op::CompareFailed { .. });
            if let Some(object) = object {
                self.tasks[task].last = Some((object, op.to_string()));
            }
            self.records.push(Record { task, object, op });
        }
    }

    /// Ends the run: this went wrong.
    pub(in crate::model) fn fail(&mut self, failure: Failure) {
        if self.stop.is_none() {
            self.stop = Some(Stop::Failed(failure));
        }
    }
}

/// Remembers a step of the running thread. It is one of [`crate::sync`], which is sequentially consistent, or the start or
/// end of a thread.
pub(crate) fn record(object: Option<usize>, op: Op) {
    with(|run| {
        if object.is_some() {
            run.full_barrier();
        }
        run.note(object, op);
    });
}

/// One access to something shared: a scheduling point, the access itself, and a record of it.
pub(crate) fn access<T>(tag: &Tag, kind: &'static str, run: impl FnOnce() -> (T, Op)) -> T {
    point();
    let (value, op) = run();
    record(Some(tag.object(kind)), op);
    value
}

/// The running thread holds a lock from here on.
pub(crate) fn hold(object: usize) {
    with(|run| run.objects[object].holders.push(run.current));
}

/// The running thread holds the lock no longer: who waits for it may try again.
pub(crate) fn release(object: usize) {
    with(|run| {
        let me = run.current;
        let holders = &mut run.objects[object].holders;
        let held = holders.iter().position(|holder| *holder == me).unwrap_or(0);
        if held < holders.len() {
            holders.remove(held);
        }
    });
    wake(Waiting::Lock(object));
}

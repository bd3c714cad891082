//! What threads share: names, holders, and what was done to it.

use super::{Object, Record, Waiting, point, wake, with};
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

/// Remembers a step of the running thread.
pub(crate) fn record(object: Option<usize>, op: Op) {
    with(|run| {
        if run.stop.is_none() {
            let task = run.current;
            run.read = matches!(op, Op::Load { .. } | Op::CompareFailed { .. });
            if let Some(object) = object {
                run.tasks[task].last = Some((object, op.to_string()));
            }
            run.records.push(Record { task, object, op });
        }
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

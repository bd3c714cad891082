//! What the tests see and steer: counts of what was started, and timing that makes races show.
//!
//! The counts live in a page that is shared with every child, so what a child does is counted too.
//! Nothing here is for learners.

use crate::memory::Region;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// How much of what happened since [`begin`], in this process and its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Threads started with [`crate::thread`].
    pub threads: u64,
    /// Children started with [`crate::process::fork`].
    pub forks: u64,
    /// Children whose end was waited for.
    pub waits: u64,
    /// Writes that children made to words of a [`crate::memory::Mapping`].
    pub child_writes: u64,
}

#[derive(Clone, Copy)]
pub(crate) enum Event {
    Thread,
    Fork,
    Wait,
    ChildWrite,
    Arrived,
    Parties,
}

struct Page {
    region: Region,
    creator: u32,
}

static PAGE: OnceLock<Page> = OnceLock::new();

thread_local! {
    static MET: Cell<bool> = const { Cell::new(false) };
}

fn cell(event: Event) -> Option<&'static AtomicU64> {
    PAGE.get().map(|page| page.region.word(event as usize))
}

/// Begins to count. With `parties` > 0 the timing is hostile: the first `parties` children that touch a
/// shared word wait for each other there, and after every load of a word the process pauses, so that a
/// load and a store that belong together come apart.
///
/// # Errors
/// No page could be mapped.
pub fn begin(parties: usize) -> io::Result<()> {
    let page = Page {
        region: Region::anonymous_shared(4096)?,
        creator: std::process::id(),
    };
    let _ = PAGE.set(page);
    for event in [
        Event::Thread,
        Event::Fork,
        Event::Wait,
        Event::ChildWrite,
        Event::Arrived,
    ] {
        cell(event).map(|count| count.store(0, SeqCst));
    }
    cell(Event::Parties).map(|count| count.store(parties as u64, SeqCst));
    Ok(())
}

/// What was counted since [`begin`].
#[must_use]
pub fn counts() -> Counts {
    let read = |event| cell(event).map_or(0, |count| count.load(SeqCst));
    Counts {
        threads: read(Event::Thread),
        forks: read(Event::Fork),
        waits: read(Event::Wait),
        child_writes: read(Event::ChildWrite),
    }
}

pub(crate) fn count(event: Event) {
    if let Some(count) = cell(event) {
        count.fetch_add(1, SeqCst);
    }
}

fn in_child() -> bool {
    PAGE.get()
        .is_some_and(|page| page.creator != std::process::id())
}

/// A child is about to use a shared word: it waits here until all parties are about to.
pub(crate) fn before_access() {
    let Some((parties, arrived)) = cell(Event::Parties).zip(cell(Event::Arrived)) else {
        return;
    };
    if parties.load(SeqCst) == 0 || !in_child() || MET.replace(true) {
        return;
    }
    arrived.fetch_add(1, SeqCst);
    while arrived.load(SeqCst) < parties.load(SeqCst) {
        std::thread::sleep(Duration::from_micros(100));
    }
}

pub(crate) fn after_load() {
    if cell(Event::Parties).is_some_and(|parties| parties.load(SeqCst) > 0) && in_child() {
        std::thread::sleep(Duration::from_micros(50));
    }
}

pub(crate) fn after_write() {
    if in_child() {
        count(Event::ChildWrite);
    }
}

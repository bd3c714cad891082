//! What the tests see and steer: counts of what was started, and timing that makes races show.
//!
//! The counts live in a page that is shared with every child, so what a child does is counted too.
//! Nothing here is for learners.

use crate::memory::Region;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

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
    /// Children that were about to use a shared word when their parent already waited, and some of the
    /// parties were not forked yet: so not all run at the same time.
    pub early_waits: u64,
    /// How often the lock of a [`crate::memory::Block`] was taken.
    pub locks: u64,
    /// Writes to words of a [`crate::memory::Block`] without its lock.
    pub unlocked_writes: u64,
}

#[derive(Clone, Copy)]
pub(crate) enum Event {
    Thread,
    Fork,
    Wait,
    ChildWrite,
    EarlyWait,
    Lock,
    UnlockedWrite,
    Waiting,
    Arrived,
    Parties,
    FailingFork,
    KilledChild,
}

const ALL: [Event; 12] = [
    Event::Thread,
    Event::Fork,
    Event::Wait,
    Event::ChildWrite,
    Event::EarlyWait,
    Event::Lock,
    Event::UnlockedWrite,
    Event::Waiting,
    Event::Arrived,
    Event::Parties,
    Event::FailingFork,
    Event::KilledChild,
];

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

/// How long a child holds back for a parent that does not wait for it.
const HOLD: Duration = Duration::from_millis(300);

/// Begins to count, from zero. With `parties` > 0 the timing is hostile: children that touch a shared word
/// wait there until `parties` of them do and until their parent waits for one (or a while has passed), and
/// pause after every load, so that a load and a store that belong together come apart.
///
/// # Errors
/// No page could be mapped.
pub fn begin(parties: usize) -> io::Result<()> {
    if PAGE.get().is_none() {
        let _ = PAGE.set(Page {
            region: Region::anonymous_shared(4096)?,
            creator: std::process::id(),
        });
    }
    for event in ALL {
        set(event, 0);
    }
    set(Event::Parties, parties as u64);
    Ok(())
}

fn set(event: Event, value: u64) {
    if let Some(count) = cell(event) {
        count.store(value, SeqCst);
    }
}

fn get(event: Event) -> u64 {
    cell(event).map_or(0, |count| count.load(SeqCst))
}

/// What was counted since [`begin`].
#[must_use]
pub fn counts() -> Counts {
    Counts {
        threads: get(Event::Thread),
        forks: get(Event::Fork),
        waits: get(Event::Wait),
        child_writes: get(Event::ChildWrite),
        early_waits: get(Event::EarlyWait),
        locks: get(Event::Lock),
        unlocked_writes: get(Event::UnlockedWrite),
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

fn hostile() -> bool {
    get(Event::Parties) > 0 && in_child()
}

/// A child is about to use a shared word.
pub(crate) fn before_access() {
    if !hostile() || MET.replace(true) {
        return;
    }
    count(Event::Arrived);
    let begin = Instant::now();
    while get(Event::Arrived) < get(Event::Parties) {
        if get(Event::Waiting) > 0 && get(Event::Fork) < get(Event::Parties) {
            count(Event::EarlyWait); // the others are not even forked: do not wait for them
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    while get(Event::Waiting) == 0 && begin.elapsed() < HOLD {
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// The `nth` fork from here on fails.
pub fn fail_fork(nth: u64) {
    set(Event::FailingFork, get(Event::Fork) + nth);
}

/// The `nth` child from here on is killed as it begins.
pub fn kill_child(nth: u64) {
    set(Event::KilledChild, get(Event::Fork) + nth);
}

pub(crate) fn fork_is_to_fail() -> bool {
    get(Event::FailingFork) == get(Event::Fork) + 1
}

/// The number that the next fork will have, to be given to [`child_begins`].
pub(crate) fn next_child() -> u64 {
    get(Event::Fork) + 1
}

pub(crate) fn child_begins(number: u64) {
    if get(Event::KilledChild) == number {
        std::process::abort();
    }
}

pub(crate) fn after_load() {
    if hostile() {
        std::thread::sleep(Duration::from_micros(50));
    }
}

pub(crate) fn after_write(word: *const u8) {
    if PAGE.get().is_none() {
        return; // nobody counts
    }
    if in_child() {
        count(Event::ChildWrite);
    }
    let blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    if blocks
        .iter()
        .any(|block| block.bytes.contains(&(word as usize)) && !block.locked)
    {
        count(Event::UnlockedWrite);
    }
}

/// The blocks that this process has open: where, and whether it holds their lock.
static BLOCKS: Mutex<Vec<OpenBlock>> = Mutex::new(Vec::new());

struct OpenBlock {
    bytes: Range<usize>,
    locked: bool,
}

/// Remembers a block that was opened, or forgets one that was closed.
pub(crate) fn block_opened(bytes: Range<usize>, open: bool) {
    let mut blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    blocks.retain(|block| block.bytes.start != bytes.start);
    if open {
        let locked = false;
        blocks.push(OpenBlock { bytes, locked });
    }
}

pub(crate) fn block_locked(start: usize, locked: bool) {
    if locked {
        count(Event::Lock);
    }
    let mut blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    for block in blocks.iter_mut().filter(|block| block.bytes.start == start) {
        block.locked = locked;
    }
}

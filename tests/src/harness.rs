//! What the tests see and steer: counts of what was started, and timing that makes races show.
//!
//! The counts live in memory that is shared with every child, so what a child does is counted too.

use os_core::hook::{self, Access, Event, Space, When};
use os_core::memory::{Mapping, Ordering::SeqCst};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How much of what happened since [`begin`], in this process and its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Threads started with `os::thread`.
    pub threads: u64,
    /// Children started with `os::process::fork`.
    pub forks: u64,
    /// Children whose end was waited for.
    pub waits: u64,
    /// Writes that children made to words of an `os::memory::Mapping`.
    pub child_writes: u64,
    /// Children that were about to use a shared word when their parent already waited, and some of the
    /// parties were not forked yet: so not all run at the same time.
    pub early_waits: u64,
    /// How often the lock of an `os::memory::Block` was acquired.
    pub locks: u64,
    /// Writes to words of an `os::memory::Block` without its lock.
    pub unlocked_writes: u64,
}

#[derive(Clone, Copy)]
enum Count {
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

const COUNTS: usize = Count::KilledChild as usize + 1;

struct Page {
    words: Mapping,
    creator: u32,
}

static PAGE: OnceLock<Page> = OnceLock::new();

/// The blocks whose lock this process holds.
static LOCKED: Mutex<Vec<Space>> = Mutex::new(Vec::new());

thread_local! {
    static MET: Cell<bool> = const { Cell::new(false) };
}

/// How long a child holds back for a parent that does not wait for it.
const HOLD: Duration = Duration::from_millis(300);

/// Begins to count, from zero. With `parties` > 0 the timing is hostile: children that touch a shared word
/// wait there until `parties` of them do and until their parent waits for one (or a while has passed), and
/// pause after every load, so that a load and a store that belong together come apart.
///
/// # Errors
/// No page could be mapped.
pub(crate) fn begin(parties: usize) -> io::Result<()> {
    if PAGE.get().is_none() {
        let _ = PAGE.set(Page {
            words: Mapping::shared(COUNTS)?,
            creator: std::process::id(),
        });
        hook::install(listen);
    }
    if let Some(page) = PAGE.get() {
        for index in 0..COUNTS {
            page.words.word(index).store(0, SeqCst);
        }
    }
    set(Count::Parties, parties as u64);
    Ok(())
}

fn set(count: Count, value: u64) {
    if let Some(page) = PAGE.get() {
        page.words.word(count as usize).store(value, SeqCst);
    }
}

fn get(count: Count) -> u64 {
    PAGE.get()
        .map_or(0, |page| page.words.word(count as usize).load(SeqCst))
}

fn count(count: Count) {
    if let Some(page) = PAGE.get() {
        page.words.word(count as usize).fetch_add(1, SeqCst);
    }
}

/// What was counted since [`begin`].
pub(crate) fn counts() -> Counts {
    Counts {
        threads: get(Count::Thread),
        forks: get(Count::Fork),
        waits: get(Count::Wait),
        child_writes: get(Count::ChildWrite),
        early_waits: get(Count::EarlyWait),
        locks: get(Count::Lock),
        unlocked_writes: get(Count::UnlockedWrite),
    }
}

/// The `nth` fork from here on fails.
pub(crate) fn fail_fork(nth: u64) {
    set(Count::FailingFork, get(Count::Fork) + nth);
}

/// The `nth` child from here on is killed as it begins.
pub(crate) fn kill_child(nth: u64) {
    set(Count::KilledChild, get(Count::Fork) + nth);
}

fn in_child() -> bool {
    PAGE.get()
        .is_some_and(|page| page.creator != std::process::id())
}

fn hostile() -> bool {
    get(Count::Parties) > 0 && in_child()
}

fn listen(event: &Event<'_>) -> io::Result<()> {
    let mut locked = LOCKED.lock().unwrap_or_else(PoisonError::into_inner);
    match *event {
        Event::ThreadSpawn { when: When::After } => count(Count::Thread),
        Event::Fork {
            when: When::Before, ..
        } if get(Count::FailingFork) == get(Count::Fork) + 1 => {
            return Err(io::ErrorKind::WouldBlock.into()); // EAGAIN: no room for another process
        }
        Event::Fork {
            when: When::After, ..
        } => count(Count::Fork),
        Event::ChildBegin { number } => {
            locked.clear();
            if get(Count::KilledChild) == number {
                std::process::abort();
            }
        }
        Event::Wait {
            when: When::Before, ..
        } => count(Count::Waiting),
        Event::Wait {
            when: When::After, ..
        } => count(Count::Wait),
        Event::Lock {
            when: When::After,
            space,
        } => {
            count(Count::Lock);
            locked.push(space);
        }
        Event::Unlock {
            when: When::Before,
            space,
        } => locked.retain(|other| *other != space),
        Event::Access {
            space: Space::Pages { .. },
            ..
        } => {}
        Event::Access {
            when: When::Before, ..
        } => {
            drop(locked);
            before_access();
        }
        Event::Access {
            when: When::After,
            space,
            access,
            wrote,
            ..
        } => {
            if wrote && in_child() {
                count(Count::ChildWrite);
            }
            if wrote && matches!(space, Space::Block { .. }) && !locked.contains(&space) {
                count(Count::UnlockedWrite);
            }
            drop(locked);
            if access == Access::Load && hostile() {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        _ => {}
    }
    Ok(())
}

/// A child is about to use a shared word.
fn before_access() {
    if !hostile() || MET.replace(true) {
        return;
    }
    count(Count::Arrived);
    let begin = Instant::now();
    while get(Count::Arrived) < get(Count::Parties) {
        if get(Count::Waiting) > 0 && get(Count::Fork) < get(Count::Parties) {
            count(Count::EarlyWait); // the others are not even forked: do not wait for them
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    while get(Count::Waiting) == 0 && begin.elapsed() < HOLD {
        std::thread::sleep(Duration::from_micros(100));
    }
}

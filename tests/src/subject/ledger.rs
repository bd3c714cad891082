//! What the learner's code did, in order, in the subject and in all the processes it forked.
//!
//! The subject keeps this record of itself, through the functions of `os`. So it is the subject's own word: where the kernel
//! or another process can tell, a test asks them instead.

use super::shared::{self, Shared, WORDS};
use crate::account::{Events, SelfReported};
use os_core::hook::{Access, Event, Space, When};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::SeqCst;

/// Memory that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Memory {
    /// A `Mapping` whose writes other processes see.
    SharedMapping(u64),
    /// A `Mapping` whose writes stay with the process.
    PrivateMapping(u64),
    /// A `Block`, by its inode.
    Block(u64),
    /// `Pages`, private or shared.
    Pages(u64),
}

/// A word or page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// In which memory.
    pub memory: Memory,
    /// Which one.
    pub index: usize,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A word or page was read.
    Read {
        /// Which.
        place: Place,
        /// The value.
        seen: Option<u64>,
    },
    /// A word or page was written.
    Wrote {
        /// Which.
        place: Place,
        /// The value before, where the same step read it.
        seen: Option<u64>,
        /// The value now.
        now: Option<u64>,
    },
    /// The lock of a block was acquired.
    Locked(Memory),
    /// The lock of a block was released.
    Unlocked(Memory),
    /// Somebody else (the test) took the block's lock, wrote this to its first word, and released it.
    RivalWrote {
        /// The block.
        block: Memory,
        /// The value now.
        now: u64,
    },
    /// A process was forked: its number.
    Forked(usize),
    /// A forked process began its closure.
    Began,
    /// A forked process ended its closure.
    Ended,
    /// A wait for this process began.
    WaitBegan(usize),
    /// This process was waited for.
    Waited(usize),
    /// The pages were measured.
    Measured,
    /// A thread was started.
    ThreadStarted,
    /// Memory was mapped.
    Mapped(Memory),
    /// A wait for a wake-up on this word began.
    Slept(Place),
    /// Those who wait on this word were woken.
    Woke(Place),
    /// Somebody asked whether a peer has ended.
    AskedAboutPeer,
}

/// Something that happened, and in which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// 0 is the subject itself; the processes that it forked follow.
    pub process: usize,
    /// What.
    pub what: What,
}

/// All that happened during a call, by the subject's account.
pub type Ledger = SelfReported<Records, Events>;

/// What a [`Ledger`] holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// In order.
    pub records: Vec<Record>,
    /// Whether there was more than could be kept.
    pub cut_off: bool,
}

impl Records {
    /// How many records satisfy a predicate.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Record) -> bool) -> usize {
        self.records.iter().filter(|record| is(record)).count()
    }

    /// How many children the subject itself forked.
    #[must_use]
    pub fn forks(&self) -> usize {
        self.count(|r| r.process == 0 && matches!(r.what, What::Forked(_)))
    }

    /// How many threads were started with `os::thread`.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.count(|r| r.what == What::ThreadStarted)
    }

    /// How many processes were forked, by the subject and by its children.
    #[must_use]
    pub fn all_forks(&self) -> usize {
        self.count(|r| matches!(r.what, What::Forked(_)))
    }

    /// How many processes had been forked when the first of them wrote to memory that they share.
    #[must_use]
    pub fn forks_before_the_first_write(&self) -> usize {
        let writes = |r: &Record| {
            let What::Wrote { place, .. } = r.what else {
                return false;
            };
            r.process != 0 && matches!(place.memory, Memory::SharedMapping(_) | Memory::Block(_))
        };
        self.records
            .iter()
            .take_while(|r| !writes(r))
            .filter(|r| matches!(r.what, What::Forked(_)))
            .count()
    }
}

/// Runs `body`, and returns beside its result what happened meanwhile.
pub fn observe<T>(body: impl FnOnce() -> T) -> (T, Ledger) {
    let Some(shared) = shared::get() else {
        return (body(), Ledger::default());
    };
    shared.recorded.store(0, SeqCst);
    shared.recording.store(1, SeqCst);
    let value = body();
    shared.recording.store(0, SeqCst);
    (value, Ledger::new(read(shared)))
}

fn read(shared: &Shared) -> Records {
    let count = shared.recorded.load(SeqCst) as usize;
    let kept = count.min(shared.records.len());
    Records {
        records: shared.records[..kept].iter().filter_map(decode).collect(),
        cut_off: count > kept,
    }
}

/// Records an event, after it happened.
pub(super) fn record(event: &Event<'_>) {
    let Some(shared) = shared::get() else { return };
    if shared.recording.load(SeqCst) == 0 {
        return;
    }
    let number = |pid: u32| shared.slot(pid).unwrap_or(usize::MAX);
    let what = match *event {
        Event::Access {
            when: When::After,
            space,
            index,
            access,
            wrote,
            seen,
            now,
        } => {
            let place = Place {
                memory: space.into(),
                index,
            };
            if wrote && access != Access::Load {
                What::Wrote { place, seen, now }
            } else {
                What::Read { place, seen }
            }
        }
        Event::FutexWait {
            when: When::Before,
            space,
            index,
        } => What::Slept(Place {
            memory: space.into(),
            index,
        }),
        Event::FutexWake {
            when: When::Before,
            space,
            index,
        } => What::Woke(Place {
            memory: space.into(),
            index,
        }),
        Event::PeerAsked => What::AskedAboutPeer,
        Event::Lock {
            when: When::After,
            space,
        } => What::Locked(space.into()),
        Event::Unlock {
            when: When::Before,
            space,
        } => What::Unlocked(space.into()),
        Event::Fork {
            when: When::After,
            child: Some(child),
        } => What::Forked(number(child)),
        Event::ChildBegin { .. } => What::Began,
        Event::ChildEnd => What::Ended,
        Event::Wait {
            when: When::Before,
            child,
        } => What::WaitBegan(number(child)),
        Event::Wait {
            when: When::After,
            child,
        } => What::Waited(number(child)),
        Event::Usage { when: When::After } => What::Measured,
        Event::ThreadSpawn { when: When::Before } => What::ThreadStarted,
        Event::Map {
            when: When::After,
            space,
            ..
        } => What::Mapped(space.into()),
        _ => return,
    };
    push(what);
}

/// Adds to the record what the test itself did.
pub(super) fn push(what: What) {
    let Some(shared) = shared::get() else { return };
    let index = shared.recorded.fetch_add(1, SeqCst) as usize;
    let Some(record) = shared.records.get(index) else {
        return;
    };
    let words = encode(&Record {
        process: shared.own_slot().unwrap_or(usize::MAX),
        what,
    });
    for (cell, word) in record.iter().zip(words).rev() {
        cell.store(word, SeqCst); // the first word, which says what it is, last
    }
}

impl From<Space> for Memory {
    fn from(space: Space) -> Self {
        match space {
            Space::Mapping { id, shared: true } => Self::SharedMapping(id),
            Space::Mapping { id, shared: false } => Self::PrivateMapping(id),
            Space::Block { inode, .. } => Self::Block(inode),
            Space::Pages { id, .. } => Self::Pages(id),
        }
    }
}

/// `kind, process, memory's kind, memory's id, index, flags, seen, now`
fn encode(record: &Record) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    words[1] = record.process as u64;
    let memory = |words: &mut [u64; WORDS], memory: Memory| {
        (words[2], words[3]) = match memory {
            Memory::SharedMapping(id) => (0, id),
            Memory::PrivateMapping(id) => (1, id),
            Memory::Block(id) => (2, id),
            Memory::Pages(id) => (3, id),
        };
    };
    let values = |words: &mut [u64; WORDS], seen: Option<u64>, now: Option<u64>| {
        words[5] = u64::from(seen.is_some()) | u64::from(now.is_some()) << 1;
        words[6] = seen.unwrap_or(0);
        words[7] = now.unwrap_or(0);
    };
    words[0] = match record.what {
        What::Read { place, seen } => {
            memory(&mut words, place.memory);
            words[4] = place.index as u64;
            values(&mut words, seen, None);
            1
        }
        What::Wrote { place, seen, now } => {
            memory(&mut words, place.memory);
            words[4] = place.index as u64;
            values(&mut words, seen, now);
            2
        }
        What::Locked(block) => {
            memory(&mut words, block);
            3
        }
        What::Unlocked(block) => {
            memory(&mut words, block);
            4
        }
        What::RivalWrote { block, now } => {
            memory(&mut words, block);
            words[7] = now;
            5
        }
        What::Forked(child) => {
            words[4] = child as u64;
            6
        }
        What::Began => 7,
        What::Ended => 8,
        What::WaitBegan(child) => {
            words[4] = child as u64;
            9
        }
        What::Waited(child) => {
            words[4] = child as u64;
            10
        }
        What::AskedAboutPeer => 16,
        What::Measured => 11,
        What::ThreadStarted => 12,
        What::Mapped(space) => {
            memory(&mut words, space);
            13
        }
        What::Slept(place) | What::Woke(place) => {
            memory(&mut words, place.memory);
            words[4] = place.index as u64;
            match record.what {
                What::Slept(_) => 14,
                _ => 15,
            }
        }
    };
    words
}

fn decode(cells: &[std::sync::atomic::AtomicU64; WORDS]) -> Option<Record> {
    let words = cells.each_ref().map(|cell| cell.load(SeqCst));
    let index = usize::try_from(words[4]).unwrap_or(usize::MAX);
    let memory = match words[2] {
        0 => Memory::SharedMapping(words[3]),
        1 => Memory::PrivateMapping(words[3]),
        2 => Memory::Block(words[3]),
        _ => Memory::Pages(words[3]),
    };
    let place = Place { memory, index };
    let seen = (words[5] & 1 != 0).then_some(words[6]);
    let now = (words[5] & 2 != 0).then_some(words[7]);
    let what = match words[0] {
        1 => What::Read { place, seen },
        2 => What::Wrote { place, seen, now },
        3 => What::Locked(memory),
        4 => What::Unlocked(memory),
        5 => What::RivalWrote {
            block: memory,
            now: words[7],
        },
        6 => What::Forked(index),
        7 => What::Began,
        8 => What::Ended,
        9 => What::WaitBegan(index),
        10 => What::Waited(index),
        11 => What::Measured,
        12 => What::ThreadStarted,
        13 => What::Mapped(memory),
        14 => What::Slept(place),
        15 => What::Woke(place),
        16 => What::AskedAboutPeer,
        _ => return None, // its writer was killed before it was complete
    };
    Some(Record {
        process: usize::try_from(words[1]).unwrap_or(usize::MAX),
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_shared_memory() {
        let place = Place {
            memory: Memory::Block(u64::MAX),
            index: 7,
        };
        let all = [
            What::Read { place, seen: None },
            What::Wrote {
                place,
                seen: Some(0),
                now: Some(u64::MAX),
            },
            What::Locked(place.memory),
            What::Unlocked(place.memory),
            What::RivalWrote {
                block: place.memory,
                now: 9,
            },
            What::Forked(1),
            What::Began,
            What::Ended,
            What::WaitBegan(2),
            What::Waited(3),
            What::Measured,
            What::ThreadStarted,
            What::Mapped(Memory::SharedMapping(5)),
            What::Slept(place),
            What::Woke(place),
            What::AskedAboutPeer,
        ];
        for what in all {
            let record = Record { process: 3, what };
            let cells = encode(&record).map(std::sync::atomic::AtomicU64::new);
            assert_eq!(decode(&cells), Some(record));
        }
    }
}

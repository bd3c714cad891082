//! Somebody else who uses the same block, and keeps to its lock: whenever the learner's code doesn't hold it.
//!
//! Whatever the learner's code assumes to stay the same without the lock changes: before it acquires the lock, after it
//! releases it, and before each access without it. Code that keeps to the lock never notices.

use super::ledger::{self, Memory, What};
use os_core::hook::{Event, Space, When};
use os_core::memory::{Block, Ordering::SeqCst};
use std::cell::RefCell;

/// The most additions during one call: code that retries until nobody interferes must come to an end.
const TURNS: u64 = 200;

struct Rival {
    block: Block,
    memory: Option<Memory>,
    /// How many guards the learner's code holds.
    held: usize,
    turns: u64,
    amount: u64,
}

thread_local! {
    // The subject has one thread; a thread that the learner starts is nobody's rival.
    static RIVAL: RefCell<Option<Rival>> = const { RefCell::new(None) };
}

/// From here on somebody adds `amount` to the first word of the block of this name, under its lock, at every opportunity.
///
/// # Panics
/// When there is no such block.
pub fn start(name: &str, amount: u64) {
    let block = Block::open(name).expect("the block of the test can be opened");
    RIVAL.set(Some(Rival {
        block,
        memory: None,
        held: 0,
        turns: 0,
        amount,
    }));
}

/// Ends it; returns whether the lock could still be acquired: a guard that was leaked holds it for ever.
///
/// # Panics
/// When there was no rival.
#[must_use]
pub fn stop() -> bool {
    let rival = RIVAL.take().expect("a rival was started");
    rival.held == 0 && rival.block.lock().is_ok()
}

pub(super) fn act(event: &Event<'_>) {
    RIVAL.with(|rival| {
        // Borrowed already: the event is the rival's own.
        if let Ok(mut rival) = rival.try_borrow_mut()
            && let Some(rival) = rival.as_mut()
        {
            rival.act(event);
        }
    });
}

impl Rival {
    fn act(&mut self, event: &Event<'_>) {
        match *event {
            Event::Lock { when, space } if self.is_mine(space) => match when {
                When::Before if self.held == 0 => self.add(),
                When::Before => {}
                When::After => self.held += 1,
            },
            Event::Unlock { when, space } if self.is_mine(space) => match when {
                When::Before => self.held = self.held.saturating_sub(1),
                When::After if self.held == 0 => self.add(),
                When::After => {}
            },
            Event::Access {
                when: When::Before,
                space,
                ..
            } if self.is_mine(space) && self.held == 0 => self.add(),
            _ => {}
        }
    }

    /// Whether an event is about the rival's block: the first block that the learner's code touches is.
    fn is_mine(&mut self, space: Space) -> bool {
        let Space::Block { .. } = space else {
            return false;
        };
        *self.memory.get_or_insert(space.into()) == Memory::from(space)
    }

    fn add(&mut self) {
        if self.turns == TURNS {
            return;
        }
        self.turns += 1;
        let (Ok(_guard), Ok(word)) = (self.block.lock(), self.block.word(0)) else {
            return;
        };
        let now = word.load(SeqCst).wrapping_add(self.amount);
        word.store(now, SeqCst);
        if let Some(block) = self.memory {
            ledger::push(What::RivalWrote { block, now });
        }
    }
}

//! `add_to_block` beside somebody who uses the same block, and keeps to its lock.

use super::{Name, add_beside_a_rival, block, first_word};
use checks::ledger::{Ledger, What};
use checks::{SelfReported, explain, random};
use std::sync::{Arc, Mutex, PoisonError};

/// `add_to_block` beside somebody who adds under the lock whenever it is free.
struct Contest {
    start: u64,
    amounts: Vec<u64>,
    step: u64,
    /// What was returned.
    last: u64,
    /// What the word held at the end.
    end: u64,
    ledger: Ledger,
    lock_is_free: SelfReported<bool>,
}

/// Five tests look at the same contest: the first of them has it held.
static CONTEST: Mutex<Option<Arc<Contest>>> = Mutex::new(None);

impl Contest {
    fn get() -> Arc<Self> {
        let lock = || CONTEST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contest) = &*lock() {
            return contest.clone();
        }
        let contest = Arc::new(Self::hold()); // which panics if the learner's code fails
        *lock() = Some(contest.clone());
        contest
    }

    fn hold() -> Self {
        let mut random = random();
        // No sum of some amounts is another amount, or a multiple of what the rival adds.
        let amounts: Vec<u64> = (0..random.u32(10..13))
            .map(|n| (10 + random.u64(0..5)) << (4 * n))
            .collect();
        let (start, step) = (random.u64(..1000), 1_000_003 << 20);
        let name = Name::new();
        let block = block(&name, 8, start);
        let (last, ledger, lock_is_free) = add_beside_a_rival(&name.0, &amounts, &step);
        let last = last.unwrap_or_else(|error| {
            explain(
                "memory/exercise.md#one-lock-for-two-languages",
                "Somebody else holds the lock now and then, and always releases it, so there is no reason for an error.",
            );
            panic!("add_to_block returned the error {error:?} for the amounts {amounts:?}")
        });
        Self {
            start,
            amounts,
            step,
            last,
            end: first_word(&block),
            ledger,
            lock_is_free,
        }
    }

    /// What the learner's code added to the word while it held the lock once, for each time it did.
    fn tenures(&self) -> Vec<u64> {
        let (mut tenures, mut held, mut value) = (Vec::new(), 0, self.start);
        for record in &self.ledger.records {
            match record.what {
                What::Locked(_) => {
                    if held == 0 {
                        tenures.push(0u64);
                    }
                    held += 1;
                }
                What::Unlocked(_) => held -= 1,
                What::RivalWrote { now, .. } => value = now,
                What::Wrote {
                    place,
                    now: Some(now),
                    ..
                } if place.index == 0 => {
                    if let Some(tenure) = tenures.last_mut() {
                        *tenure = tenure.wrapping_add(now.wrapping_sub(value));
                    }
                    value = now;
                }
                _ => {}
            }
        }
        tenures.retain(|added| *added != 0);
        tenures
    }

    fn never_locked(&self) -> bool {
        let is_lock = |what: &What| matches!(what, What::Locked(_));
        self.ledger.count(|record| is_lock(&record.what)) == 0
    }

    fn unlocked_writes(&self) -> usize {
        let mut held = 0;
        let mut count = 0;
        for record in &self.ledger.records {
            match record.what {
                What::Locked(_) => held += 1,
                What::Unlocked(_) => held -= 1,
                What::Wrote { .. } if held == 0 => count += 1,
                _ => {}
            }
        }
        count
    }

    /// What the word held from the last write of the learner's code on.
    fn values_at_the_end(&self) -> Vec<u64> {
        let mut values = vec![self.start];
        for record in &self.ledger.records {
            match record.what {
                What::Wrote {
                    place,
                    now: Some(now),
                    ..
                } if place.index == 0 => values = vec![now],
                What::RivalWrote { now, .. } => values.push(now),
                _ => {}
            }
        }
        values
    }

    fn rival_additions(&self) -> u64 {
        self.ledger
            .count(|record| matches!(record.what, What::RivalWrote { .. })) as u64
    }
}

pub fn every_write_is_made_under_the_lock() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "The lock is held as long as its guard lives: `let _lock = …` keeps it, `let _ = …` drops it at once.",
    );
    let contest = Contest::get();
    if contest.never_locked() {
        explain(
            "memory/exercise.md#one-lock-for-two-languages",
            "The lock that Python knows is the block's: `let _lock = block.lock()?` holds it until `_lock` is dropped.",
        );
    }
    assert_eq!(
        contest.unlocked_writes(),
        0,
        "writes to the block without its lock, for {} amounts",
        contest.amounts.len()
    );
}

pub fn python_gets_its_turn_between_two_amounts() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "If you keep the lock for several amounts, you keep Python waiting: acquire and release it for each.",
    );
    let contest = Contest::get();
    let mut tenures = contest.tenures();
    tenures.sort_unstable();
    assert!(
        tenures == contest.amounts,
        "The amounts are {:?}. Each time the lock was held, this much was added: {tenures:?}. It has to be one amount each time.",
        contest.amounts
    );
}

pub fn nothing_is_assumed_to_stay_without_the_lock() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "Between a release of the lock and the next time you hold it, somebody else has written. What was read before is stale.",
    );
    let contest = Contest::get();
    let sum: u64 = contest.amounts.iter().sum();
    let rival = contest.rival_additions();
    let expected = (contest.start + sum).wrapping_add(contest.step.wrapping_mul(rival));
    assert!(
        contest.end == expected,
        "The block held {}; Rust added {:?}, and somebody else, who respects the lock, added {} {rival} times. \
         It should hold {expected} now, and holds {}.",
        contest.start,
        contest.amounts,
        contest.step,
        contest.end
    );
}

pub fn the_lock_is_free_at_the_end() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "The lock is released when its guard is dropped. A guard that is leaked or kept holds it forever.",
    );
    assert!(
        *Contest::get().lock_is_free,
        "add_to_block has returned, and nobody else can acquire the block's lock."
    );
}

pub fn the_result_is_what_the_word_held_at_the_end() {
    explain(
        "memory/exercise.md#step-4-a-block-shared-with-python",
        "The result is read from the word after the last addition. Others may have added to it, so it can't be computed.",
    );
    let contest = Contest::get();
    let values = contest.values_at_the_end();
    assert!(
        values.contains(&contest.last),
        "add_to_block returned {}. From its last addition on the word held {values:?}.",
        contest.last
    );
}

//! Step 4: a block of memory that CPython and Rust share, by name.

mod contest;
mod lending;
mod python;

use crate::Learner;
use checks::faults::{self, Fault, Operation};
use checks::ledger::{self, Ledger};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, observed, panics_with, random, rival, unused_name};
use os_core::memory::{Block, Ordering::SeqCst};
use python::python;
use serde::{Deserialize, Serialize};

pub use python::start_python;

/// What `add_to_block` returned and left behind.
type Added = (Result<u64, String>, Leftovers);

/// What `lend_block` returned, how often it ran `use_it`, what that saw in the block, and what was left behind.
#[derive(Serialize, Deserialize)]
struct Lent {
    result: Result<u64, String>,
    ran: SelfReported<u32>,
    seen: SelfReported<Option<u64>>,
    left: Leftovers,
}

checks::subject! {
    for Learner;

    /// Several calls, one after the other, in one process.
    fn add_to_block(learner, calls: Vec<(String, Vec<u64>)>) -> Vec<Added> {
        calls
            .iter()
            .map(|(name, amounts)| {
                let (sum, left) = leftovers::watch(|| (learner.add_to_block)(name, amounts));
                (sum.map_err(|error| error.to_string()), left)
            })
            .collect()
    }

    /// While somebody else adds `step` under the lock whenever it is free. Also: whether the lock is free afterwards.
    fn add_beside_a_rival(learner, name: String, amounts: Vec<u64>, step: u64) -> (Result<u64, String>, Ledger, SelfReported<bool>) as add_to_block {
        rival::start(&name, step);
        let (sum, ledger) = ledger::observe(|| (learner.add_to_block)(&name, &amounts));
        (sum.map_err(|error| error.to_string()), ledger, observed(rival::stop()))
    }

    fn add_with_faults(learner, name: String, amounts: Vec<u64>, failing: Vec<Fault>) -> Added as add_to_block {
        faults::plan(&failing);
        let (sum, left) = leftovers::watch(|| (learner.add_to_block)(&name, &amounts));
        (sum.map_err(|error| error.to_string()), left)
    }

    /// Tells the judge when the block is lent, and gives it back when told.
    fn lend_block(learner, name: String, value: u64) -> Result<u64, String> {
        let lent = (learner.lend_block)(&name, value, &mut || {
            checks::send(&"lent");
            checks::recv()
        });
        lent.map_err(|error| error.to_string())
    }

    /// Several calls; how often each ran `use_it`, and what it left behind.
    fn lend_quietly(learner, calls: Vec<(String, u64)>, failing: Vec<Fault>) -> Vec<Lent> as lend_block {
        faults::plan(&failing);
        calls
            .iter()
            .map(|(name, value)| {
                let (mut ran, mut seen) = (0, None);
                let (lent, left) = leftovers::watch(|| {
                    (learner.lend_block)(name, *value, &mut || {
                        ran += 1;
                        seen = Block::open(name).and_then(|block| Ok(block.word(0)?.load(SeqCst))).ok();
                        7
                    })
                });
                Lent { result: lent.map_err(|error| error.to_string()), ran: observed(ran), seen: observed(seen), left }
            })
            .collect()
    }

    /// The borrower panics, after it has taken the name away if asked to. Returns whether the panic came through.
    fn lend_and_panic(learner, name: String, unlink_first: bool) -> (SelfReported<bool>, Leftovers) as lend_block {
        leftovers::watch(|| {
            observed(panics_with("the borrower panics", || {
                (learner.lend_block)(&name, 1, &mut || {
                    if unlink_first {
                        let _ = Block::open(&name).and_then(|block| block.unlink());
                    }
                    panic!("the borrower panics")
                })
            }))
        })
    }

    /// The borrower uses the block as anybody would: it takes the lock, reads, adds 1.
    fn lend_to_one_who_locks(learner, name: String, value: u64) -> Result<u64, String> as lend_block {
        let mut problem = None;
        let lent = (learner.lend_block)(&name, value, &mut || {
            let used = Block::open(&name).and_then(|block| {
                let _lock = block.lock()?;
                let word = block.word(0)?;
                Ok(word.fetch_add(1, SeqCst))
            });
            used.unwrap_or_else(|error| {
                problem = Some(format!("the borrower couldn't take the block's lock: {error}"));
                0
            })
        });
        match problem {
            Some(problem) => Err(problem),
            None => lent.map_err(|error| error.to_string()),
        }
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    rust_adds_to_a_block_that_python_made,
    every_write_is_made_under_the_lock,
    no_update_is_lost_while_python_adds,
    nothing_is_assumed_to_stay_without_the_lock,
    python_gets_its_turn_between_two_amounts,
    the_lock_is_free_at_the_end,
    the_result_is_what_the_word_held_at_the_end,
    no_amounts_change_nothing,
    only_the_first_word_changes,
    the_word_may_need_all_64_bits,
    the_name_of_a_block_that_python_made_stays,
    a_second_call_begins_anew,
    a_block_that_nobody_made_is_an_error,
    a_block_too_short_for_a_word_is_an_error,
    adding_leaves_nothing_behind,
    a_lock_that_fails_is_an_error,
    python_reads_the_lent_block,
    the_lent_block_holds_the_value,
    the_name_is_gone_afterwards,
    the_borrower_runs_once_and_its_result_is_returned,
    the_borrower_may_take_the_lock,
    lending_leaves_nothing_behind,
    the_name_is_gone_after_a_panic,
    the_panic_comes_through_when_the_name_is_gone_already,
    a_name_that_is_taken_is_left_alone,
    a_block_that_cannot_be_made_is_an_error,
    somebody_else_may_unlink_the_lent_block,
];

use contest::{
    every_write_is_made_under_the_lock, nothing_is_assumed_to_stay_without_the_lock,
    python_gets_its_turn_between_two_amounts, the_lock_is_free_at_the_end,
    the_result_is_what_the_word_held_at_the_end,
};
use lending::{
    a_block_that_cannot_be_made_is_an_error, a_name_that_is_taken_is_left_alone,
    lending_leaves_nothing_behind, python_reads_the_lent_block,
    somebody_else_may_unlink_the_lent_block, the_borrower_may_take_the_lock,
    the_borrower_runs_once_and_its_result_is_returned, the_lent_block_holds_the_value,
    the_name_is_gone_after_a_panic, the_name_is_gone_afterwards,
    the_panic_comes_through_when_the_name_is_gone_already,
};

/// A name for a block that nobody uses. Whatever has it at the end is unlinked.
struct Name(String);

impl Name {
    fn new() -> Self {
        require_shared_memory();
        Self(unused_name())
    }

    fn exists(&self) -> bool {
        Block::open(&self.0).is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = Block::open(&self.0).and_then(|block| block.unlink());
    }
}

/// A machine whose shared memory is full or read-only is nobody's wrong answer.
fn require_shared_memory() {
    let name = unused_name();
    let probe = Block::create(&name, 8).and_then(|block| {
        // Memory is reserved when it is written to, and by signal if there is none: so it is written as a file.
        let path = std::path::Path::new("/dev/shm").join(&name);
        let written = match path.exists() {
            true => std::fs::write(&path, [1; 8]),
            false => Ok(()),
        };
        block.unlink()?;
        written
    });
    if let Err(error) = probe {
        checks::unusable(format!(
            "shared memory can't be used here (/dev/shm): {error}; make room in it, or mount it writable"
        ));
    }
}

/// A block made by the test, as Python would make it, that holds `value`.
fn block(name: &Name, bytes: usize, value: u64) -> Block {
    let block = Block::create(&name.0, bytes)
        .unwrap_or_else(|error| checks::unusable(format!("a block can't be made here: {error}")));
    if bytes >= 8 {
        block.word(0).expect("it has a word").store(value, SeqCst);
    }
    block
}

fn first_word(block: &Block) -> u64 {
    block.word(0).expect("it has a word").load(SeqCst)
}

/// One call, for a single block.
fn add(name: &Name, amounts: &[u64]) -> Added {
    add_to_block(&vec![(name.0.clone(), amounts.to_vec())]).remove(0)
}

fn rust_adds_to_a_block_that_python_made() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "The block that Python made under this name is the one to open; its first eight bytes are the word.",
    );
    let Some(mut python) = python() else { return };
    let (name, mut random) = (Name::new(), random());
    let start = random.u64(..1_000_000);
    // Some of them are equal, and some are 0.
    let amounts: Vec<u64> = (0..random.usize(100..300))
        .map(|_| random.u64(0..50))
        .collect();
    let total = start + amounts.iter().sum::<u64>();

    assert_eq!(python.ask(&format!("make {} {start}", name.0)), "made");
    let (last, _) = add(&name, &amounts);
    let last = last.unwrap_or_else(|error| {
        explain(
            "memory/exercise.md#one-lock-for-two-languages",
            "Python has made the block, and nobody else uses it. So it can be opened under this name, and its lock is free unless \
             a guard of your own still holds it.",
        );
        panic!("add_to_block returned the error {error:?} for a block that Python had made")
    });
    let seen = python.ask(&format!("read {}", name.0));
    assert_eq!(seen, total.to_string(), "what Python reads from its block");
    explain(
        "memory/exercise.md#step-4-a-block-shared-with-python",
        "Return what the word holds once all amounts are added.",
    );
    assert_eq!(last, total, "what add_to_block returned");
    python.ask(&format!("drop {}", name.0));
}

fn no_update_is_lost_while_python_adds() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "Python reads, adds and writes: three steps. A writer that doesn't acquire the lock can get in between.",
    );
    let Some(mut python) = python() else { return };
    let (name, mut random) = (Name::new(), random());
    let start = random.u64(..1_000_000);
    let rounds = 5;
    let amounts: Vec<u64> = (0..10).map(|_| random.u64(1..1000)).collect();
    let sum: u64 = amounts.iter().sum();

    assert_eq!(python.ask(&format!("make {} {start}", name.0)), "made");
    // From here on Python holds the lock and has read the word. It writes when somebody waits for the lock
    // (Linux tells), or has written without asking for it.
    assert_eq!(python.ask(&format!("add {} {rounds}", name.0)), "holding");
    let (last, _) = add(&name, &amounts);
    assert_eq!(python.ask("finish"), "added");
    let seen = python.ask(&format!("read {}", name.0));
    assert_eq!(
        seen,
        (start + rounds + sum).to_string(),
        "what the block holds, which held {start}, after Python added 1 {rounds} times, and Rust {amounts:?}"
    );
    assert!(last.is_ok(), "add_to_block returned {last:?}");
    python.ask(&format!("drop {}", name.0));
}

fn no_amounts_change_nothing() {
    explain(
        "memory/exercise.md#step-4-a-block-shared-with-python",
        "With nothing to add, the word stays as it is, and you return it.",
    );
    let (name, value) = (Name::new(), random().u64(..));
    let block = block(&name, 8, value);
    assert_eq!(add(&name, &[]).0, Ok(value), "what add_to_block returned");
    assert_eq!(first_word(&block), value, "what the block holds");
}

fn only_the_first_word_changes() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "The block may be longer than a word: the bytes after the first word belong to somebody else.",
    );
    let cases = [4096, 16, 20, 100_000].map(|bytes| {
        let name = Name::new();
        let block = block(&name, bytes, 5);
        for index in 1..bytes / 8 {
            let word = block.word(index).expect("it is long enough");
            word.store(index as u64, SeqCst);
        }
        (name, bytes, block)
    });
    let calls = cases
        .iter()
        .map(|(name, ..)| (name.0.clone(), vec![3, 4]))
        .collect();
    for ((_, bytes, block), (sum, _)) in cases.iter().zip(add_to_block(&calls)) {
        assert_eq!(
            sum,
            Ok(12),
            "what add_to_block returned for a block of {bytes} bytes that held 5"
        );
        assert_eq!(
            first_word(block),
            12,
            "the first word of a block of {bytes} bytes, which held 5, after adding 3 and 4"
        );
        for index in 1..bytes / 8 {
            let word = block.word(index).expect("it is long enough");
            assert_eq!(word.load(SeqCst), index as u64, "word {index} of the block");
        }
    }
}

fn the_word_may_need_all_64_bits() {
    explain(
        "memory/exercise.md#step-4-a-block-shared-with-python",
        "The word and the amounts are `u64`: a sum in `u32`, `i64` or a float loses some.",
    );
    let cases: Vec<(Name, u64, Vec<u64>)> = [
        (u64::from(u32::MAX), vec![u64::from(u32::MAX), 1]),
        ((1 << 53) + 1, vec![2, 0]),
        (1 << 62, vec![1 << 62, 1 << 62, (1 << 40) + 1]),
        (0, vec![u64::MAX]),
    ]
    .into_iter()
    .map(|(start, amounts)| (Name::new(), start, amounts))
    .collect();
    let _blocks: Vec<Block> = cases
        .iter()
        .map(|(name, start, _)| block(name, 8, *start))
        .collect();
    let calls = cases
        .iter()
        .map(|(name, _, amounts)| (name.0.clone(), amounts.clone()))
        .collect();
    for ((_, start, amounts), (sum, _)) in cases.iter().zip(add_to_block(&calls)) {
        assert_eq!(
            sum,
            Ok(start + amounts.iter().sum::<u64>()),
            "the word, which held {start}, after adding {amounts:?}"
        );
    }
}

fn a_second_call_begins_anew() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "Each call opens the block of the name that it was given.",
    );
    let names = [Name::new(), Name::new()];
    let blocks = [block(&names[0], 8, 10), block(&names[1], 8, 1000)];
    let calls = [(0, 1), (1, 2), (0, 3), (0, 4)]
        .map(|(which, amount): (usize, u64)| (names[which].0.clone(), vec![amount]));
    let results: Vec<_> = add_to_block(&calls.to_vec())
        .into_iter()
        .map(|call| call.0)
        .collect();
    assert_eq!(
        results,
        [11, 1002, 14, 18].map(Ok),
        "the results of four calls in one process, for two blocks"
    );
    assert_eq!(
        blocks.map(|block| first_word(&block)),
        [18, 1002],
        "what the two blocks hold"
    );
}

fn a_block_that_nobody_made_is_an_error() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "Attaching doesn't create a block: if there is none of this name, return an error.",
    );
    for amounts in [&[1][..], &[]] {
        let name = Name::new();
        let (answer, _) = add(&name, amounts);
        assert!(
            answer.is_err(),
            "Nobody had made the block, and add_to_block returned {answer:?}."
        );
        assert!(!name.exists(), "add_to_block made a block of its own");
    }
    let name = Name::new();
    let _block = block(&name, 8, 0);
    let failing = vec![Fault::Fail(Operation::Open, 1)];
    let (answer, _) = add_with_faults(&name.0, &vec![1], &failing);
    assert!(
        answer.is_err(),
        "The block could not be opened, and add_to_block returned {answer:?}."
    );
}

fn a_block_too_short_for_a_word_is_an_error() {
    let check_the_size = || {
        explain(
            "memory/exercise.md#a-block-with-a-name",
            "A block has the size that its maker gave it. Check it before you access the word, even if there is nothing to add.",
        );
    };
    check_the_size();
    let cases = [(4, vec![1]), (7, vec![1]), (4, vec![]), (1, vec![])]
        .map(|(bytes, amounts): (usize, Vec<u64>)| (Name::new(), bytes, amounts));
    let _blocks = cases
        .each_ref()
        .map(|(name, bytes, _)| block(name, *bytes, 0));
    let calls = cases
        .iter()
        .map(|(name, _, amounts)| (name.0.clone(), amounts.clone()))
        .collect();
    for ((name, bytes, amounts), (answer, _)) in cases.iter().zip(add_to_block(&calls)) {
        check_the_size();
        assert!(
            answer.is_err(),
            "add_to_block returned {answer:?} for a block of {bytes} bytes and the amounts {amounts:?}"
        );
        explain(
            "memory/exercise.md#who-unlinks-the-block",
            "Only the process that made the block removes its name. An error is no exception.",
        );
        assert!(name.exists(), "the name of somebody else's block is gone");
    }
}

fn a_lock_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "Without the lock nothing may be written: what was added before stays, and you return the error.",
    );
    for nth in 1..=3 {
        let name = Name::new();
        let block = block(&name, 8, 100);
        let failing = vec![Fault::Fail(Operation::Lock, nth)];
        let (answer, left) = add_with_faults(&name.0, &vec![1, 10, 100], &failing);
        assert!(
            answer.is_err(),
            "lock number {nth} could not be acquired, and add_to_block returned {answer:?}"
        );
        let holds = first_word(&block);
        // In whatever order: some of the amounts, not all.
        let sums = [0, 1, 10, 100, 11, 101, 110].map(|sum| 100 + sum);
        assert!(
            sums.contains(&holds),
            "The block held 100, and lock number {nth} could not be acquired. It holds {holds} now, which isn't the sum of 100 and \
             some of the amounts 1, 10, 100."
        );
        assert!(
            left.is_nothing(),
            "the lock could not be acquired, and add_to_block left {left} behind"
        );
    }
}

fn the_name_of_a_block_that_python_made_stays() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "Only the process that made the block removes its name: others may still want to attach.",
    );
    let name = Name::new();
    let _block = block(&name, 8, 0);
    let _ = add(&name, &[1]);
    assert!(
        name.exists(),
        "after add_to_block nobody can attach to the block any more"
    );
}

fn adding_leaves_nothing_behind() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "A block that you opened is closed when its value is dropped: one that is forgotten or kept in a `static` stays.",
    );
    let name = Name::new();
    let _block = block(&name, 8, 0);
    let call = (name.0.clone(), vec![1, 2]);
    let (_, left) = add_to_block(&vec![call.clone(), call]).remove(1);
    assert!(left.is_nothing(), "add_to_block left {left} behind");
}

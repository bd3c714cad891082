//! Step 4: a block of memory that CPython and Rust share, by name.

use crate::Learner;
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger, What};
use checks::leftovers::{self, Leftovers};
use checks::{
    Peer, SelfReported, explain, faults, observed, panics_with, random, rival, unused_name,
};
use os_core::memory::{Block, Ordering::SeqCst};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        checks::infrastructure(format!(
            "shared memory can't be used here (/dev/shm): {error}; make room in it, or mount it writable"
        ));
    }
}

/// A block made by the test, as Python would make it, that holds `value`.
fn block(name: &Name, bytes: usize, value: u64) -> Block {
    let block = Block::create(&name.0, bytes).unwrap_or_else(|error| {
        checks::infrastructure(format!("a block can't be made here: {error}"))
    });
    if bytes >= 8 {
        block.word(0).expect("it has a word").store(value, SeqCst);
    }
    block
}

fn first_word(block: &Block) -> u64 {
    block.word(0).expect("it has a word").load(SeqCst)
}

/// One CPython for all tests of this step: most of a peer's time is its start.
static PYTHON: Mutex<Option<Peer>> = Mutex::new(None);

/// The peer, for this test alone, if there is a Python; see `peer.py` for what it understands.
fn python() -> Option<Python> {
    let python = checks::linux("Python's shared_memory and `flock` meet in /dev/shm")
        .then(checks::python)??;
    let mut peer = PYTHON.lock().unwrap_or_else(|poisoned| {
        // A test failed in the middle of a conversation: begin a new one.
        PYTHON.clear_poison();
        let mut peer = poisoned.into_inner();
        *peer = None;
        peer
    });
    peer.get_or_insert_with(|| python.peer(include_str!("peer.py"), &[]));
    Some(Python(peer))
}

/// Starts the peer ahead of the tests. Where there is no Python, the tests say so.
pub fn start_python() {
    if let Some(python) = checks::find_python() {
        let mut peer = PYTHON
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        peer.get_or_insert_with(|| python.peer(include_str!("peer.py"), &[]));
    }
}

struct Python(MutexGuard<'static, Option<Peer>>);

impl Python {
    /// Tells it to do something and waits for its answer.
    fn ask(&mut self, what: &str) -> String {
        self.peer().send(what);
        self.peer().recv()
    }

    fn peer(&mut self) -> &mut Peer {
        self.0.as_mut().expect("it was started")
    }
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
    let amounts: Vec<u64> = (0..random.usize(1..20))
        .map(|_| random.u64(1..1000))
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
        let amounts: Vec<u64> = (0..random.u32(4..7))
            .map(|n| (10 + random.u64(0..5)) << (8 * n))
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

fn every_write_is_made_under_the_lock() {
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

fn python_gets_its_turn_between_two_amounts() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "Whoever keeps the lock for several amounts keeps Python waiting: acquire it and release it for each.",
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

fn nothing_is_assumed_to_stay_without_the_lock() {
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
        "The block held {}; Rust added {:?}, and somebody else, who keeps to the lock, added {} {rival} times. \
         It should hold {expected} now, and holds {}.",
        contest.start,
        contest.amounts,
        contest.step,
        contest.end
    );
}

fn the_lock_is_free_at_the_end() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "The lock is released when its guard is dropped. A guard that is leaked or kept holds it for ever.",
    );
    assert!(
        *Contest::get().lock_is_free,
        "add_to_block has returned, and nobody else can acquire the block's lock."
    );
}

fn the_result_is_what_the_word_held_at_the_end() {
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

fn no_update_is_lost_while_python_adds() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "Python reads, adds and writes: three steps. Whoever doesn't acquire the lock writes in between.",
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
        "With nothing to add, the word stays as it is, and is what is returned.",
    );
    let (name, value) = (Name::new(), random().u64(..));
    let block = block(&name, 8, value);
    assert_eq!(add(&name, &[]).0, Ok(value), "what add_to_block returned");
    assert_eq!(first_word(&block), value, "what the block holds");
}

fn only_the_first_word_changes() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "The block may be longer than a word: what follows the first is somebody else's.",
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
        "To attach is not to create: without a block of this name there is an error.",
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
}

fn a_block_too_short_for_a_word_is_an_error() {
    let check_the_size = || {
        explain(
            "memory/exercise.md#a-block-with-a-name",
            "A block has the size that its maker gave it. Check it before you access the word, also with nothing to add.",
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
            "Whoever made the block removes its name, nobody else, and not after an error either.",
        );
        assert!(name.exists(), "the name of somebody else's block is gone");
    }
}

fn a_lock_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "Without the lock nothing may be written: what was added before stays, and the error is the answer.",
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
        "Whoever made the block removes its name, nobody else: others may still want to attach.",
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

fn python_reads_the_lent_block() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "While `use_it` runs, the block exists under its name and its first word holds the value.",
    );
    let Some(mut python) = python() else { return };
    let (name, value) = (Name::new(), random().u64(..));
    let mut call = lend_block::start(&name.0, &value);
    assert_eq!(call.recv::<String>(), "lent");
    assert!(
        name.exists(),
        "while `use_it` runs there is no block of this name"
    );
    let seen = python.ask(&format!("read {}", name.0));
    assert_eq!(
        seen,
        value.to_string(),
        "what Python reads while `use_it` runs"
    );
    call.send(&7u64);
    assert_eq!(
        call.finish(),
        Ok(7),
        "what lend_block returned, when `use_it` returned 7"
    );
    python.ask(&format!("leave {}", name.0));
}

fn the_lent_block_holds_the_value() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "The block has its name and its value before `use_it` runs.",
    );
    for value in [random().u64(..), 0, u64::MAX] {
        let name = Name::new();
        let mut call = lend_block::start(&name.0, &value);
        assert_eq!(call.recv::<String>(), "lent");
        let word = Block::open(&name.0).and_then(|block| Ok(block.word(0)?.load(SeqCst)));
        assert_eq!(
            word.map_err(|error| error.to_string()),
            Ok(value),
            "the first word of the block, while `use_it` runs"
        );
        call.send(&value.wrapping_add(1));
        assert_eq!(
            call.finish(),
            Ok(value.wrapping_add(1)),
            "what lend_block returned, which is what `use_it` returned"
        );
    }
}

fn the_borrower_runs_once_and_its_result_is_returned() {
    explain(
        "memory/exercise.md#step-4-a-block-shared-with-python",
        "Each call makes a block, runs `use_it` once, and returns what it returned.",
    );
    let names = [Name::new(), Name::new()];
    let calls = [0, 1, 0].map(|which: usize| (names[which].0.clone(), 40 + which as u64));
    let lent = lend_quietly(&calls.to_vec(), &vec![]);
    for (number, ((_, value), lent)) in (1..).zip(calls.iter().zip(lent)) {
        assert_eq!(
            lent.result,
            Ok(7),
            "what call {number} of 3 returned, when `use_it` returned 7"
        );
        assert_eq!(lent.ran, 1, "how often call {number} of 3 ran `use_it`");
        assert_eq!(
            lent.seen,
            Some(*value),
            "what `use_it` saw in the block, in call {number} of 3 in one process"
        );
    }
}

fn the_borrower_may_take_the_lock() {
    explain(
        "memory/exercise.md#one-lock-for-two-languages",
        "The lock belongs to whoever uses the block: don't hold it while `use_it` runs.",
    );
    let name = Name::new();
    assert_eq!(
        lend_to_one_who_locks(&name.0, &41),
        Ok(41),
        "what lend_block returned to a borrower that takes the lock and returns the word"
    );
}

fn the_name_is_gone_afterwards() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "A name that nobody unlinks keeps its memory until the machine restarts.",
    );
    let name = Name::new();
    let lent = lend_quietly(&vec![(name.0.clone(), 1)], &vec![]).remove(0);
    assert_eq!(lent.result, Ok(7), "what lend_block returned");
    assert!(
        !name.exists(),
        "lend_block has returned, and the block still has its name"
    );
}

fn the_name_is_gone_after_a_panic() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "A panic skips the code below it, but not a `drop`: unlink there.",
    );
    let name = Name::new();
    let (through, left) = lend_and_panic(&name.0, &false);
    assert!(
        !name.exists(),
        "`use_it` panicked, and the block still has its name"
    );
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "Whoever called `lend_block` has to learn of the panic: clean up in a `drop`, or resume the panic that you caught.",
    );
    assert!(
        *through,
        "the panic of `use_it` belongs to the caller: don't swallow it"
    );
    assert!(
        left.is_nothing(),
        "`use_it` panicked, and lend_block left {left} behind"
    );
}

fn the_panic_comes_through_when_the_name_is_gone_already() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "A second panic, in a `drop` that runs because of the first, aborts the process: a name that is gone already is no error.",
    );
    let name = Name::new();
    let (through, _) = lend_and_panic(&name.0, &true);
    assert!(
        *through,
        "the panic of `use_it` belongs to the caller: don't swallow it"
    );
}

fn a_name_that_is_taken_is_left_alone() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "A block that somebody else made is neither overwritten nor unlinked.",
    );
    let name = Name::new();
    let block = block(&name, 8, 41);
    let lent = lend_quietly(&vec![(name.0.clone(), 42)], &vec![]).remove(0);
    let (answer, ran, left) = (lent.result, lent.ran, lent.left);
    assert!(
        answer.is_err(),
        "the name was taken, and lend_block returned {answer:?}"
    );
    assert_eq!(
        ran, 0,
        "how often lend_block ran `use_it`, when the name was taken"
    );
    assert!(name.exists(), "the name of somebody else's block is gone");
    assert_eq!(first_word(&block), 41, "what somebody else's block holds");
    assert!(
        left.is_nothing(),
        "the name was taken, and lend_block left {left} behind"
    );
}

fn a_block_that_cannot_be_made_is_an_error() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "Without a block there is nothing to lend: `use_it` doesn't run, and the error is the answer.",
    );
    let name = Name::new();
    let failing = vec![Fault::Fail(Operation::Create, 1)];
    let lent = lend_quietly(&vec![(name.0.clone(), 42)], &failing).remove(0);
    let (answer, ran, left) = (lent.result, lent.ran, lent.left);
    assert!(
        answer.is_err(),
        "there was no memory for the block, and lend_block returned {answer:?}"
    );
    assert_eq!(
        ran, 0,
        "how often lend_block ran `use_it`, when there was no memory for the block"
    );
    assert!(!name.exists(), "a block of this name exists all the same");
    assert!(
        left.is_nothing(),
        "there was no memory for the block, and lend_block left {left} behind"
    );
}

fn somebody_else_may_unlink_the_lent_block() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "CPython before 3.13 unlinks blocks that it only attached to. That is no error of yours.",
    );
    let name = Name::new();
    let mut call = lend_block::start(&name.0, &1);
    assert_eq!(call.recv::<String>(), "lent");
    match Block::open(&name.0).and_then(|block| block.unlink()) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("while `use_it` runs there is no block of this name")
        }
        unlinked => unlinked.expect("a block can be unlinked"),
    }
    call.send(&7u64);
    assert_eq!(
        call.finish(),
        Ok(7),
        "what lend_block returned, when `use_it` returned 7"
    );
}

fn lending_leaves_nothing_behind() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "When the function returns, the block is unlinked and closed: one that is forgotten or kept stays.",
    );
    let name = Name::new();
    let calls = vec![(name.0.clone(), 1), (name.0.clone(), 2)];
    let left = lend_quietly(&calls, &vec![]).remove(1).left;
    assert!(left.is_nothing(), "lend_block left {left} behind");
}

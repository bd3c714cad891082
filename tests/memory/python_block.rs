//! Step 4: a block of memory that CPython and Rust share, by name.

use checks::{Counts, Peer, explain, random, subject};
use memory::python_block;
use os::memory::{Block, Ordering::SeqCst};
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard};

subject! {
    fn add_to_block(name: String, amounts: Vec<u64>) -> Result<u64, String> {
        python_block::add_to_block(&name, &amounts).map_err(|error| error.to_string())
    }

    fn add_and_count(name: String, amounts: Vec<u64>) -> (Result<u64, String>, Counts) as add_to_block {
        checks::counted(|| python_block::add_to_block(&name, &amounts).map_err(|error| error.to_string()))
    }

    /// Tells the judge when the block is lent, and gives it back when told.
    fn lend_block(name: String, value: u64) -> Result<u64, String> {
        python_block::lend_block(&name, value, || {
            checks::tell(&"lent");
            checks::hear::<u64>()
        })
        .map_err(|error| error.to_string())
    }

    /// And whether `use_it` ran.
    fn lend_quietly(name: String, value: u64) -> (Result<(), String>, bool) as lend_block {
        let mut ran = false;
        let lent = python_block::lend_block(&name, value, || ran = true);
        (lent.map_err(|error| error.to_string()), ran)
    }

    /// Whether the panic came through.
    fn lend_block_and_panic(name: String) -> bool as lend_block {
        let lent = std::panic::catch_unwind(|| {
            python_block::lend_block::<()>(&name, 1, || panic!("the borrower panics"))
        });
        match lent {
            Err(panic) if panic.downcast_ref() != Some(&"the borrower panics") => {
                std::panic::resume_unwind(panic) // the learner's own, such as a `todo!`
            }
            lent => lent.is_err(),
        }
    }
}

/// A name for a block that nobody uses; whatever has it at the end is unlinked.
struct Name(String);

impl Name {
    fn new() -> Self {
        Self(format!(
            "checks-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        ))
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

/// A block made by us, as Python would make it.
fn block(name: &Name, bytes: usize) -> Block {
    Block::create(&name.0, bytes).expect("a block can be made")
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

struct Python(MutexGuard<'static, Option<Peer>>);

impl Python {
    /// Tells it to do something and waits for what it answers.
    fn ask(&mut self, what: &str) -> String {
        self.tell(what);
        self.hear()
    }

    fn tell(&mut self, what: &str) {
        self.peer().tell(what);
    }

    fn hear(&mut self) -> String {
        self.peer().hear()
    }

    fn peer(&mut self) -> &mut Peer {
        self.0.as_mut().expect("it was started")
    }
}

#[test]
fn rust_adds_to_a_block_that_python_made() {
    explain(
        "memory.md#a-block-with-a-name",
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
    let last = add_to_block(&name.0, &amounts);
    let seen = python.ask(&format!("read {}", name.0));
    assert_eq!(seen, total.to_string(), "what Python reads from its block");
    assert_eq!(last, Ok(total), "what add_to_block returned");
    python.ask(&format!("drop {}", name.0));
}

#[test]
fn no_amounts_change_nothing() {
    explain(
        "memory.md#step-4-a-block-shared-with-python",
        "With nothing to add, the word stays as it is, and is what is returned.",
    );
    let (name, value) = (Name::new(), random().u64(..));
    let block = block(&name, 8);
    block.word(0).expect("8 bytes").store(value, SeqCst);
    assert_eq!(
        add_to_block(&name.0, &vec![]),
        Ok(value),
        "what add_to_block returned"
    );
    assert_eq!(
        block.word(0).expect("8 bytes").load(SeqCst),
        value,
        "what the block holds"
    );
}

#[test]
fn no_update_is_lost_while_python_adds() {
    explain(
        "memory.md#one-lock-for-two-languages",
        "Python reads, adds and writes: three steps. Who does not ask for the lock writes in between.",
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
    let last = add_to_block(&name.0, &amounts);
    assert_eq!(python.ask("finish"), "added");
    let seen = python.ask(&format!("read {}", name.0));
    assert_eq!(
        seen,
        (start + rounds + sum).to_string(),
        "what the block holds: it held {start}, Python added {rounds} times 1, and Rust {amounts:?}"
    );
    let last = last.expect("add_to_block returned an error");
    assert!(
        (start + sum..=start + sum + rounds).contains(&last),
        "add_to_block returned {last}, which the block never held after its last addition"
    );
    python.ask(&format!("drop {}", name.0));
}

#[test]
fn every_write_is_made_under_the_lock() {
    explain(
        "memory.md#one-lock-for-two-languages",
        "The lock is held as long as its guard lives: `let _lock = …` keeps it, `let _ = …` drops it at once.",
    );
    let name = Name::new();
    let block = block(&name, 8);
    let (answer, counts) = add_and_count(&name.0, &vec![1, 2, 3]);
    assert_eq!(answer, Ok(6), "what add_to_block returned");
    assert_eq!(
        block.word(0).expect("8 bytes").load(SeqCst),
        6,
        "what the block holds"
    );
    assert_eq!(
        counts.unlocked_writes, 0,
        "writes to the block without its lock"
    );
}

#[test]
fn python_gets_its_turn_between_two_amounts() {
    explain(
        "memory.md#one-lock-for-two-languages",
        "Who holds the lock over all amounts keeps Python waiting: take it and give it back for each.",
    );
    let name = Name::new();
    let _block = block(&name, 8);
    let (_, counts) = add_and_count(&name.0, &vec![1, 2, 3, 4]);
    assert!(
        counts.locks >= 4,
        "for 4 amounts the lock was taken {} times",
        counts.locks
    );
}

#[test]
fn the_name_of_a_block_that_python_made_stays() {
    explain(
        "memory.md#who-unlinks-the-block",
        "Who made the block takes its name away, nobody else: others may still want to attach.",
    );
    let name = Name::new();
    let _block = block(&name, 8);
    let _ = add_to_block(&name.0, &vec![1]);
    assert!(
        name.exists(),
        "after add_to_block nobody can attach to the block any more"
    );
}

#[test]
fn a_block_that_nobody_made_is_an_error() {
    explain(
        "memory.md#a-block-with-a-name",
        "To attach is not to create: without a block of this name there is an error.",
    );
    let name = Name::new();
    let answer = add_to_block(&name.0, &vec![1]);
    assert!(
        answer.is_err(),
        "add_to_block returned {answer:?}; nobody had made the block"
    );
    assert!(!name.exists(), "add_to_block made a block of its own");
}

#[test]
fn a_block_too_short_for_a_word_is_an_error() {
    explain(
        "memory.md#a-block-with-a-name",
        "A block has the size that its maker gave it: look before you reach beyond its end.",
    );
    let name = Name::new();
    let _block = block(&name, 4);
    let answer = add_to_block(&name.0, &vec![1]);
    assert!(
        answer.is_err(),
        "add_to_block returned {answer:?} for a block of 4 bytes"
    );
}

#[test]
fn python_reads_the_lent_block() {
    explain(
        "memory.md#a-block-with-a-name",
        "While `use_it` runs, the block exists under its name and its first word holds the value.",
    );
    let Some(mut python) = python() else { return };
    let (name, value) = (Name::new(), random().u64(..));
    let mut call = lend_block::start(&name.0, &value);
    assert_eq!(call.hear::<String>(), "lent");
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
    call.tell(&7u64);
    assert_eq!(
        call.finish(),
        Ok(7),
        "what lend_block returned, when `use_it` returned 7"
    );
    python.ask(&format!("leave {}", name.0));
}

#[test]
fn the_name_is_gone_afterwards() {
    explain(
        "memory.md#who-unlinks-the-block",
        "A name that nobody unlinks keeps its memory until the machine restarts.",
    );
    let name = Name::new();
    let mut call = lend_block::start(&name.0, &1);
    assert_eq!(call.hear::<String>(), "lent");
    assert!(
        name.exists(),
        "while `use_it` runs there is no block of this name"
    );
    call.tell(&7u64);
    assert_eq!(
        call.finish(),
        Ok(7),
        "what lend_block returned, when `use_it` returned 7"
    );
    assert!(
        !name.exists(),
        "lend_block has returned, and the block still has its name"
    );
}

#[test]
fn the_name_is_gone_after_a_panic() {
    explain(
        "memory.md#who-unlinks-the-block",
        "A panic skips the code below it, but not a `drop`: unlink there.",
    );
    let name = Name::new();
    let through = lend_block_and_panic(&name.0);
    assert!(
        !name.exists(),
        "`use_it` panicked, and the block still has its name"
    );
    assert!(
        through,
        "the panic of `use_it` is the caller's: do not swallow it"
    );
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    explain(
        "memory.md#who-unlinks-the-block",
        "A block that somebody else made is neither overwritten nor unlinked.",
    );
    let name = Name::new();
    let block = block(&name, 8);
    block.word(0).expect("8 bytes").store(41, SeqCst);
    let (answer, ran) = lend_quietly(&name.0, &42);
    assert!(
        answer.is_err(),
        "the name was taken, and lend_block returned {answer:?}"
    );
    assert!(
        !ran,
        "the name was taken, and lend_block ran `use_it` all the same"
    );
    assert!(name.exists(), "the name of somebody else's block is gone");
    assert_eq!(
        block.word(0).expect("8 bytes").load(SeqCst),
        41,
        "what somebody else's block holds"
    );
}

#[test]
fn somebody_else_may_unlink_the_lent_block() {
    explain(
        "memory.md#who-unlinks-the-block",
        "CPython before 3.13 unlinks blocks that it only attached to. That is no error of yours.",
    );
    let name = Name::new();
    let mut call = lend_block::start(&name.0, &1);
    assert_eq!(call.hear::<String>(), "lent");
    match Block::open(&name.0).and_then(|block| block.unlink()) {
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("the block has no name"),
        unlinked => unlinked.expect("a block can be unlinked"),
    }
    call.tell(&7u64);
    assert_eq!(
        call.finish(),
        Ok(7),
        "what lend_block returned, when `use_it` returned 7"
    );
}

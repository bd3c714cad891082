//! Step 4: a block of memory that CPython and Rust share, by name.

use checks::{Answer, Counts, Python, explain, random, subject};
use memory::python_block;
use os::memory::{Block, Ordering::SeqCst};
use std::io::ErrorKind;

subject! {
    fn add_to_block(name: String, amounts: Vec<u64>) -> Result<u64, String> {
        python_block::add_to_block(&name, &amounts).map_err(|error| error.to_string())
    }

    fn add_and_count(name: String, amounts: Vec<u64>) -> (Result<u64, String>, Counts) {
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

    /// Whether the panic came through.
    fn lend_block_and_panic(name: String) -> bool {
        let lent = std::panic::catch_unwind(|| {
            python_block::lend_block(&name, 1, || panic!("the borrower panics")).map(|()| ())
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

/// The CPython of this machine, if there is one; blocks are shared with it on Linux.
fn python() -> Option<&'static Python> {
    checks::linux("Python's shared_memory and `flock` meet in /dev/shm").then(checks::python)?
}

#[test]
fn rust_adds_to_a_block_that_python_made() {
    explain(
        "memory.md#a-block-with-a-name",
        "The block that Python made under this name is the one to open; its first eight bytes are the word.",
    );
    let Some(python) = python() else { return };
    let (name, mut random) = (Name::new(), random());
    let start = random.u64(..1_000_000);
    let amounts: Vec<u64> = (0..random.usize(1..20))
        .map(|_| random.u64(1..1000))
        .collect();
    let total = start + amounts.iter().sum::<u64>();

    let mut peer = python.peer(include_str!("holder.py"), &[&name.0, &start.to_string()]);
    assert_eq!(peer.hear(), "made");
    let last = add_to_block(&name.0, &amounts);
    peer.tell("read");
    assert_eq!(peer.hear(), total.to_string(), "what Python reads (left)");
    assert_eq!(last, Ok(total), "what add_to_block returned (left)");
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
        "what add_to_block returned (left)"
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
    let Some(python) = python() else { return };
    let (name, mut random) = (Name::new(), random());
    let start = random.u64(..1_000_000);
    let rounds = 5;
    let amounts: Vec<u64> = (0..10).map(|_| random.u64(1..1000)).collect();
    let total = start + rounds + amounts.iter().sum::<u64>();

    let mut peer = python.peer(
        include_str!("adder.py"),
        &[&name.0, &start.to_string(), &rounds.to_string()],
    );
    // From here on Python holds the lock and has read the word. It writes when somebody waits for the lock
    // (Linux tells), or has written without asking for it.
    assert_eq!(peer.hear(), "holding");
    let last = add_to_block(&name.0, &amounts);
    peer.tell("finish");
    let seen = peer.hear();
    assert_eq!(
        seen,
        total.to_string(),
        "Python added 1 {rounds} times to {start} and Rust added {amounts:?}: the block holds the left, not \
         the right"
    );
    let last = last.expect("add_to_block returned an error");
    assert!(
        (start + amounts.iter().sum::<u64>()..=total).contains(&last),
        "add_to_block returned {last}, which the block never held after its last addition"
    );
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
    assert_eq!(answer, Ok(6), "what add_to_block returned (left)");
    assert_eq!(
        block.word(0).expect("8 bytes").load(SeqCst),
        6,
        "what the block holds"
    );
    assert_eq!(
        counts.unlocked_writes, 0,
        "{} of the writes to the block were made without its lock",
        counts.unlocked_writes
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
    let Some(python) = python() else { return };
    let (name, value) = (Name::new(), random().u64(..));
    let mut call = lend_block::start(&name.0, &value);
    assert_eq!(call.hear::<String>(), "lent");
    let mut peer = python.peer(include_str!("reader.py"), &[&name.0]);
    assert_eq!(peer.hear(), value.to_string(), "what Python reads (left)");
    call.tell(&7u64);
    assert_eq!(
        call.finish(),
        Ok(7),
        "lend_block returns what `use_it` returned"
    );
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
        "lend_block returns what `use_it` returned"
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
    let mut call = lend_block::start(&name.0, &42);
    call.tell(&7u64);
    match call.end() {
        Answer::Returned(answer) => assert!(
            answer.is_err(),
            "lend_block returned {answer:?} for a name that was taken"
        ),
        other => panic!("lend_block should return an error for a name that is taken: {other:?}"),
    }
    assert_eq!(
        block.word(0).expect("8 bytes").load(SeqCst),
        41,
        "what the block holds"
    );
    assert!(name.exists(), "the name of somebody else's block is gone");
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
        "lend_block returns what `use_it` returned"
    );
}

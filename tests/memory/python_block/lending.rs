//! What `lend_block` makes, returns and leaves behind.

use super::python::python;
use super::{
    Name, block, first_word, lend_and_panic, lend_block, lend_quietly, lend_to_one_who_locks,
};
use checks::faults::{Fault, Operation};
use checks::{explain, random};
use os_core::memory::{Block, Ordering::SeqCst};
use std::io::ErrorKind;

pub fn python_reads_the_lent_block() {
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

pub fn the_lent_block_holds_the_value() {
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

pub fn the_borrower_runs_once_and_its_result_is_returned() {
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

pub fn the_borrower_may_take_the_lock() {
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

pub fn the_name_is_gone_afterwards() {
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

pub fn the_name_is_gone_after_a_panic() {
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
        "The caller of `lend_block` has to learn of the panic: clean up in a `drop`, or resume the panic that you caught.",
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

pub fn the_panic_comes_through_when_the_name_is_gone_already() {
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

pub fn a_name_that_is_taken_is_left_alone() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "A block that somebody else made is neither overwritten nor unlinked.",
    );
    for (bytes, value) in [(8, 41), (8, 0), (4096, 42), (4, 0)] {
        let name = Name::new();
        let block = block(&name, bytes, value);
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
        assert!(
            name.exists(),
            "the name of somebody else's block of {bytes} bytes is gone"
        );
        if bytes >= 8 {
            assert_eq!(
                first_word(&block),
                value,
                "what somebody else's block holds"
            );
        }
        assert!(
            left.is_nothing(),
            "the name was taken, and lend_block left {left} behind"
        );
    }
}

pub fn a_block_that_cannot_be_made_is_an_error() {
    explain(
        "memory/exercise.md#a-block-with-a-name",
        "Without a block there is nothing to lend: `use_it` doesn't run, and you return the error.",
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

pub fn somebody_else_may_unlink_the_lent_block() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "CPython before 3.13 unlinks blocks that it only attached to. That isn't your error.",
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

pub fn lending_leaves_nothing_behind() {
    explain(
        "memory/exercise.md#who-unlinks-the-block",
        "When the function returns, the block is unlinked and closed: one that is forgotten or kept stays.",
    );
    let name = Name::new();
    let calls = vec![(name.0.clone(), 1), (name.0.clone(), 2)];
    let left = lend_quietly(&calls, &vec![]).remove(1).left;
    assert!(left.is_nothing(), "lend_block left {left} behind");
}

//! The lock of a block excludes whoever asks for it, through whichever handle.
//!
//! `harness = false`: some of these fork, which needs a process with one thread.

use os_core::memory::{Block, Ordering::Relaxed};
use os_core::process::fork;
use std::io::ErrorKind;

const ROUNDS: u64 = 20_000;

type Test = fn(&Block, &str);

fn main() {
    let tests: [(&str, Test); 6] = [
        (
            "children_with_an_inherited_handle_exclude_each_other",
            children,
        ),
        ("locking_twice_in_one_thread_is_an_error", twice),
        ("a_guard_in_a_child_releases_nothing", inherited_guard),
        ("a_child_waits_while_its_parent_holds_the_lock", child_waits),
        (
            "a_released_lock_is_free_though_a_child_has_its_descriptor",
            released,
        ),
        ("threads_exclude_each_other", threads), // last: it makes threads
    ];
    for (test, run) in tests {
        let name = format!("os-core-lock-{}", std::process::id());
        let block = Block::create(&name, 16).expect("a block can be made");
        run(&block, &name);
        block.unlink().expect("it has its name");
        println!("test {test} ... ok");
    }
}

/// Adds without an atomic addition, so that two who are both inside lose updates.
fn add(block: &Block) {
    for _ in 0..ROUNDS {
        let _lock = block.lock().expect("it can be locked");
        let word = block.word(0).expect("16 bytes");
        word.store(word.load(Relaxed) + 1, Relaxed);
    }
}

fn total(block: &Block) -> u64 {
    block.word(0).expect("16 bytes").load(Relaxed)
}

fn threads(block: &Block, name: &str) {
    let other = Block::open(name).expect("it exists");
    std::thread::scope(|s| {
        s.spawn(|| add(block));
        s.spawn(|| add(block));
        s.spawn(|| add(&other));
    });
    assert_eq!(total(block), 3 * ROUNDS);
}

fn children(block: &Block, _: &str) {
    let run = || {
        fork(|| {
            add(block);
            Ok(())
        })
        .expect("a child")
    };
    for child in [run(), run()] {
        child.wait().expect("it adds");
    }
    assert_eq!(total(block), 2 * ROUNDS);
}

fn twice(block: &Block, name: &str) {
    let first = block.lock().expect("it is free");
    let other = Block::open(name).expect("it exists");
    for again in [block, &other] {
        let error = again.lock().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
        assert!(
            error.to_string().contains("already holds the lock"),
            "{error}"
        );
    }
    drop(first);
    drop(other.lock().expect("it is free again"));
    // Another block is another lock.
    let next = format!("{name}-2");
    let another = Block::create(&next, 8).expect("a block can be made");
    another.unlink().expect("it has its name");
    let _one = block.lock().expect("it is free");
    // Its name is gone, and it can be locked all the same.
    drop(another.lock().expect("it is a lock of its own"));
}

/// Whether somebody else than this process holds the lock.
fn is_held(name: &str) -> bool {
    let file = std::fs::File::open(format!("/dev/shm/{name}")).expect("it exists");
    file.try_lock().is_err()
}

fn inherited_guard(block: &Block, name: &str) {
    let mut guard = Some(block.lock().expect("it is free"));
    let child = fork(|| {
        guard.take();
        Ok(())
    });
    child
        .expect("a child")
        .wait()
        .expect("it drops its copy of the guard");
    assert!(
        is_held(name),
        "the child's copy of the guard released the parent's lock"
    );
    drop(guard);
    assert!(!is_held(name));
}

fn child_waits(block: &Block, _: &str) {
    let word = block.word(0).expect("16 bytes");
    let guard = block.lock().expect("it is free");
    let child = fork(|| {
        block.word(1)?.store(1, Relaxed); // it is about to ask
        let _lock = block.lock()?; // inherits the parent's list of locks, not the lock
        Ok(word.load(Relaxed))
    });
    let child = child.expect("a child");
    while block.word(1).expect("16 bytes").load(Relaxed) == 0 {
        std::thread::yield_now();
    }
    word.store(42, Relaxed);
    drop(guard);
    assert_eq!(child.wait().expect("it waits, then reads"), 42);
}

fn released(block: &Block, name: &str) {
    let guard = block.lock().expect("it is free");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let writer = os_core::process::ParentOnly::new(writer);
    let child = fork(|| std::io::read_to_string(&reader).map(drop)); // keeps the guard's descriptor open
    let child = child.expect("a child");
    drop(guard);
    assert!(!is_held(name), "a descriptor in a child keeps the lock");
    drop(writer);
    child.wait().expect("it reads to the end");
}

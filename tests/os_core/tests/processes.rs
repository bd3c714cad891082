//! Forked children: their results, their panics, their descriptors.
//!
//! `harness = false`: a fork needs a process with one thread.

use os_core::memory::{Mapping, Ordering::SeqCst};
use os_core::process::{Ended, ParentOnly, fork, has_ended};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;

fn main() {
    std::panic::set_hook(Box::new(|_| ())); // children panic on purpose
    let tests: [(&str, fn()); 12] = [
        ("a_value_comes_back", a_value_comes_back),
        (
            "an_error_comes_back_with_its_kind",
            an_error_comes_back_with_its_kind,
        ),
        ("a_panic_names_its_line", a_panic_names_its_line),
        ("a_death_is_named", a_death_is_named),
        (
            "a_child_that_ended_is_still_to_be_waited_for",
            a_child_that_ended_is_still_to_be_waited_for,
        ),
        (
            "a_grandchild_does_not_hold_the_parent_up",
            a_grandchild_does_not_hold_the_parent_up,
        ),
        (
            "an_end_that_was_exchanged_closes_nothing_else",
            an_end_that_was_exchanged_closes_nothing_else,
        ),
        (
            "an_end_that_moved_out_is_still_the_parents",
            an_end_that_moved_out_is_still_the_parents,
        ),
        (
            "a_captured_child_closes_nothing_else",
            a_captured_child_closes_nothing_else,
        ),
        (
            "a_thread_that_was_joined_does_not_count",
            a_thread_that_was_joined_does_not_count,
        ),
        (
            "a_thread_whose_scope_has_ended_does_not_count",
            a_thread_whose_scope_has_ended_does_not_count,
        ),
        (
            "a_fork_beside_a_thread_is_refused",
            a_fork_beside_a_thread_is_refused,
        ),
    ];
    for (name, run) in tests {
        run();
        println!("test {name} ... ok");
    }
}

fn a_value_comes_back() {
    let value = (vec![u64::MAX, 0], "text".to_string(), Some(-1i64));
    let child = fork(|| Ok(value.clone())).expect("a child");
    assert_eq!(child.wait().expect("it returns"), value);
}

fn an_error_comes_back_with_its_kind() {
    let child = fork(|| std::fs::File::open("/nowhere/at/all").map(drop)).expect("a child");
    assert_eq!(child.wait().unwrap_err().kind(), ErrorKind::NotFound);
    let child = fork(|| Err::<(), _>(std::io::Error::other("in words"))).expect("a child");
    assert_eq!(child.wait().unwrap_err().to_string(), "in words");
}

fn a_panic_names_its_line() {
    let mapping = Mapping::shared(1).expect("a mapping");
    for _ in 0..2 {
        let line = line!() + 1;
        let child = fork(|| Ok(mapping.word(1).load(SeqCst))).expect("a child");
        let error = child.wait().unwrap_err().to_string();
        let place = format!(
            "the child panicked at {}:{line}: there is no word 1",
            file!()
        );
        assert!(error.starts_with(&place), "{error}");
    }
}

fn a_death_is_named() {
    let child = fork(|| -> std::io::Result<()> { std::process::abort() }).expect("a child");
    let error = child.wait().unwrap_err().to_string();
    assert_eq!(
        error,
        "the child returned nothing: it was killed by SIGABRT"
    );
    let child = fork(|| -> std::io::Result<()> { std::process::exit(0) }).expect("a child");
    let error = child.wait().unwrap_err().to_string();
    assert_eq!(
        error,
        format!("the child returned nothing: it {}", Ended::Exited(0))
    );
}

fn a_child_that_ended_is_still_to_be_waited_for() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let writer = ParentOnly::new(writer);
    let child = fork(|| std::io::read_to_string(&reader)).expect("a child");
    let pid = child.pid();
    assert!(!has_ended(pid).expect("it is ours"), "it waits for us");
    drop(writer);
    while !has_ended(pid).expect("it is ours") {
        std::thread::yield_now();
    }
    assert!(has_ended(pid).expect("it was not reaped"));
    child.wait().expect("it returned");
    assert!(has_ended(pid).is_err(), "it was reaped");
}

/// A child leaves a process of its own behind that ends later: its parent waits for the child alone.
fn a_grandchild_does_not_hold_the_parent_up() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let writer = ParentOnly::new(writer);
    let child = fork(|| {
        let grandchild = fork(|| std::io::read_to_string(&reader).map(drop))?;
        Ok(grandchild.pid())
    });
    child
        .expect("a child")
        .wait()
        .expect("it does not wait for its own child");
    drop(writer); // only now the grandchild ends
}

fn a_file() -> std::fs::File {
    std::fs::File::open(std::env::current_exe().expect("this program")).expect("it can be read")
}

fn can_read(mut file: &std::fs::File) -> std::io::Result<()> {
    file.read_exact(&mut [0; 4])
}

/// The first end leaves its `ParentOnly` and is closed; its number is given to an unrelated file.
fn an_end_that_was_exchanged_closes_nothing_else() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (other_reader, _other_writer) = std::io::pipe().expect("a pipe");
    let mut end = ParentOnly::new(reader);
    let number = end.as_raw_fd();
    drop(std::mem::replace(&mut *end, other_reader));
    let file = a_file();
    assert_eq!(
        file.as_raw_fd(),
        number,
        "the lowest free number is given out"
    );
    let child = fork(|| {
        drop(end);
        can_read(&file)
    });
    child
        .expect("a child")
        .wait()
        .expect("the file is open in the child");
    drop(writer);
}

/// As above, but the end still lives elsewhere: children do not keep it, and dropping it there closes nothing else.
fn an_end_that_moved_out_is_still_the_parents() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (_other_reader, other_writer) = std::io::pipe().expect("a pipe");
    let mut end = ParentOnly::new(writer);
    let mut first = Some(std::mem::replace(&mut *end, other_writer));
    let child = fork(|| {
        let file = a_file();
        let text = std::io::read_to_string(&reader)?; // ends although `first` lives here
        drop(first.take());
        can_read(&file)?;
        Ok(text)
    });
    drop(first);
    assert_eq!(
        child.expect("a child").wait().expect("it reads to the end"),
        ""
    );
}

fn a_captured_child_closes_nothing_else() {
    let first = fork(|| Ok(1)).expect("a child");
    let pid = first.pid();
    let mut first = Some(first);
    let second = fork(|| {
        let file = a_file();
        let error = first.take().expect("it was captured").wait().unwrap_err();
        can_read(&file)?;
        Ok(error.to_string())
    });
    let error = second
        .expect("a child")
        .wait()
        .expect("the file is open in the child");
    assert!(error.contains("is no child of this process"), "{error}");
    assert!(error.contains(&pid.to_string()), "{error}");
    let first = first.expect("the parent has it still");
    assert_eq!(first.wait().expect("it is ours"), 1);
}

/// The kernel wakes the joiner before it forgets the thread: without care one fork in many is refused.
fn a_thread_that_was_joined_does_not_count() {
    for _ in 0..300 {
        std::thread::spawn(|| ()).join().expect("it ends");
        fork(|| Ok(()))
            .expect("there is one thread")
            .wait()
            .expect("it returns");
    }
}

/// A scope returns when the thread's closure has: what is local to the thread is dropped later.
fn a_thread_whose_scope_has_ended_does_not_count() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
    thread_local!(static SLOW: Slow = const { Slow });
    std::thread::scope(|scope| {
        scope.spawn(|| SLOW.with(|_| ()));
    });
    let child = fork(|| Ok(1)).expect("the thread ends by itself");
    assert_eq!(child.wait().expect("it returns"), 1);
}

fn a_fork_beside_a_thread_is_refused() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let thread = std::thread::spawn(move || std::io::read_to_string(reader));
    let error = fork(|| Ok(())).map(|child| child.pid()).unwrap_err();
    assert!(
        error.to_string().contains("this process has 2 threads"),
        "{error}"
    );
    writer.write_all(b"end").expect("it reads");
    drop(writer);
    thread.join().expect("it ends").expect("it reads");
}

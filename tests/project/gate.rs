//! The authoring gate: every chapter has all its places, its starter fails, its solution passes, its wrong answers are caught.
//!
//! A reader's half-solved exercise is no fault of the course: it is told, and the starters are judged as the course ships
//! them. With `starters` in `COURSE_REQUIRE`, as in the course's own checks, what stands in HEAD is what ships.

use grader::{
    gate::{self, Findings, GateError},
    stop::Stop,
};
use std::{
    io::{self, Write},
    path::Path,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the course")
}

fn required(what: &str) -> bool {
    std::env::var("COURSE_REQUIRE").is_ok_and(|all| all.split(',').any(|one| one.trim() == what))
}

fn check(found: Result<Findings, GateError>) {
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    for note in &found.notes {
        // Past libtest's capture: a note is for whoever sees the test pass.
        let _ = writeln!(io::stderr(), "{note}");
    }
    assert!(
        found.problems.is_empty(),
        "{} to mend:\n\n{}",
        found.problems.len(),
        found.problems.join("\n\n")
    );
}

#[test]
fn every_chapter_has_all_its_places() {
    check(gate::look(root(), required("starters")));
}

#[test]
fn starters_fail_solutions_pass_and_wrong_answers_are_caught() {
    check(gate::judge(root(), required("starters"), &Stop::new()));
}

#[test]
fn solutions_are_clippy_clean() {
    check(gate::lint(root(), &Stop::new()));
}

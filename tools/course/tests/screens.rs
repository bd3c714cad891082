//! What `check`, `hint` and `grade` print, as a learner sees it.
//!
//! `INSTA_UPDATE=always cargo test -p course --test screens` writes the screens again; read the difference.

mod support;

use support::{Course, ONE_SOLVED, TWO_SOLVED};

/// The screen of `cargo course` with these arguments, under the command line.
fn screen(course: &Course, args: &[&str]) -> String {
    let ran = course.run(args);
    let root = course.root().display().to_string();
    let errors: String = ran
        .err
        .lines()
        .filter(|line| !line.starts_with("waiting for"))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = format!(
        "$ cargo course {}\n{}{errors}exit code {}\n",
        args.join(" "),
        ran.out,
        ran.code.unwrap_or(-1)
    );
    let text = text.replace(&root, "[course]");
    // Where an assertion stands in the fixture's own test is no part of the screen.
    let lines = text
        .lines()
        .map(|line| match line.split_once("/tests/alpha.rs:") {
            Some((before, _)) => format!("{before}/tests/alpha.rs:[line]:\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}

#[test]
fn from_the_first_check_to_the_last() {
    let course = Course::new();
    let mut screens = vec![screen(&course, &["check"])];
    course.answer("one", &ONE_SOLVED.replace("    1\n", "    2\n"));
    screens.push(screen(&course, &["check"]));
    course.answer("one", ONE_SOLVED);
    screens.push(screen(&course, &["check"]));
    course.answer("two", TWO_SOLVED);
    screens.push(screen(&course, &["check", "two"]));
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn a_crash_and_a_test_that_cannot_run() {
    let course = Course::new();
    let panics = |with: &str| ONE_SOLVED.replace("    1\n", &format!("    panic!({with:?})\n"));
    course.answer("one", &panics("exit code 0"));
    let mut screens = vec![screen(&course, &["check", "one"])];
    course.answer("one", &panics("no python3"));
    screens.push(screen(&course, &["check", "one"]));
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn hints_from_the_first_to_the_last() {
    let course = Course::new();
    let screens: Vec<_> = (0..4).map(|_| screen(&course, &["hint", "one"])).collect();
    insta::assert_snapshot!(screens.join("\n"));
}

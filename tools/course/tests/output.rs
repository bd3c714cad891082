//! No command calls itself done when its output was lost, and none stops half-way because nobody reads on.

mod support;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use support::{Course, ONE, ONE_SOLVED, Ran};

/// The command with its standard output on a full disk.
fn on_full_disk(mut command: Command) -> Ran {
    let full = File::options().write(true).open("/dev/full").unwrap();
    Ran::of(
        command
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap(),
    )
}

/// The command with a standard output that nobody reads.
fn into_closed_pipe(mut command: Command) -> Ran {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output: Output = command
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    Ran::of(output)
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Each command in a course where it has something to say, and the exit code of its work.
fn every_command() -> Vec<(&'static [&'static str], i32)> {
    vec![
        (&["--help"], 0),
        (&["--version"], 0),
        (&["check", "--help"], 0),
        (&["check", "two"], 1),
        (&["check", "one"], 0),
        (&["hint", "two"], 0),
        (&["hint", "two", "--again"], 0),
        (&["solution", "one"], 0),
        (&["solution", "one", "--diff"], 0),
        (&["solution", "two", "--give-up"], 0),
        (&["doctor"], 0),
        (&["grade", "."], 3), // the tiny course has no judge
        (&["lab", "--figures"], 0),
        (&["build"], 0),
        (&["reset", "one"], 0),
    ]
}

/// A course in which step `one` is solved, and a hint was shown for step `two`.
fn begun() -> Course {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "one"]).says(0, &[]);
    course.run(&["hint", "two"]).says(0, &[]);
    course.write(
        "book.toml",
        "[book]\ntitle = \"Tiny\"\n[preprocessor.admonish]\nassets_version = \"3.1.0\"\n",
    );
    course.write("src/SUMMARY.md", "# Summary\n\n- [Alpha](alpha.md)\n");
    course
}

fn command(course: &Course, args: &[&str]) -> Command {
    if args[0] != "lab" {
        return course.command(args);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_course")); // the records are the project's
    command.args(args).arg("--root").arg(project());
    command
}

#[test]
fn a_full_disk_is_never_success() {
    let course = begun();
    for (args, _) in every_command() {
        let ran = on_full_disk(command(&course, args));
        assert!(ran.code.is_some_and(|code| code != 0), "{args:?}: {ran:?}");
        if args[0] != "grade" {
            let told = ran
                .err
                .contains("cannot write to standard output: No space left");
            assert!(told, "{args:?}: {ran:?}");
        }
    }
}

#[test]
fn a_closed_pipe_changes_no_exit_code_and_panics_nowhere() {
    let course = begun();
    for (args, code) in every_command() {
        let ran = into_closed_pipe(command(&course, args));
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        assert!(!ran.err.contains("bug"), "{args:?}: {ran:?}");
    }
}

#[test]
fn the_work_is_done_whoever_reads() {
    for lose in [on_full_disk, into_closed_pipe] {
        let course = Course::new();
        course.answer("one", ONE_SOLVED);
        lose(course.command(&["check"]));
        let progress = course.read("progress.toml");
        assert!(progress.contains("passed = 2"), "{progress}");
        lose(course.command(&["reset", "one"]));
        assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE);
    }
}

#[test]
fn a_closed_stderr_is_no_bug() {
    let course = Course::new();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let status = course
        .command(&["check", "nothing"])
        .stderr(writer)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn only_the_checkout_at_hand_is_written() {
    // As with two clones that share a build folder: the program was built from the one, and runs in the other.
    let (built_from, at_hand) = (Course::new(), Course::new());
    for course in [&built_from, &at_hand] {
        course.answer("one", ONE_SOLVED);
    }
    let run = |dir: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
        command
            .args(args)
            .current_dir(at_hand.path(dir))
            .env("CARGO_MANIFEST_DIR", built_from.path("exercises/alpha"))
            .stdin(Stdio::null());
        Ran::of(command.output().unwrap())
    };
    run("exercises/alpha/src", &["check", "one"]).says(0, &["one is solved"]);
    run("exercises", &["hint", "two"]).says(0, &[]);
    run(".", &["reset", "one"]).says(0, &[]);
    assert_eq!(at_hand.read("exercises/alpha/src/one.rs"), ONE);
    assert!(at_hand.path("progress.toml").exists());
    assert_eq!(built_from.read("exercises/alpha/src/one.rs"), ONE_SOLVED);
    assert!(!built_from.path("progress.toml").exists());
    assert!(!built_from.path("exercises/alpha/.backup").exists());
    assert!(!built_from.path("target").exists());
}

#[test]
fn outside_of_a_course_the_error_says_where_to_go() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command
        .arg("check")
        .current_dir(&nowhere)
        .env_remove("CARGO_MANIFEST_DIR");
    let ran = Ran::of(command.output().unwrap());
    ran.fails(&format!(
        "{}: no course here or above (change to the folder that you cloned)",
        nowhere.path().canonicalize().unwrap().display()
    ));
}

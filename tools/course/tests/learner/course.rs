//! `bench`, `doctor`, `new`, and what every command has in common.

use super::*;

#[test]
fn there_is_nothing_to_measure_before_a_chapter_is_solved() {
    let ran = Course::new().run(&["bench"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .starts_with("error: one is not solved yet, so there is nothing to measure"),
        "{ran:?}"
    );
}

#[test]
fn the_doctor_fails_only_where_nothing_works() {
    let course = Course::new();
    course.run(&["doctor"]).says(
        0,
        &[
            "This machine\n",
            "cores",
            "kernel",
            "Rust",
            "python3       ",
            "sandbox       ",
        ],
    );
    // A machine with nothing: each missing thing says what it adds and how to get it.
    let ran = Ran::of(
        course
            .command(&["doctor"])
            .env("PATH", "")
            .env_remove("RUSTC")
            .env_remove("CHROMIUM")
            .output()
            .unwrap(),
    );
    ran.says(
        1,
        &[
            "✗ Rust          not found",
            "✗ C linker      not found",
            "adds: everything: Rust links each program with it",
            "get:  apt install gcc libc6-dev",
            "✗ git           not found",
            "adds: ",
            "get:  ",
            "✗ Chromium      not found",
            "✗ Node.js       not found",
            "Nothing of the course works here yet: it needs Rust and a C linker.\n",
        ],
    );
}

#[test]
fn a_step_without_tests_to_pass_is_an_error_not_solved() {
    let course = Course::new();
    let manifest = course.read("exercises/alpha/Cargo.toml");
    course.write(
        "exercises/alpha/Cargo.toml",
        &manifest.replace("[\"one\", \"two\"]", "[]"),
    );
    for command in ["check", "hint", "reset", "watch"] {
        let ran = course.run(&[command]);
        assert!(
            ran.code == Some(1) && ran.err.contains("exercises/alpha/Cargo.toml: no steps"),
            "{command}: {ran:?}"
        );
    }
}

#[test]
fn a_typo_is_met_with_what_was_meant() {
    let course = Course::new();
    for (args, code, offer) in [
        (&["chekc"][..], 2, "'check'"),
        (&["check", "alpah"], 1, "(did you mean `alpha`?)"),
        (&["hint", "onee"], 1, "(did you mean `one`?)"),
        (
            &["check", "alpha", "onee"],
            1,
            "(did you mean `alpha::one`?)",
        ),
        (&["bench", "alpa"], 1, "did you mean `alpha`? "),
        (&["check", "one::it_is_one"], 1, "`cargo course check one`"),
        (&["lab", "M11"], 2, "M1"),
    ] {
        let ran = course.run(args);
        assert!(
            ran.code == Some(code) && ran.err.contains(offer),
            "{args:?}: {ran:?}"
        );
    }
}

#[test]
fn links_are_addresses_while_the_book_is_served() {
    let course = Course::new();
    let served = files::scratch::Scratch::create(&course.path("target"), "served-book-").unwrap();
    fs::write(served.path().join("address"), "127.0.0.1:4242").unwrap();
    course.run(&["check"]).says(
        1,
        &["read    \"Step 1: one\"  http://127.0.0.1:4242/alpha.html#step-1-one\n"],
    );
    drop(served);
    course
        .run(&["check"])
        .says(1, &["read    \"Step 1: one\"  src/alpha.md:3\n"]);
}

#[test]
fn waiting_for_another_command_is_said() {
    let course = Course::new();
    fs::create_dir(course.path("target")).unwrap();
    let lock = fs::File::create(course.path("target/progress.lock")).unwrap();
    lock.lock().unwrap();
    let mut hint = course.command(&["hint"]);
    let mut hint = hint
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(hint.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(
        said,
        "waiting for another `cargo course`, which is changing progress.toml\n"
    );
    drop(lock);
    assert!(hint.wait().unwrap().success());
}

#[test]
fn a_fifo_where_a_file_should_be_holds_up_nobody() {
    for path in ["progress.toml", "exercises/alpha/src/one.rs"] {
        let course = Course::new();
        let _ = fs::remove_file(course.path(path));
        let made = Command::new("mkfifo").arg(course.path(path)).status();
        assert!(made.unwrap().success());
        let ran = course.run(&["hint", "one"]);
        let expected = if path == "progress.toml" { 1 } else { 0 };
        assert_eq!(ran.code, Some(expected), "{ran:?}");
        let ran = course.run(&["reset", "one"]);
        assert!(
            ran.code == Some(1) && ran.err.contains("not a regular file"),
            "{ran:?}"
        );
    }
}

#[test]
fn what_a_killed_command_left_is_swept() {
    let course = Course::new();
    let left = [
        ".progress.toml.1-2-3.tmp~",
        "exercises/alpha/src/.one.rs.1-2-3.tmp~",
    ];
    for path in left {
        course.write(path, "half");
    }
    course.run(&["hint"]).says(0, &[]);
    for path in left {
        assert!(!course.path(path).exists(), "{path}");
    }
}

#[test]
fn a_solved_step_is_not_given_up() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "one"]).says(0, &[]);
    for _ in 0..2 {
        course.run(&["hint", "one"]).says(0, &[]);
    }
    course
        .run(&["hint", "one"])
        .says(0, &["the answer  cargo course solution one\n"]);
}

#[test]
fn a_new_chapter_fills_every_place_and_overwrites_none() {
    let course = Course::new();
    course
        .run(&["new", "chapter", "ipc", "--title", "IPC"])
        .says(
            0,
            &[
                "wrote  src/ipc.md\n",
                "wrote  src/SUMMARY.md\n",
                "wrote  Cargo.toml\n",
                "Next: ",
            ],
        );
    for path in [
        "src/ipc/exercise.md",
        "exercises/ipc/src/first.rs",
        "tests/starters/ipc/first.rs",
        "solutions/ipc/Cargo.toml",
        "tests/ipc/lib.rs",
        "tests/benches/ipc.rs",
    ] {
        let text = course.read(path);
        assert!(!text.contains("@"), "{path} has an open name: {text}");
    }
    assert!(course.read("src/SUMMARY.md").contains("- [IPC](ipc.md)\n"));
    assert!(
        course
            .read("Cargo.toml")
            .ends_with("\nipc_tests.opt-level = 1\n")
    );
    let before = course.read("src/SUMMARY.md");
    for (slug, says) in [
        ("ipc", "already"),
        ("alpha", "already"),
        ("Use-cases", "cannot be a slug"),
    ] {
        let ran = course.run(&["new", "chapter", slug, "--title", "X"]);
        assert!(ran.code == Some(1) && ran.err.contains(says), "{ran:?}");
    }
    assert_eq!(course.read("src/SUMMARY.md"), before);
}

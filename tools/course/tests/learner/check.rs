//! `check`, and what it says of answers that are missing, wrong, hanging or right.

use super::*;

#[test]
fn a_fresh_starter_is_told_where_to_begin() {
    let course = Course::new();
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "Alpha: the first letter\n\n",
            "  · one  not started\n",
            "  · two  not started\n",
            "\nBegin with one.\n\n",
            "    exercises/alpha/src/one.rs:5:5:\n    not yet implemented: answer one\n",
            "\n  read    \"Step 1: one\"  src/alpha.md:3\n",
            "  stuck?  cargo course hint one\n",
            "  0 of 2 steps solved\n",
        ],
    );
    assert!(!ran.out.contains('\x1b'), "colours in a pipe: {}", ran.out);
    assert!(
        !ran.out.contains("replay"),
        "there is nothing to replay: {}",
        ran.out
    );
    assert!(
        !course.path("progress.toml").exists(),
        "nothing was done, so there is nothing to note"
    );
}

#[test]
fn solving_step_by_step_ends_with_success() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "alpha"]).says(
        1,
        &[
            "✓ one  solved: 2 tests\n",
            "· two  not started\n",
            "Next: two.\n",
            "\"Step 2: two\"",
            "1 of 2 steps solved",
        ],
    );
    course.answer("two", TWO_SOLVED);
    course.run(&["check"]).says(
        0,
        &[
            "✓ one  2 tests\n",
            "✓ two  solved: 1 test\n",
            "Every step of Alpha is solved.",
            "2 of 2 steps solved",
        ],
    );
    let progress = course.read("progress.toml");
    assert!(
        progress.contains("[alpha.one]\nsolved = \"20") && progress.contains("[alpha.two]\nsolved"),
        "{progress}"
    );
}

#[test]
fn a_wrong_answer_is_explained_and_the_steps_after_it_are_not() {
    let course = Course::new();
    course.answer("one", &ONE_SOLVED.replace("    1\n", "    2\n"));
    course.answer(
        "two",
        "//! Two.\n/// Two.\npub fn two(n: u32) -> u32 {\n    n\n}\n",
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "✗ one  1 of 2 tests passed\n      ✓ it_answers\n      ✗ it_is_one\n",
            "✗ two  0 of 1 test passed\n\n", // no lines for its tests: one thing at a time
            "one::it_is_one failed.\n\n",
            "assertion `left == right` failed: one is one\n",
            "\n\n  why     One is the first number.\n\
             \x20 read    \"What one is\"  src/alpha.md:7\n\
             \x20 replay  CHECKS_SEED=7 cargo test -p alpha -- one::it_is_one\n\
             \x20 open    exercises/alpha/src/one.rs\n\
             \x20 stuck?  cargo course hint one\n",
        ],
    );
    assert!(!ran.out.contains("two::"), "{}", ran.out);
    assert!(
        course
            .read("progress.toml")
            .contains("[alpha.one]\npassed = 1\ntotal = 2\n")
    );
}

#[test]
fn what_does_not_compile_shows_what_the_compiler_says() {
    let course = Course::new();
    course.answer(
        "one",
        "//! One.\n/// One.\npub fn one() -> u32 {\n    \"one\"\n}\n",
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "error[E0308]: mismatched types",
            "alpha/src/one.rs:4:5",
            "It does not compile yet",
            "0 of 2 steps solved",
        ],
    );
    assert!(!course.path("progress.toml").exists());
}

#[test]
fn warnings_are_shown_beside_the_verdict() {
    let course = Course::new();
    course.answer(
        "one",
        &ONE_SOLVED.replace("    1\n", "    let unused = 2;\n    1\n"),
    );
    course
        .run(&["check"])
        .says(1, &["✓ one", "unused variable: `unused`", "Next: two."]);
}

#[test]
fn an_answer_that_hangs_is_a_timeout() {
    let course = Course::new();
    course.answer(
        "one",
        &ONE_SOLVED.replace(
            "    1\n",
            "    loop {\n        std::thread::park();\n    }\n",
        ),
    );
    let ran = Ran::of(
        course
            .command(&["check"])
            .env("ALPHA_PATIENCE", "0.3")
            .output()
            .unwrap(),
    );
    ran.says(
        1,
        &[
            "✗ one  0 of 2 tests passed\n",
            "✗ it_answers (timeout)\n",
            "one::it_answers got no answer in time.",
            "no answer",
        ],
    );
}

#[test]
fn an_answer_that_ends_its_process_is_said_in_words() {
    let course = Course::new();
    course.answer(
        "one",
        &ONE_SOLVED.replace("    1\n", "    panic!(\"exit code 0\")\n"),
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "✗ it_answers (ended before it answered)\n",
            "one::it_answers got no answer: your code ended first.\n",
            "exit code 0",
            "  replay  CHECKS_SEED=7 cargo test -p alpha -- one::it_answers\n",
        ],
    );
    assert!(!ran.out.contains("why  "), "{}", ran.out);
}

#[test]
fn a_message_that_is_cut_names_the_command_that_shows_it_all() {
    let course = Course::new();
    let prints = |lines: usize| {
        let text: String = (1..=lines).map(|line| format!("line {line}\n")).collect();
        ONE_SOLVED.replace("    1\n", &format!("    panic!({text:?})\n"))
    };
    course.answer("one", &prints(60)); // after a line that names the place
    course.run(&["check", "one"]).says(
        1,
        &[
            "    line 49\n    … 11 more lines: `CHECKS_SEED=7 cargo test -p alpha -- one::it_answers` shows them\n",
            "\n  replay  CHECKS_SEED=7 cargo test -p alpha -- one::it_answers\n",
        ],
    );
    course.answer("one", &prints(49));
    let ran = course.run(&["check", "one"]);
    ran.says(1, &["    line 49\n"]);
    assert!(!ran.out.contains("more lines"), "{}", ran.out);
}

#[test]
fn one_step_alone_can_be_judged() {
    let course = Course::new();
    course.answer("two", TWO_SOLVED);
    let ran = course.run(&["check", "two"]);
    ran.says(
        0,
        &[
            "Alpha: the first letter\n\n  ✓ two  solved: 1 test\n\n",
            "two is solved.\n\n  compare  cargo course solution two --diff\n",
            "  go on    exercises/alpha/src/one.rs, then `cargo course check one`\n",
            "1 of 2 steps solved\n",
        ],
    );
    assert!(
        !ran.out.contains("not started") && !course.read("progress.toml").contains("[alpha.one]"),
        "{ran:?}"
    );
    for step in ["one", "1", "alpha::one", "exercises/alpha/src/one.rs"] {
        let ran = course.run(&["check", step]);
        ran.says(1, &["· one  not started\n\nBegin with one.\n"]);
        assert!(!ran.out.contains("two"), "{step}: {}", ran.out);
    }
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "one"]).says(
        0,
        &[
            "✓ one  solved: 2 tests\n",
            "Every step of Alpha is solved.\n",
            "2 of 2 steps solved",
        ],
    );
}

#[test]
fn when_all_is_solved_a_step_is_asked_for_and_nothing_is_wrong() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.answer("two", TWO_SOLVED);
    course.run(&["check"]);
    let files =
        || ["one", "two"].map(|step| course.read(&format!("exercises/alpha/src/{step}.rs")));
    let before = (files(), course.read("progress.toml"));
    for command in ["hint", "solution", "reset"] {
        let ran = course.run(&[command]);
        let said = format!(
            "Every step of Alpha is solved. Name a step, as in `cargo course {command} one`.\n"
        );
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (Some(0), said.as_str(), ""),
            "{command}"
        );
    }
    assert_eq!((files(), course.read("progress.toml")), before);
    course.run(&["solution", "one"]).says(0, &[ONE_SOLVED]);
}

#[test]
fn a_skipped_test_is_no_pass() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.answer(
        "two",
        "//! Two.\n/// Two.\npub fn two(_: u32) -> u32 {\n    panic!(\"no python3 here\")\n}\n",
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "- two  0 of 1 test, the others skipped",
            "two::it_doubles could not run on this machine.",
            "no python3 here",
        ],
    );
    assert!(
        !course.read("progress.toml").contains("[alpha.two]\nsolved"),
        "{}",
        course.read("progress.toml")
    );
}

#[test]
fn an_edit_makes_a_solved_step_unchecked() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]);
    course.run(&["hint"]).says(0, &["alpha, two: hint 1 of 3"]);
    course.answer("one", &format!("// once more\n{ONE_SOLVED}"));
    course.run(&["hint"]).says(0, &["alpha, one: hint 1 of 3"]);
    course
        .run(&["check"])
        .says(1, &["✓ one  2 tests", "1 of 2 steps solved"]);
}

#[test]
fn the_day_a_step_was_first_solved_stays() {
    let course = Course::new();
    let first = "solved = \"2026-01-02T03:04:05Z\"";
    course.write(
        "progress.toml",
        &format!("version = 1\n[alpha.one]\n{first}\n"),
    );
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]).says(1, &["✓ one  2 tests\n"]);
    let progress = course.read("progress.toml");
    assert!(
        progress.contains(first) && progress.contains("passed = 2\ntotal = 2\n"),
        "{progress}"
    );
}

#[test]
fn progress_can_be_carried_to_another_machine() {
    let (here, there) = (Course::new(), Course::new());
    here.answer("one", ONE_SOLVED);
    here.run(&["check"]);
    there.write("progress.toml", &here.read("progress.toml"));
    there.answer("one", ONE_SOLVED);
    there.run(&["hint"]).says(0, &["alpha, two: hint 1 of 3"]);
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let course = Course::new();
    let forced = Ran::of(
        course
            .command(&["check"])
            .env("CLICOLOR_FORCE", "1")
            .output()
            .unwrap(),
    );
    forced.says(1, &["\x1b[1mAlpha: the first letter\x1b[0m"]);
    let refused = course
        .command(&["check"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let refused = Ran::of(refused);
    assert!(!refused.out.contains('\x1b'), "{refused:?}");
}

#[test]
fn an_unknown_name_is_answered_with_those_there_are() {
    Course::new()
        .run(&["check", "beta"])
        .fails("no chapter or step is called `beta`; there are\n  alpha with one, two");
    Course::new()
        .run(&["bench", "beta"])
        .fails("no exercise is called `beta` (there is: alpha)");
}

#[test]
fn a_corrupt_progress_file_is_named_and_kept() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    let corrupt = "version = 1\n[alpha.one\n";
    course.write("progress.toml", corrupt);
    for command in [
        &["check"][..],
        &["hint"],
        &["watch"],
        &["solution", "one", "--give-up"],
    ] {
        let ran = course.run(command);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(1), ""),
            "{command:?} {ran:?}"
        );
        let line = format!(
            "error: {}: line 2: ",
            course.path("progress.toml").display()
        );
        assert!(
            ran.err.starts_with(&line) && ran.err.lines().count() == 1,
            "{ran:?}"
        );
        assert_eq!(course.read("progress.toml"), corrupt, "{command:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_ends_a_check_with_all_that_it_started() {
    let course = Course::new();
    let pids = course.path("pids");
    course.answer("one", &hanging(&pids));
    let running = Running::start(course.command(&["check"]));
    wait_for_pids(&pids, 1);
    let ran = running.interrupt();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert_gone(&wait_for_pids(&pids, 1));
    assert!(!course.path("progress.toml").exists());
}

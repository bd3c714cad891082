//! The authoring gate finds what is wrong: each test plants one defect in a small course that is right without it.

mod common;

use common::Fixture;
use grader::{
    gate::{self, Findings},
    stop::Stop,
};
use std::process::Command;

fn look(fixture: &Fixture) -> Findings {
    gate::look(&fixture.root(), false).expect("a course")
}

/// Judges with one wrong answer: the others add nothing but builds.
fn judge(fixture: &Fixture) -> Findings {
    for name in ["count", "doubled", "exits", "first", "panics_on_none"] {
        let _ = std::fs::remove_file(fixture.root().join(format!("tests/wrong/sums/{name}.rs")));
    }
    gate::judge(&fixture.root(), false, &Stop::new()).expect("a course")
}

/// Plants a defect and expects exactly this problem, told by the place and what else it must say.
#[track_caller]
fn expect(problems: &[String], says: &[&str]) {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    for word in says {
        assert!(
            problems[0].contains(word),
            "not {word:?} in: {}",
            problems[0]
        );
    }
}

fn git(fixture: &Fixture, args: &[&str]) {
    let author = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "commit.gpgsign=false",
    ];
    let mut git = Command::new("git");
    // In a git hook these would lead to the course's own repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(name);
    }
    let output = git
        .arg("-C")
        .arg(fixture.root())
        .args(author)
        .args(args)
        .output()
        .expect("git");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn commit(fixture: &Fixture, message: &str) {
    git(fixture, &["add", "--all", "."]);
    git(fixture, &["commit", "--quiet", "--message", message]);
}

fn repository() -> Fixture {
    repository_of(Fixture::new())
}

fn repository_of(fixture: Fixture) -> Fixture {
    fixture.write(".gitignore", "target/\n");
    git(&fixture, &["init", "--quiet", "--initial-branch=main"]);
    commit(&fixture, "the course");
    fixture
}

/// The clone of a reader: `origin` is where the course stands now.
fn clone_of(fixture: Fixture) -> Fixture {
    let fixture = repository_of(fixture);
    git(
        &fixture,
        &["update-ref", "refs/remotes/origin/main", "HEAD"],
    );
    git(
        &fixture,
        &[
            "symbolic-ref",
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/main",
        ],
    );
    fixture
}

const SOLVED: &str =
    "//! Step 1: one more.\n\n/// The next.\npub fn next(n: u64) -> u64 {\n    1 + n\n}\n";

#[test]
fn a_course_that_is_right_passes() {
    let fixture = repository();
    for strict in [false, true] {
        let looked = gate::look(&fixture.root(), strict).expect("a course");
        assert!(
            looked.problems.is_empty() && looked.notes.is_empty(),
            "{looked:#?}"
        );
    }
    let judged = gate::judge(&fixture.root(), true, &Stop::new()).expect("a course");
    assert!(
        judged.problems.is_empty() && judged.notes.is_empty(),
        "{judged:#?}"
    );
}

#[test]
fn a_place_that_is_missing_is_named() {
    for path in [
        "src/sums.md",
        "src/sums/sums.py",
        "tests/benches/sums.rs",
        "exercises/sums/hints.md",
        "exercises/sums/src/one.rs",
        "solutions/sums/src/many.rs",
        "tests/sums/one.rs",
    ] {
        let fixture = Fixture::new();
        fixture.remove(path);
        let problems = look(&fixture).problems;
        let place = if path.ends_with(".py") {
            "src/sums"
        } else {
            path
        };
        assert!(
            problems.iter().any(|problem| problem.starts_with(place)),
            "{path}: {problems:#?}"
        );
    }
    let fixture = Fixture::new();
    fixture.replace("src/SUMMARY.md", "sums.md", "sum.md");
    expect(
        &look(&fixture).problems,
        &["src/SUMMARY.md", "no link to sums.md"],
    );
}

#[test]
fn stray_files_are_named() {
    for (path, says) in [
        ("exercises/sums/src/old.rs", "is a stray file"),
        ("exercises/sums/notes.txt", "is a stray file"),
        ("solutions/sums/hints.md", "is a stray file"),
        ("solutions/notes.txt", "belongs to no chapter"),
        ("exercises/left/over.txt", "belongs to no chapter"),
        ("tests/sums/three.rs", "is a stray file"),
        ("tests/wrong/sums/notes.txt", "is a stray file"),
    ] {
        let fixture = Fixture::new();
        fixture.write(path, "");
        let place = path.strip_suffix("/over.txt").unwrap_or(path);
        expect(&look(&fixture).problems, &[place, says]);
    }
}

#[test]
fn manifests_that_differ_are_found() {
    let fixture = Fixture::new();
    fixture.replace("exercises/sums/Cargo.toml", "0.1.0", "0.1.1");
    expect(
        &look(&fixture).problems,
        &[
            "exercises/sums/Cargo.toml",
            "differs from solutions/sums/Cargo.toml",
        ],
    );
}

#[test]
fn unsafe_code_must_be_forbidden() {
    let fixture = Fixture::new();
    for folder in ["exercises", "solutions"] {
        fixture.replace(
            &format!("{folder}/sums/Cargo.toml"),
            "\"forbid\"",
            "\"deny\"",
        );
    }
    expect(&look(&fixture).problems, &["does not forbid unsafe code"]);
}

#[test]
fn lock_files_that_disagree_are_found() {
    let fixture = Fixture::new();
    fixture.replace("Cargo.lock", "0.1.0", "0.2.0");
    let problems = look(&fixture).problems;
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems[0].contains("checks 0.1.0 is not what Cargo.lock has"),
        "{problems:#?}"
    );
}

#[test]
fn hints_must_be_three_and_say_something() {
    for (from, to, says) in [
        (
            "### 3\n\n`n + 1`.\n",
            "",
            "`one` has the hints [1, 2], not 1, 2 and 3",
        ),
        ("`n + 1`.", "", "hint 3 of `one` says nothing"),
        (
            "## many",
            "## much",
            "its headings are one, much, the steps are one, many",
        ),
        (
            "## many\n",
            "### 4\n\nMore.\n\n## many\n",
            "`one` has the hints [1, 2, 3, 4]",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.replace("exercises/sums/hints.md", from, to);
        let problems = look(&fixture).problems;
        assert!(
            problems.iter().any(|problem| problem.contains(says)),
            "{says}: {problems:#?}"
        );
    }
}

#[test]
fn a_wrong_answer_needs_a_whole_and_true_header() {
    let answer = "tests/wrong/sums/same.rs";
    for (from, to, says) in [
        ("//! Wrong: gives", "//! gives", "no `//! Wrong: …`"),
        ("//! Replaces: one", "//! Replaces:", "no `//! Replaces: …`"),
        ("//! Replaces: one", "//! Replaces: two", "which is no step"),
        (
            "//! Fails: one::",
            "//! Fails: many::",
            "a test of another step",
        ),
        ("#one-more-or-none", "#one-more", "no such heading"),
        ("sums.md#", "sum.md#", "no such heading"),
    ] {
        let fixture = Fixture::new();
        fixture.replace(answer, from, to);
        let problems = look(&fixture).problems;
        assert!(
            problems
                .iter()
                .any(|problem| problem.contains(answer) && problem.contains(says)),
            "{says}: {problems:#?}"
        );
    }
    let fixture = Fixture::new();
    fixture.remove(answer);
    expect(
        &look(&fixture).problems,
        &["tests/wrong/sums", "5 wrong answers, fewer than 6"],
    );
}

#[test]
fn a_starter_that_passes_is_found() {
    let fixture = repository();
    // Solved, and the `todo!` moved to where nothing reaches it.
    fixture.write(
        "exercises/sums/src/one.rs",
        format!("{SOLVED}\n/// Never called.\npub fn never() {{\n    todo!()\n}}\n"),
    );
    commit(&fixture, "a slip");
    let problems = judge(&fixture).problems;
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(
        problems[0].starts_with(
            "exercises/sums: the starter does not end `one::after_zero` at a todo! (passed)"
        ),
        "{problems:#?}"
    );
}

#[test]
fn a_starter_that_crashes_or_warns_or_does_not_compile_is_found() {
    for (from, to, says) in [
        (
            "todo!(\"add one\")",
            "if _n == 0 { std::process::exit(0) }\n    todo!()",
            "(crash)",
        ),
        (
            "todo!(\"add one\")",
            "let unused = 1;\n    todo!()",
            "compiles with a warning",
        ),
        (
            "todo!(\"add one\")",
            "todo!(\"add one\"",
            "exercises/sums: compile error",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.replace("exercises/sums/src/one.rs", from, to);
        expect(&judge(&fixture).problems, &["exercises/sums", says]);
    }
}

#[test]
fn a_solution_that_fails_or_warns_is_found() {
    let fixture = Fixture::new();
    fixture.replace(
        "solutions/sums/src/one.rs",
        "n + 1",
        "if n == 1 { 3 } else { n + 1 }",
    );
    let problems = judge(&fixture).problems;
    assert!(
        problems[0].starts_with(
            "solutions/sums: `one::after_one` does not pass (failed): the answer is 3, not 2"
        ),
        "{problems:#?}"
    );

    let fixture = Fixture::new();
    fixture.replace(
        "solutions/sums/src/one.rs",
        "n + 1",
        "let n = n;\n    let unused = 1;\n    n + 1",
    );
    expect(
        &judge(&fixture).problems,
        &["solutions/sums", "compiles with a warning", "unused"],
    );
}

#[test]
fn a_wrong_answer_that_passes_or_points_elsewhere_is_found() {
    let answer = "tests/wrong/sums/same.rs";
    for (from, to, says) in [
        (
            "    n\n",
            "    n + 1\n",
            "`one::after_zero` did not catch it (passed)",
        ),
        ("    n\n", "    todo!()\n", "did not catch it (not started)"),
        ("    n\n", "    m\n", "cannot be judged (compile error)"),
        (
            "one::after_zero",
            "one::after_two",
            "no test or step is called `one::after_two`",
        ),
        (
            "#one-more-or-none",
            "#the-sum-of-many",
            "points to sums.md#one-more-or-none, not to sums.md#the-sum-of-many",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.replace(answer, from, to);
        expect(&judge(&fixture).problems, &[answer, says]);
    }
}

#[test]
fn a_step_needs_tests_and_a_test_a_step() {
    let fixture = Fixture::new();
    fixture.replace("tests/sums/one.rs", "one::after_many", "two::after_many");
    let problems = judge(&fixture).problems;
    let says = |words: &str| problems.iter().any(|problem| problem.contains(words));
    assert!(
        says("step `one` has 2 tests, fewer than 3") && says("`two` is no step of the chapter"),
        "{problems:#?}"
    );
}

#[test]
fn clippy_reads_the_solutions() {
    let fixture = Fixture::new();
    let lint = || gate::lint(&fixture.root(), &Stop::new()).expect("a course");
    let found = lint();
    if !found.notes.is_empty() {
        eprintln!("{}", found.notes.join("\n"));
        return;
    }
    expect(&found.problems, &["must_use"]); // the small course is not so strict with itself
    for file in ["one.rs", "many.rs"] {
        fixture.replace(
            &format!("solutions/sums/src/{file}"),
            "pub fn",
            "#[must_use]\npub fn",
        );
    }
    assert!(lint().problems.is_empty());
}

#[test]
fn work_in_progress_is_told_and_the_course_judged_as_it_ships() {
    let fixture = repository();
    fixture.write("exercises/sums/src/one.rs", SOLVED);
    fixture.write("exercises/sums/src/many.rs", "half a thought");
    fixture.write("exercises/sums/notes.txt", "mine");
    for found in [look(&fixture), judge(&fixture)] {
        assert!(found.problems.is_empty(), "{found:#?}");
    }
    expect(
        &judge(&fixture).notes,
        &["work in progress: exercises/sums differs from HEAD in src/many.rs, src/one.rs"],
    );
}

#[test]
fn work_that_a_reader_committed_is_work_in_progress_too() {
    let fixture = clone_of(Fixture::new());
    fixture.write("exercises/sums/src/one.rs", SOLVED);
    fixture.write("exercises/sums/notes.txt", "mine");
    commit(&fixture, "I did it");
    for found in [look(&fixture), judge(&fixture)] {
        assert!(found.problems.is_empty(), "{found:#?}");
    }
    expect(&judge(&fixture).notes, &["work in progress: commits since"]);
    // The course's own checks take nobody's word for it.
    let strict = gate::judge(&fixture.root(), true, &Stop::new()).expect("a course");
    assert_eq!(strict.problems.len(), 3, "{strict:#?}");
}

#[test]
fn half_a_step_committed_is_work_in_progress_too() {
    let two = "//! Step 1.\n\npub fn next(_n: u64) -> u64 {\n    todo!()\n}\n\npub fn other() {\n    todo!()\n}\n";
    let fixture = Fixture::new();
    fixture.write("exercises/sums/src/one.rs", two);
    let fixture = clone_of(fixture);
    fixture.replace(
        "exercises/sums/src/one.rs",
        "pub fn next(_n: u64) -> u64 {\n    todo!()",
        "pub fn next(n: u64) -> u64 {\n    n + 1",
    );
    commit(&fixture, "half of it");
    let found = judge(&fixture);
    assert!(found.problems.is_empty(), "{found:#?}");
    expect(&found.notes, &["work in progress: commits since"]);
}

#[test]
fn an_authors_commit_is_judged_as_it_is() {
    let fixture = clone_of(Fixture::new());
    // Still a starter, but one that crashes: no reason to look at an older one.
    fixture.replace(
        "exercises/sums/src/one.rs",
        "todo!(\"add one\")",
        "if _n == 0 { std::process::exit(0) }\n    todo!()",
    );
    commit(&fixture, "a slip");
    expect(&judge(&fixture).problems, &["exercises/sums", "(crash)"]);
}

#[test]
fn without_git_a_half_solved_exercise_is_left_alone() {
    let fixture = Fixture::new();
    fixture.write("exercises/sums/src/one.rs", SOLVED);
    let found = judge(&fixture);
    assert!(found.problems.is_empty(), "{found:#?}");
    expect(&found.notes, &["skipped: the starter: no git history"]);
    assert_eq!(
        gate::judge(&fixture.root(), true, &Stop::new())
            .expect("a course")
            .problems
            .len(),
        3
    );
}

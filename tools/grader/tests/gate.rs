//! The authoring gate finds what is wrong: each test plants one defect in a small course that is right without it.

mod common;

use common::Fixture;
use grader::{
    gate::{self, Findings, Gate},
    stop::Stop,
};

fn gate(fixture: &Fixture, strict: bool) -> Gate {
    Gate::open(&fixture.root(), strict, &Stop::new()).expect("a course")
}

fn look(fixture: &Fixture) -> Findings {
    gate(fixture, false).look()
}

/// Judges every case that `wanted` picks by its name.
fn judge_those(fixture: &Fixture, strict: bool, wanted: impl Fn(&str) -> bool) -> Findings {
    let gate = gate(fixture, strict);
    let mut all = Findings::default();
    for case in gate.cases() {
        if wanted(&case.to_string()) {
            let found = gate.judge(&case).expect("a verdict").found;
            all.problems.extend(found.problems);
            all.notes.extend(found.notes);
        }
    }
    all
}

/// Judges with one wrong answer: the others add nothing but builds.
fn judge(fixture: &Fixture) -> Findings {
    judge_those(fixture, false, |name| {
        !name.contains("::wrong::") && !name.contains("::right::") || name.ends_with("::same")
    })
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

/// Changes a step's starter in both its places.
fn ship(fixture: &Fixture, step: &str, text: &str) {
    fixture.write(&format!("tests/starters/sums/{step}.rs"), text);
    fixture.write(&format!("exercises/sums/src/{step}.rs"), text);
}

const SOLVED: &str =
    "//! Step 1: one more.\n\n/// The next.\npub fn next(n: u64) -> u64 {\n    1 + n\n}\n";

#[test]
fn a_course_that_is_right_passes() {
    let fixture = Fixture::new();
    for strict in [false, true] {
        let looked = gate(&fixture, strict).look();
        assert!(
            looked.problems.is_empty() && looked.notes.is_empty(),
            "{looked:#?}"
        );
    }
    let judged = judge_those(&fixture, true, |_| true);
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
        "tests/starters/sums/one.rs",
        "solutions/sums/src/many.rs",
        "tests/sums/one.rs",
        "tests/sums/sentences.md",
        "src/sums/evidence.toml",
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
    fixture.replace("src/SUMMARY.md", "sum.md", "sums.md");
    fixture.replace("Cargo.toml", "sums_tests", "sum_tests");
    expect(
        &look(&fixture).problems,
        &["Cargo.toml", "`sums_tests.opt-level = 1`"],
    );
}

#[test]
fn stray_files_are_named() {
    for (path, says) in [
        ("tests/starters/sums/old.rs", "is a stray file"),
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
    assert!(look(&fixture).problems.is_empty(), "a reader's own");
    let strict = gate(&fixture, true).look();
    expect(
        &strict.problems,
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
        ("//! Replaces: one", "//! Replaces:", "no `//! Changes: …`"),
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
    let fixture = Fixture::new();
    // Solved, and the `todo!` moved to where nothing reaches it.
    let text = format!("{SOLVED}\n/// Never called.\npub fn never() {{\n    todo!()\n}}\n");
    ship(&fixture, "one", &text);
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
        let text = fixture.read("exercises/sums/src/one.rs");
        ship(&fixture, "one", &text.replace(from, to));
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
            "there is no test `one::after_two`",
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
    let fixture = Fixture::new();
    fixture.write("exercises/sums/src/one.rs", SOLVED);
    fixture.write("exercises/sums/src/many.rs", "half a thought");
    fixture.write("exercises/sums/notes.txt", "mine");
    for found in [look(&fixture), judge(&fixture)] {
        assert!(found.problems.is_empty(), "{found:#?}");
    }
    expect(
        &judge(&fixture).notes,
        &[
            "work in progress: exercises/sums differs from tests/starters/sums in notes.txt, src/many.rs, src/one.rs",
        ],
    );
    // The course's own checks want both places to say the same.
    let strict = gate(&fixture, true).look();
    let places: Vec<_> = strict
        .problems
        .iter()
        .map(|problem| problem.split(" (").next().unwrap_or_default())
        .filter(|problem| problem.starts_with("exercises/"))
        .collect();
    assert_eq!(
        places,
        [
            "exercises/sums/notes.txt: is a stray file",
            "exercises/sums/src/many.rs: differs from tests/starters/sums/many.rs",
            "exercises/sums/src/one.rs: differs from tests/starters/sums/one.rs",
        ]
    );
}

#[test]
fn a_right_answer_must_be_accepted_by_every_test_of_its_step() {
    let fixture = Fixture::new();
    fixture.replace("tests/right/sums/reversed.rs", "1 + n", "n.max(1)");
    let problems = judge_those(&fixture, false, |name| name == "sums::right::reversed").problems;
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems[0].starts_with("tests/right/sums/reversed.rs: `one::after_one` rejects it (failed): the answer is 1, not 2"),
        "{problems:#?}"
    );
    fixture.remove("tests/right/sums/reversed.rs");
    expect(
        &look(&fixture).problems,
        &["tests/right/sums", "7 right answers, fewer than 8"],
    );
}

#[test]
fn an_answer_may_hold_only_what_it_changes() {
    let answer = "tests/wrong/sums/same.rs";
    let fixture = Fixture::new();
    fixture.replace(answer, "//! Replaces:", "//! Changes:");
    assert_eq!(look(&fixture).problems, [""; 0]);
    assert_eq!(judge(&fixture).problems, [""; 0]);
    for (from, to, says) in [
        (
            "pub fn next(n: u64) -> u64 {\n    n\n}",
            "",
            "changes nothing",
        ),
        ("    n\n", "    n + 1\n", "repeats `fn next` unchanged"),
        ("pub fn", "fn", "begins no item"),
        (
            "//! Changes: one",
            "//! Changes: one\n//! Replaces: one",
            "has both",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.replace(answer, "//! Replaces:", "//! Changes:");
        if says == "begins no item" {
            fixture.replace(answer, "pub fn next", "let next");
        } else {
            fixture.replace(answer, from, to);
        }
        let problems = look(&fixture).problems;
        assert!(
            problems
                .iter()
                .any(|problem| problem.contains(answer) && problem.contains(says)),
            "{says}: {problems:#?}"
        );
    }
}

#[test]
fn the_failure_of_a_wrong_answer_is_told() {
    let fixture = Fixture::new();
    let gate = gate(&fixture, false);
    let cases = gate.cases();
    let names: Vec<_> = cases.iter().map(ToString::to_string).collect();
    assert_eq!(names[..2], ["sums::solution", "sums::starter"]);
    let same = names.iter().position(|name| name == "sums::wrong::same");
    let judged = gate
        .judge(&cases[same.expect("a case")])
        .expect("a verdict");
    let failure = judged.failure.expect("it was caught");
    assert_eq!(
        gate::stable(&failure, &fixture.root().display().to_string()),
        "one::after_zero: failed\n\nthe answer is N, not N\n\nwhy: Zero is a number, too.\n\nread: sums.md#one-more-or-none\n"
    );
}

#[test]
fn every_sentence_has_a_test_and_every_test_a_sentence() {
    let place = "tests/sums/sentences.md";
    let fixture = Fixture::new();
    let table = fixture.read(place);
    let judged =
        |fixture: &Fixture| judge_those(fixture, false, |name| name == "sums::solution").problems;
    fixture.replace(place, "after `_n`", "before `_n`");
    expect(
        &look(&fixture).problems,
        &[
            place,
            "says “The number before `_n`.” (quote it word for word)",
        ],
    );
    fixture.write(place, format!("{table}| Sums. | none |\n"));
    expect(&look(&fixture).problems, &[place, "no test holds “Sums.”"]);
    fixture.write(
        place,
        table.replace("`one::after_one`, ", "`one::after_two`, "),
    );
    let problems = judged(&fixture);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].contains("names `one::after_two`, and there is no such test"));
    assert!(problems[1].contains("no sentence is held by `one::after_one`"));
}

#[test]
fn a_test_that_takes_the_subjects_word_is_listed() {
    let place = "tests/sums/self_reported.toml";
    let fixture = Fixture::new();
    // The judge says of one test that it read what only the subject can say.
    fixture.replace(
        "tests/src/lib.rs",
        "\\\"seed\\\":null",
        "\\\"self_reported\\\":[{}],\\\"seed\\\":null",
    );
    fixture.replace(
        "tests/src/lib.rs",
        "why(status), test.3);",
        "why(status), test.3, if test.0 == \"one::after_one\" { \"\\\"schedules\\\"\" } else { \"\" });",
    );
    let judged = || {
        let gate = gate(&fixture, false);
        let solution = gate.cases().remove(0);
        gate.judge(&solution).expect("a verdict")
    };
    expect(
        &judged().found.problems,
        &[place, "lists no `one::after_one` under `schedules`"],
    );
    let list = judged().self_reported.expect("it was the solution");
    fixture.write(place, &list);
    assert!(judged().found.problems.is_empty(), "{list}");
    for (text, says) in [
        (
            list.replace("after_one", "after_two"),
            "lists `one::after_two` under `schedules`",
        ),
        (
            list.replace("schedules = ", "events = "),
            "lists `one::after_one` under `events`",
        ),
    ] {
        fixture.write(place, text);
        let problems = judged().found.problems;
        assert!(
            problems.iter().any(|problem| problem.contains(says)),
            "{problems:#?}"
        );
    }
    fixture.write(place, &list);
    fixture.replace("solutions/sums/src/one.rs", "n + 1", "n +");
    let broken = judged();
    assert!(!broken.found.problems.is_empty());
    assert_eq!(
        broken.self_reported, None,
        "blessing it would empty the list"
    );
    fixture.write(place, "gossip = []\n");
    let unknown = Gate::open(&fixture.root(), false, &Stop::new()).expect_err("no such account");
    assert!(unknown.to_string().contains("gossip"), "{unknown}");
}

#[test]
fn every_fact_is_one_of_the_page_and_backed_by_what_exists() {
    let place = "src/sums/evidence.toml";
    let fixture = Fixture::new();
    let fact = |sentence: &str, backed_by: &str| {
        format!("[[fact]]\nsentence = '{sentence}'\nbacked_by = [{backed_by}]\n")
    };
    let one = fact(
        "One `more`, or none",
        "'listing:sums.py', 'test:tests/sums/one.rs'",
    );
    fixture.write(place, &one);
    assert!(look(&fixture).problems.is_empty());
    for (text, says) in [
        (String::new(), "lists no fact"),
        ("[[fact]]\nsentence = 'One'\n".into(), "backed_by"),
        (
            fact("One `less`", "'doc:https://a.b'"),
            "no page of the chapter says “One `less`” (quote it word for word)",
        ),
        (
            fact("The sum of many", ""),
            "nothing backs “The sum of many”",
        ),
        (format!("{one}{one}"), "lists “One `more`, or none” twice"),
        (
            fact("The sum of many", "'record:M9'"),
            "`record:M9`: there is no records/reference/M9.json",
        ),
        (
            fact("The sum of many", "'listing:gone.py'"),
            "there is no src/sums/gone.py",
        ),
        (
            fact("The sum of many", "'test:tests/gone.rs'"),
            "there is no tests/gone.rs",
        ),
        (
            fact("The sum of many", "'doc:http://a.b'"),
            "is no reference (there are record:CLAIM",
        ),
        (
            fact("The sum of many", "'everybody knows'"),
            "is no reference",
        ),
    ] {
        fixture.write(place, &text);
        expect(&look(&fixture).problems, &[place, says]);
    }
}

#[test]
fn a_wrong_answer_must_be_shown_by_the_test_that_it_names() {
    let fixture = Fixture::new();
    // It fails all three tests of the step, and the first is shown.
    fixture.replace(
        "tests/wrong/sums/same.rs",
        "one::after_zero",
        "one::after_one",
    );
    expect(
        &judge(&fixture).problems,
        &[
            "tests/wrong/sums/same.rs",
            "a learner is shown `one::after_zero` first (failed), not `one::after_one`",
        ],
    );
}

#[test]
fn what_an_author_has_still_to_write_is_listed() {
    let fixture = Fixture::new();
    let text = fixture.read("src/sums.md");
    let line = text.lines().count() + 2;
    fixture.write("src/sums.md", format!("{text}\nTODO: the minute answer.\n"));
    let place = format!("src/sums.md:{line}");
    expect(
        &look(&fixture).problems,
        &[&place, "to do: the minute answer."],
    );
}

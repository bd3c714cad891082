//! The authoring gate: every chapter has all its places, its starter fails, its solution and other right answers pass, its wrong
//! answers are caught with the message that `tests/snapshots/wrong` has.
//!
//! Each answer is a test of its own: `cargo test -p checks --test gate -- memory` judges one chapter, `memory::wrong` its wrong
//! answers. After a change of wording, `COURSE_BLESS=1` writes the snapshots; after one of tests, also `self_reported.toml`.
//!
//! A reader's half-solved exercise is no fault of the course: it is told, and the starters are judged as the course ships
//! them. `CHECKS_SEED=7` judges on other inputs, where messages may differ. With `starters` in `COURSE_REQUIRE`, as in the course's own checks, a changed starter is a problem.

use grader::{
    gate::{self, Case, Findings, Gate, GateError},
    runner::TestResult,
    stop::Stop,
};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{panic, path::Path, process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    let bless = bless();
    // SAFETY: `main` has just begun, so there is no other thread that could read the environment meanwhile.
    unsafe {
        // insta asks its environment alone what to do with a snapshot that is new or differs.
        std::env::set_var("INSTA_UPDATE", if bless { "always" } else { "no" });
        std::env::set_var("INSTA_OUTPUT", "diff");
        std::env::set_var("INSTA_WORKSPACE_ROOT", root());
        // The same inputs each time, so that a message is the same, too. The solutions' own tests draw theirs at random.
        if std::env::var_os("CHECKS_SEED").is_none() {
            std::env::set_var("CHECKS_SEED", "1");
        }
    }
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Test = Box<dyn FnOnce(&Gate) -> Result<(), Failed> + Send>;

fn trials() -> Result<Vec<Trial>, GateError> {
    let gate = Gate::open(root(), is_required("starters"), &Stop::new())?;
    let cases = gate.cases();
    let gate = Arc::new(gate);
    let with_gate = |test: Test| {
        let gate = Arc::clone(&gate);
        move || test(&gate)
    };
    let mut trials = vec![
        Trial::test(
            "every_chapter_has_all_its_places",
            with_gate(Box::new(|gate| check(gate.look()))),
        ),
        Trial::test("solutions_are_clippy_clean", || {
            check(gate::lint(root(), &Stop::new())?)
        }),
    ];
    trials.extend(cases.into_iter().map(|case| {
        let name = case.to_string();
        let judge = move |gate: &Gate| judge(gate, &case);
        Trial::test(name, with_gate(Box::new(judge)))
    }));
    Ok(trials)
}

fn judge(gate: &Gate, case: &Case) -> Result<(), Failed> {
    let mut judged = gate.judge(case)?;
    if let (Some(list), true) = (&judged.self_reported, bless()) {
        let case = case.to_string();
        let slug = case.strip_suffix("::solution").unwrap_or(&case);
        let place = format!("tests/{slug}/self_reported.toml");
        std::fs::write(root().join(&place), list)?;
        judged
            .found
            .problems
            .retain(|problem| !problem.starts_with(&place));
    }
    check(judged.found)?;
    match judged.failure {
        Some(failure) => compare(&case.to_string(), &failure),
        None => Ok(()),
    }
}

/// Compares a failure's message with its snapshot, `tests/snapshots/wrong/<slug>/<name>.snap`.
fn compare(case: &str, failure: &TestResult) -> Result<(), Failed> {
    let Some((slug, name)) = case.split_once("::wrong::") else {
        return Err(format!("{case} is no wrong answer").into());
    };
    let folder = root().join("tests/snapshots/wrong").join(slug);
    let text = gate::stable(failure, &root().display().to_string());
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let compared = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        settings.bind(|| insta::assert_snapshot!(name, text));
    }));
    compared.map_err(|_| {
        format!(
            "its failure reads differently from tests/snapshots/wrong/{slug}/{name}.snap, see above. If it reads better: \
             COURSE_BLESS=1 cargo test -p checks --test gate -- {case}"
        )
        .into()
    })
}

fn check(found: Findings) -> Result<(), Failed> {
    for note in &found.notes {
        eprintln!("{note}");
    }
    if found.problems.is_empty() {
        return Ok(());
    }
    let count = found.problems.len();
    Err(format!("{count} to mend:\n\n{}", found.problems.join("\n\n")).into())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the course")
}

fn bless() -> bool {
    std::env::var_os("COURSE_BLESS").is_some_and(|value| value == "1")
}

fn is_required(what: &str) -> bool {
    std::env::var("COURSE_REQUIRE").is_ok_and(|all| all.split(',').any(|one| one.trim() == what))
}

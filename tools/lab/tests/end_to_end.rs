//! Runs experiments for real, from the claim to the record, and failing ones from the script to the message.

use lab::chart::{self, Axis, Chart, Row, Scale, Section};
use lab::claim::{Metric, Rounds};
use lab::claims::{self, CLAIMS};
use lab::measure::{Setup, Subject, measure};
use lab::plan::{self, Plan};
use lab::python::{self, Python};
use lab::record::Owner;
use lab::{Claim, Error, Language, Outcome, Record, Unit, Verdict};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use supervise::Stop;

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn setup<'a>(root: &'a Path, stop: &'a Stop) -> Setup<'a> {
    Setup {
        root,
        rust: (env!("CARGO_BIN_EXE_experiment").into(), Vec::new()),
        stop,
        deadline: Duration::from_secs(240),
    }
}

/// Finds a Python of this machine. None is a skip, and a failure where `COURSE_REQUIRE` names python.
fn python(test: &str) -> Option<Python> {
    let found = python::search().one(Path::new("python3"));
    if let Err(why) = &found {
        let required = std::env::var("COURSE_REQUIRE").unwrap_or_default();
        let required = required.split(',').any(|name| name.trim() == "python");
        assert!(!required, "{why}");
        eprintln!("skipped: {test}: {why}");
    }
    found.ok()
}

/// Makes an empty course that has our experiments.
fn course_with_experiments() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    fs::create_dir_all(root.path().join("tools/lab")).unwrap();
    symlink(experiments, root.path().join("tools/lab/experiments")).unwrap();
    root
}

/// What each experiment must have measured, whatever the machine is busy with.
fn check(claim: &Claim, run: &lab::Run) {
    for metric in claim.metrics_of(run.runtime.language) {
        let (id, runtime) = (metric.id, &run.runtime);
        let Some(always) = metric.always else {
            continue;
        };
        let one = run.get(id);
        let one = one.unwrap_or_else(|| panic!("{} in {runtime}: no {id}", claim.id));
        assert_eq!(one.samples, 2, "{id} of {} in {runtime}", claim.id);
        let range = (one.min(), one.max());
        assert_eq!(range, (always, always), "{id} of {} in {runtime}", claim.id);
    }
    assert_ne!(run.verdict.outcome, Outcome::DoesNotHold, "{}", run.verdict);
}

#[test]
fn every_experiment_in_rust_measures_what_its_claim_lists() {
    let (root, stop) = (course(), Stop::new());
    for claim in CLAIMS.iter().filter(|claim| claim.experiment.is_some()) {
        let mut rounds = 0;
        let setup = setup(&root, &stop);
        let run = measure(&setup, claim, &Subject::Rust, 2, || rounds += 1).unwrap();
        assert_eq!(rounds, 2);
        check(claim, &run);
    }
}

#[test]
fn every_experiment_in_python_measures_what_its_claim_lists() {
    let Some(python) = python("every_experiment_in_python_measures_what_its_claim_lists") else {
        return;
    };
    let subject = Subject::Python(python);
    let (root, stop) = (course(), Stop::new());
    for claim in CLAIMS {
        let run = measure(&setup(&root, &stop), claim, &subject, 2, || {}).unwrap();
        check(claim, &run);
    }
}

#[test]
fn a_claim_goes_from_experiment_to_record_and_chart() {
    let test = "a_claim_goes_from_experiment_to_record_and_chart";
    let subjects = [Some(Subject::Rust), python(test).map(Subject::Python)];
    let subjects: Vec<_> = subjects.into_iter().flatten().collect();
    let (root, stop) = (course_with_experiments(), Stop::new());
    let claim = CLAIMS[0];
    let mut printed = Vec::new();
    for owner in [Owner::Reference, Owner::Mine] {
        let plan = Plan {
            claims: vec![claim],
            subjects: subjects.clone(),
            quick: true,
            owner,
        };
        let failed = plan::run(&setup(root.path(), &stop), &plan, &mut printed);
        assert_eq!(failed.unwrap(), 0);
    }
    let printed = String::from_utf8(printed).unwrap();
    let written = format!("written: {}", Owner::Mine.path(claim).display());
    assert!(printed.contains(claim.sentence), "{printed}");
    assert!(printed.contains(&written), "{printed}");

    let record = Record::read(root.path(), claim, Owner::Mine).unwrap();
    assert_eq!(record.runs.len(), subjects.len());
    for (path, text) in lab::figures(root.path(), claim).unwrap() {
        assert_eq!(lab::figure(root.path(), &path).unwrap(), text, "{path}");
    }
    let chart = lab::chart(root.path(), claim.id).unwrap();
    assert!(chart.contains("yours: "), "{chart}");
}

#[test]
fn a_reader_who_stops_leaves_no_record() {
    let test = "a_reader_who_stops_leaves_no_record";
    let subjects = [Some(Subject::Rust), python(test).map(Subject::Python)];
    for (claim, subject) in CLAIMS.iter().zip(subjects.into_iter().flatten().cycle()) {
        let (root, stop) = (course_with_experiments(), Stop::new());
        let setup = setup(root.path(), &stop);
        let result = measure(&setup, claim, &subject, 1000, || {
            stop.request(); // in the middle, after the first round
        });
        assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
        let plan = Plan {
            claims: vec![claim],
            subjects: vec![subject],
            quick: true,
            owner: Owner::Mine,
        };
        let stopped = plan::run(&setup, &plan, &mut Vec::new());
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
        assert!(!root.path().join("records").exists());
    }
}

/// A claim whose experiments are written by the tests below.
static FAKE: Claim = Claim {
    id: "F1",
    sentence: "A fake claim.",
    metrics: &[
        Metric::python("a", Unit::MICROS, "a"),
        Metric::python("b", Unit::MICROS, "b"),
    ],
    rule: "It always holds.",
    judge: |_| Verdict::holds("always"),
    chart: Chart {
        title: "A",
        axis: Axis {
            scale: Scale::Linear,
            share_of: None,
        },
        sections: &[Section {
            title: "",
            rows: &[Row {
                label: "a",
                series: &chart::python("a"),
            }],
        }],
    },
    rounds: Rounds { full: 2, quick: 2 },
    experiment: None,
};

/// Makes a program that says that it is Python 3.13 and runs `script` in place of an experiment.
fn impostor(dir: &Path, script: &str) -> Python {
    let path = dir.join("python");
    let executable = path.display();
    let answer = format!(
        "printf '%s\\n' implementation=cpython version=3.13.0 free_threaded=0 gil=1 system=x real=/x executable={executable}"
    );
    let text = format!("#!/bin/sh\ncase \"$*\" in *' -c '*) {answer} ;; *) {script} ;; esac\n");
    // Written by another process: an open file of this one, inherited by a fork elsewhere, could not be executed.
    let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let mut made = Command::new("sh");
    made.args(["-c", write, "sh", &text]).arg(&path);
    assert!(made.status().unwrap().success());
    Python::probe(&path).unwrap()
}

fn plan_for(script: &str, dir: &Path) -> Plan {
    Plan {
        claims: vec![&FAKE],
        subjects: vec![Subject::Rust, Subject::Python(impostor(dir, script))],
        quick: true,
        owner: Owner::Mine,
    }
}

const GIVEN: &str = r#"echo '{"rounds": 2, "given": {}}'"#;
const ROUND: &str = r#"echo '{"round": {"a": 1, "b": 2}}'"#;

#[test]
fn an_experiment_that_fails_is_named_and_writes_nothing() {
    let round = |round: &str| format!("{GIVEN}; echo '{{\"round\": {round}}}'");
    let cases = [
        (
            "echo no >&2; exit 3".to_owned(),
            "it exited with code 3: no",
        ),
        ("true".to_owned(), "it printed nothing"),
        (
            "echo hello".to_owned(),
            "it printed a line that is not the expected JSON",
        ),
        (
            r#"echo '{"rounds": 9, "given": {}}'"#.to_owned(),
            "it printed lines out of order",
        ),
        (GIVEN.to_owned(), "it ended after 0 of 2 rounds"),
        (round("{}"), "it did not measure a"),
        (
            round("{\"a\":0,\"b\":1,\"x\":1}"),
            "it measured x, which the claim does not list",
        ),
        (
            format!("{GIVEN}; kill -SEGV $$"),
            "it was killed by SIGSEGV",
        ),
    ];
    for (script, why) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (root, stop) = (course_with_experiments(), Stop::new());
        let setup = setup(root.path(), &stop);
        let plan = plan_for(&script, dir.path());
        let error = measure(&setup, &FAKE, &plan.subjects[1], 2, || {}).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("F1 in Python 3.13.0 (GIL): "), "{error}");
        assert!(
            error.contains(why) && !error.contains('\n'),
            "{why}: {error}"
        );
        assert_eq!(plan::run(&setup, &plan, &mut Vec::new()).unwrap(), 1);
        assert!(!root.path().join("records").exists(), "{why}");
    }
}

/// Standard output on a full disk.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_report_that_cannot_be_printed_is_an_error_after_the_record_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (root, stop) = (course_with_experiments(), Stop::new());
    let plan = plan_for(&format!("{GIVEN}; {ROUND}; {ROUND}"), dir.path());
    let error = plan::run(&setup(root.path(), &stop), &plan, &mut Full).unwrap_err();
    let says = "cannot print the report (the records are written): ";
    assert!(error.to_string().starts_with(says), "{error}");
    let record = Record::read(root.path(), &FAKE, Owner::Mine).unwrap();
    assert_eq!(
        record.runs.len(),
        1,
        "Rust has no experiment for this claim"
    );
}

#[test]
fn a_python_that_hangs_or_leaves_a_child_behind_is_ended_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let (root, stop) = (course_with_experiments(), Stop::new());
    let mut setup = setup(root.path(), &stop);
    // The child holds the pipes of an experiment that has ended well.
    let left = plan_for(
        &format!("{GIVEN}; {ROUND}; {ROUND}; sleep 600 &"),
        dir.path(),
    );
    measure(&setup, &FAKE, &left.subjects[1], 2, || {}).unwrap();

    setup.deadline = Duration::from_millis(200);
    let hangs = plan_for(&format!("{GIVEN}; sleep 600"), dir.path());
    let error = measure(&setup, &FAKE, &hangs.subjects[1], 2, || {}).unwrap_err();
    // After 0.2 s, or more on a busy machine.
    let error = error.to_string();
    assert!(error.contains("it was still "), "{error}");
}

/// The records that the book ships; `COURSE_BLESS=1` judges them again after a rule has changed.
#[test]
fn the_books_records_follow_from_their_rules_and_tell_no_path() {
    let root = course();
    let bless = std::env::var_os("COURSE_BLESS").is_some_and(|value| value != "0");
    for claim in CLAIMS {
        let mut record = Record::read(&root, claim, Owner::Reference).unwrap();
        if bless {
            let (machine, owner) = (record.machine.clone(), Owner::Reference);
            let written = Record::write(&root, claim, owner, &machine, vec![], || {});
            record = written.unwrap().0;
        }
        let again = format!("{}: judge the record again with COURSE_BLESS=1", claim.id);
        assert_eq!(record.rule, claim.rule, "{again}");
        for run in &record.runs {
            assert_eq!((claim.judge)(run), run.verdict, "{again}");
        }
        let pythons = record
            .runs
            .iter()
            .filter(|run| run.runtime.language == Language::Python);
        assert!(pythons.count() > 1, "{}: two Pythons at least", claim.id);
        let text = fs::read_to_string(root.join(Owner::Reference.path(claim))).unwrap();
        for private in ["/root", "/home", "/Users", "/work", "/tmp", "/opt"] {
            assert!(!text.contains(private), "{}: {private}", claim.id);
        }
        for (path, text) in lab::figures(&root, claim).unwrap() {
            assert!(!text.is_empty() && !text.contains("NaN"), "{path}: {text}");
        }
        lab::chart(&root, claim.id).unwrap();
    }
    assert!(claims::find(CLAIMS[0].id).is_ok());
}

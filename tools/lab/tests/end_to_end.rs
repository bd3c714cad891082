//! Experiments run for real, from the claim to the record, and failing ones from the script to the message.

use lab::face::{self, Plan};
use lab::python::{Python, Search};
use lab::record::Owner;
use lab::run::{Setup, Subject, measure};
use lab::{Claim, Error, Outcome, Record, claim};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn setup<'a>(root: &'a Path, stop: &'a AtomicBool) -> Setup<'a> {
    Setup {
        root,
        rust: (env!("CARGO_BIN_EXE_experiment").into(), Vec::new()),
        stop,
        deadline: Duration::from_secs(240),
    }
}

/// A Python of this machine; none when there is none, which is said, and a failure where one is required.
fn python(test: &str) -> Option<Python> {
    let found = Search::from_env().one(Path::new("python3"));
    if let Err(why) = &found {
        let required = std::env::var("COURSE_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name.trim() == "python"),
            "{why}"
        );
        eprintln!("skipped: {test}: {why}");
    }
    found.ok()
}

/// An empty course that has these experiments.
fn course_with(experiments: &Path) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("tools/lab")).unwrap();
    symlink(experiments, root.path().join("tools/lab/experiments")).unwrap();
    root
}

fn experiments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")
}

/// Names of shared memory that an experiment of this process left behind.
fn left_behind() -> Vec<String> {
    let names = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let ours = format!("lab-{}-", std::process::id());
    names.filter(|name| name.starts_with(&ours)).collect()
}

#[test]
fn a_claim_goes_from_experiment_to_record_and_chart() {
    let mut subjects = vec![Subject::Rust];
    subjects
        .extend(python("a_claim_goes_from_experiment_to_record_and_chart").map(Subject::Python));
    let (root, stop) = (course_with(&experiments()), AtomicBool::new(false));
    let claim = claim::find("M1").unwrap();
    let mut told = Vec::new();
    for owner in [Owner::Reference, Owner::Mine] {
        let plan = Plan {
            claims: vec![claim],
            subjects: subjects.clone(),
            quick: true,
            owner,
        };
        assert_eq!(
            face::run(&setup(root.path(), &stop), &plan, &mut told).unwrap(),
            0
        );
    }
    let told = String::from_utf8(told).unwrap();
    assert!(
        told.contains(claim.sentence) && told.contains("written: records/mine/M1.json"),
        "{told}"
    );

    let record = Record::read(root.path(), claim, Owner::Mine).unwrap();
    assert_eq!(record.runs.len(), subjects.len());
    for run in &record.runs {
        assert_eq!(run.get("parent_sees_private").unwrap().max(), 0.0);
        assert_eq!(run.get("parent_sees_shared").unwrap().min(), 2560.0);
        if cfg!(target_os = "linux") {
            assert_eq!(run.verdict.outcome, Outcome::HoldsBut, "{}", run.verdict);
            assert_eq!(run.get("child_writes_private_dirty").unwrap().min(), 2560.0);
            assert_eq!(
                lab::figure(root.path(), "M1/rust/child_writes_private_dirty").unwrap(),
                "2,560 pages"
            );
        }
    }
    assert!(lab::chart(root.path(), "M1").unwrap().contains("yours: "));
}

/// What each experiment must have measured, whatever the machine is busy with.
fn check(claim: &Claim, run: &lab::Run) {
    let all = |id: &str| {
        let one = run
            .get(id)
            .unwrap_or_else(|| panic!("{} in {}: no {id}", claim.id, run.runtime));
        assert_eq!(one.samples, 2);
        (one.min(), one.max())
    };
    let expected: &[(&str, f64)] = match (claim.id, run.runtime.language) {
        ("M1", _) => &[("parent_sees_private", 0.0), ("parent_sees_shared", 2560.0)],
        ("M2", lab::Language::Rust) => &[
            ("seen_without_channel", 0.0),
            ("channels", 3.0),
            ("delivered", 3.0),
        ],
        ("M2", _) => &[
            ("seen_without_channel", 0.0),
            ("channels", 8.0),
            ("delivered", 8.0),
        ],
        ("M3", _) => &[
            ("thread_same_object", 4.0),
            ("thread_write_seen", 4.0),
            ("process_write_seen", 0.0),
        ],
        ("M4", lab::Language::Rust) => &[("lost_fetch_add", 0.0), ("lost_mutex", 0.0)],
        ("M4", _) => &[("lost_locked", 0.0)],
        (other, _) => panic!("say what {other} must measure"),
    };
    for (id, value) in expected {
        assert_eq!(
            all(id),
            (*value, *value),
            "{id} of {} in {}",
            claim.id,
            run.runtime
        );
    }
    assert_ne!(run.verdict.outcome, Outcome::DoesNotHold, "{}", run.verdict);
}

#[test]
fn every_experiment_in_rust_measures_what_its_claim_lists() {
    let (root, stop) = (course(), AtomicBool::new(false));
    for claim in claim::CLAIMS {
        let mut rounds = 0;
        let run = measure(&setup(&root, &stop), claim, &Subject::Rust, 2, || {
            rounds += 1
        })
        .unwrap();
        assert_eq!(rounds, 2);
        check(claim, &run);
    }
}

#[test]
fn every_experiment_in_python_measures_what_its_claim_lists() {
    let Some(python) = python("every_experiment_in_python_measures_what_its_claim_lists") else {
        return;
    };
    let (root, stop) = (course(), AtomicBool::new(false));
    for claim in claim::CLAIMS {
        let run = measure(
            &setup(&root, &stop),
            claim,
            &Subject::Python(python.clone()),
            2,
            || {},
        )
        .unwrap();
        check(claim, &run);
    }
    assert_eq!(left_behind(), Vec::<String>::new());
}

#[test]
fn a_reader_who_stops_leaves_no_record_and_no_shared_memory() {
    let mut subjects = vec![Subject::Rust];
    subjects.extend(
        python("a_reader_who_stops_leaves_no_record_and_no_shared_memory").map(Subject::Python),
    );
    let claim = claim::find("M2").unwrap();
    for subject in subjects {
        let (root, stop) = (course_with(&experiments()), AtomicBool::new(false));
        let result = measure(&setup(root.path(), &stop), claim, &subject, 1000, || {
            stop.store(true, std::sync::atomic::Ordering::Relaxed); // in the middle, after the first round
        });
        assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
        assert_eq!(left_behind(), Vec::<String>::new());
        let plan = Plan {
            claims: vec![claim],
            subjects: vec![subject],
            quick: true,
            owner: Owner::Mine,
        };
        let stopped = face::run(&setup(root.path(), &stop), &plan, &mut Vec::new());
        assert!(matches!(stopped, Err(Error::Stopped)));
        assert!(!root.path().join("records").exists());
    }
}

/// A Python that is none: it says that it is 3.13, and runs `script` in place of an experiment.
fn impostor(dir: &Path, script: &str) -> Python {
    let path = dir.join("python");
    let answer = r#"{"implementation":"CPython","version":"3.13.0","free_threaded":false,"gil":true,"real":"/x"}"#;
    let text =
        format!("#!/bin/sh\ncase \"$*\" in *' -c '*) echo '{answer}' ;; *) {script} ;; esac\n");
    // Written by another process: an open file of this one, inherited by a fork elsewhere, could not be executed.
    let made = Command::new("sh")
        .args([
            "-c",
            "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"",
            "sh",
            &text,
        ])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    Search::default().one(&path).unwrap()
}

#[test]
fn an_experiment_that_fails_is_named_and_writes_nothing() {
    let first = r#"echo '{"rounds": 2, "given": {}}'"#;
    let cases = [
        (
            "echo no >&2; exit 3".to_owned(),
            "it ended with exit status: 3: no",
        ),
        ("true".to_owned(), "it printed nothing"),
        (
            "echo hello".to_owned(),
            "it printed something else than JSON",
        ),
        (
            r#"echo '{"rounds": 9, "given": {}}'"#.to_owned(),
            "it printed lines out of order",
        ),
        (first.to_owned(), "it ended after 0 of 2 rounds"),
        (
            format!("{first}; echo '{{\"round\": {{}}}}'"),
            "it did not measure lost_bare",
        ),
        (
            format!(
                "{first}; echo '{{\"round\": {{\"lost_bare\":0,\"lost_call\":1,\"lost_locked\":0,\"x\":1}}}}'"
            ),
            "it measured x, which the claim does not list",
        ),
        (
            format!("{first}; kill -SEGV $$"),
            "it ended with signal: 11",
        ),
    ];
    let claim = claim::find("M4").unwrap();
    for (script, why) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (root, stop) = (course_with(&experiments()), AtomicBool::new(false));
        let subject = Subject::Python(impostor(dir.path(), &script));
        let error = measure(&setup(root.path(), &stop), claim, &subject, 2, || {})
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("M4 in Python 3.13.0 (GIL): ") && error.contains(why),
            "{why}: {error}"
        );
        assert!(!error.contains('\n'), "{error}");
        let plan = Plan {
            claims: vec![claim],
            subjects: vec![subject],
            quick: true,
            owner: Owner::Mine,
        };
        assert_eq!(
            face::run(&setup(root.path(), &stop), &plan, &mut Vec::new()).unwrap(),
            1
        );
        assert!(!root.path().join("records").exists(), "{why}");
    }
}

#[test]
fn the_records_that_the_book_ships_follow_from_their_rules_and_tell_no_path() {
    let root = course();
    for claim in claim::CLAIMS {
        let record = Record::read(&root, claim, Owner::Reference).unwrap();
        assert_eq!(
            record.rule, claim.rule,
            "{}: take the record anew",
            claim.id
        );
        for run in &record.runs {
            assert_eq!(
                (claim.judge)(run),
                run.verdict,
                "{}: take the record anew",
                claim.id
            );
        }
        assert!(
            record.runs.len() > 2,
            "{}: Rust and two Pythons at least",
            claim.id
        );
        let text = fs::read_to_string(root.join(Owner::Reference.path(claim))).unwrap();
        for private in ["/root", "/home", "/Users", "/work", "/tmp", "/opt"] {
            assert!(!text.contains(private), "{}: {private}", claim.id);
        }
        for (path, words) in lab::figures(&root, claim).unwrap() {
            assert!(
                !words.is_empty() && !words.contains("NaN"),
                "{path}: {words}"
            );
        }
        lab::chart(&root, claim.id).unwrap();
    }
}

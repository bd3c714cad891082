//! Results that are complete, interrupted, contested and broken.

use super::*;
use crate::runner::Status;
use std::fs;

fn record(test: &str) -> Record {
    Record {
        submission: "ann".to_owned(),
        exercise: "memory".to_owned(),
        step: "a".to_owned(),
        test: test.to_owned(),
        status: Status::CompileError,
        seconds: 0.5,
        message: "two\nlines \u{1b}[31m".to_owned(),
        why: None,
        section: None,
        sandbox: "none".to_owned(),
        points: 2.5,
        self_reported: Vec::new(),
        commit: None,
    }
}

fn write(path: &Path, test: &str) -> Option<PathBuf> {
    let mut results = Results::open(path).expect("a place");
    let records = [record(test)];
    results.add(test, &records).expect("room");
    results.finish(&records).expect("in place")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect();
    names.sort();
    names
}

#[test]
fn a_record_is_one_line_with_stable_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    assert_eq!(write(&path, "a::x"), None);
    let text = fs::read_to_string(&path).expect("written");
    assert_eq!(
        text,
        "{\"submission\":\"ann\",\"exercise\":\"memory\",\"step\":\"a\",\"test\":\"a::x\",\"status\":\"compile_error\",\
         \"seconds\":0.5,\"message\":\"two\\nlines \\u001b[31m\",\"why\":null,\"section\":null,\"sandbox\":\"none\",\"points\":2.5,\"self_reported\":[]}\n"
    );
    assert_eq!(
        serde_json::from_str::<Record>(&text).expect("read back"),
        record("a::x")
    );
}

#[test]
fn older_results_are_kept_under_the_next_free_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    fs::write(&path, "not even JSON").expect("an old file");
    fs::write(folder.path().join("results.jsonl.1"), "older").expect("an old file");
    let kept = write(&path, "a::x").expect("kept");
    assert_eq!(kept, folder.path().join("results.jsonl.2"));
    assert_eq!(fs::read_to_string(kept).expect("there"), "not even JSON");
    assert_eq!(
        fs::read_to_string(folder.path().join("results.jsonl.1")).expect("there"),
        "older"
    );
    assert!(fs::read_to_string(path).expect("there").contains("a::x"));
}

#[test]
fn unfinished_results_touch_nothing_and_are_taken_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    fs::write(&path, "old").expect("an old file");
    let mut results = Results::open(&path).expect("a place");
    results.add("1", &[record("a::x")]).expect("room");
    drop(results);
    assert_eq!(
        names(folder.path()),
        ["results.jsonl", "results.jsonl.partial"]
    );
    assert_eq!(fs::read_to_string(&path).expect("there"), "old");

    let mut results = Results::open(&path).expect("a place");
    assert_eq!(results.take("1"), Some(vec![record("a::x")]));
    assert_eq!(results.take("2"), None);
    results.finish(&[record("a::x")]).expect("in place");
    assert_eq!(names(folder.path()), ["results.jsonl", "results.jsonl.1"]);
}

#[test]
fn a_grader_that_knows_nothing_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Results::open(&folder.path().join("results.jsonl")).expect("a place"));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_second_grader_on_one_output_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    let first = Results::open(&path).expect("a place");
    let error = Results::open(&path).expect_err("refused").to_string();
    assert!(error.starts_with("another grader is writing "), "{error}");
    drop(first);
    Results::open(&path).expect("it is free again");
}

/// Wherever a killed grader's last write ended: what was complete before is known, and what comes after is read, too.
#[test]
fn a_journal_cut_anywhere_loses_one_unit_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    let mut results = Results::open(&path).expect("a place");
    results.add("1", &[record("a::x")]).expect("room");
    let first = fs::metadata(&results.journal).expect("there").len() as usize;
    results.add("2", &[record("a::y")]).expect("room");
    let journal = results.journal.clone();
    drop(results);
    let whole = fs::read(&journal).expect("there");
    let edges = [first - 1, first, first + 1, whole.len() - 1, whole.len()];
    for end in (0..whole.len()).step_by(29).chain(edges) {
        fs::write(&journal, &whole[..end]).expect("room");
        let mut results = Results::open(&path).expect("a place");
        assert_eq!(results.take("1").is_some(), end >= first, "{end}");
        assert_eq!(results.take("2").is_some(), end == whole.len(), "{end}");
        results.add("3", &[record("a::z")]).expect("room");
        drop(results);
        let mut results = Results::open(&path).expect("a place");
        assert_eq!(results.take("1").is_some(), end >= first, "{end}");
        assert!(results.take("3").is_some(), "{end}");
    }
}

#[test]
fn a_line_that_is_no_entry_costs_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    let mut results = Results::open(&path).expect("a place");
    results.add("1", &[record("a::x")]).expect("room");
    let journal = results.journal.clone();
    drop(results);
    let mut bytes = b"\0\0\0\0\n{\"unit\": 7}\n".to_vec();
    bytes.extend(fs::read(&journal).expect("there"));
    fs::write(&journal, bytes).expect("room");
    let mut results = Results::open(&path).expect("a place");
    assert!(results.take("1").is_some());
}

#[test]
fn a_symlink_in_the_journals_place_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let victim = folder.path().join("victim");
    fs::write(&victim, "mine").expect("a file");
    std::os::unix::fs::symlink(&victim, folder.path().join("results.jsonl.partial"))
        .expect("a symlink");
    Results::open(&folder.path().join("results.jsonl")).expect_err("refused");
    assert_eq!(fs::read_to_string(&victim).expect("there"), "mine");
}

#[test]
fn a_symlink_stays_and_what_it_points_to_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, link] = ["results.jsonl", "latest"].map(|name| folder.path().join(name));
    fs::write(&path, "old").expect("an old file");
    std::os::unix::fs::symlink(&path, &link).expect("a symlink");
    let kept = write(&link, "a::x").expect("kept");
    assert_eq!(fs::read_to_string(kept).expect("there"), "old");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert!(fs::read_to_string(&path).expect("there").contains("a::x"));
}

#[test]
fn a_place_that_cannot_be_written_is_named_before_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let device = Results::open(Path::new("/dev/null"))
        .expect_err("refused")
        .to_string();
    assert!(
        device.starts_with("cannot write /dev/null: it is not a regular file"),
        "{device}"
    );
    for path in [
        folder.path().to_owned(),
        folder.path().join("missing/results.jsonl"),
    ] {
        let error = Results::open(&path).expect_err("refused").to_string();
        assert!(
            error.starts_with(&format!("cannot write {}: ", path.display())),
            "{error}"
        );
    }
}

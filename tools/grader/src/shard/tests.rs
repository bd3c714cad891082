//! Classes that were split, and put together again or not.

use super::*;
use crate::runner::Status;
use tempfile::TempDir;

fn shard(text: &str) -> Shard {
    text.parse().expect("a shard")
}

fn record(submission: &str) -> Record {
    Record {
        submission: submission.to_owned(),
        exercise: "memory".to_owned(),
        step: "a".to_owned(),
        test: "a::x".to_owned(),
        status: Status::Passed,
        seconds: 0.5,
        message: String::new(),
        why: None,
        section: None,
        sandbox: "L3".to_owned(),
        points: 1.0,
        self_reported: Vec::new(),
        commit: None,
    }
}

fn names() -> Vec<String> {
    (0..50).map(|number| format!("learner {number}")).collect()
}

/// Writes the results of one shard of the class, without the submissions in `but`.
fn write(folder: &TempDir, of: Shard, but: &[&str]) -> PathBuf {
    let path = folder
        .path()
        .join(format!("{}-{}.jsonl", of.index, of.count));
    let mine = names().into_iter().filter(|name| of.has(name));
    let lines = mine
        .filter(|name| !but.contains(&name.as_str()))
        .map(|name| serde_json::to_string(&record(&name)).expect("JSON") + "\n");
    fs::write(&path, lines.collect::<String>()).expect("room");
    let units = names().into_iter().map(|name| (name, "memory".to_owned()));
    write_plan(&path, of, units).expect("room");
    path
}

#[test]
fn everybody_is_in_one_shard() {
    for count in [1, 2, 7] {
        for name in names() {
            let shards =
                (1..=count).filter(|index| Shard::new(*index, count).expect("one").has(&name));
            assert_eq!(shards.count(), 1, "{name} of {count}");
        }
    }
}

#[test]
fn a_shard_is_written_as_people_count() {
    assert_eq!(shard("2/5"), Shard { index: 2, count: 5 });
    for wrong in ["0/5", "6/5", "1", "a/b", "1/0", "-1/2", ""] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}

#[test]
fn engines_count_in_their_own_ways() {
    let of = |variables: &[(&str, &str)]| {
        Shard::from_engine(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let third = Some(shard("3/4"));
    assert_eq!(
        of(&[("TEST_SHARD_INDEX", "2"), ("TEST_TOTAL_SHARDS", "4")]),
        third
    );
    assert_eq!(of(&[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "4")]), third);
    assert_eq!(
        of(&[
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "4")
        ]),
        third
    );
    assert_eq!(
        of(&[("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "4")]),
        third
    );
    assert_eq!(of(&[("JOB_COMPLETION_INDEX", "2")]), None);
    assert_eq!(of(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "4")]), None);
}

#[test]
fn a_merge_has_everybody_in_the_order_of_the_class() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["3/3", "1/3", "2/3"].map(|of| write(&folder, shard(of), &[]));
    let all = merge(&files).expect("complete");
    let merged: Vec<_> = all.into_iter().map(|record| record.submission).collect();
    assert_eq!(merged, names());
}

#[test]
fn a_merge_that_lacks_or_repeats_somebody_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let [one, two] = ["1/2", "2/2"].map(|of| write(&folder, shard(of), &[]));
    let error = merge(std::slice::from_ref(&one)).expect_err("half a class");
    assert!(matches!(error, MergeError::Missing(_)), "{error}");
    let error = merge(&[one.clone(), two.clone(), two.clone()]).expect_err("too much");
    assert!(matches!(error, MergeError::Twice(_)), "{error}");
    // Of another class: one less.
    let units = names()
        .into_iter()
        .skip(1)
        .map(|name| (name, "memory".to_owned()));
    write_plan(&two, shard("2/2"), units).expect("room");
    let error = merge(&[one.clone(), two.clone()]).expect_err("two classes");
    assert!(matches!(error, MergeError::Different(..)), "{error}");
    fs::remove_file(plan_path(&two)).expect("it was there");
    let error = merge(&[one, two]).expect_err("no plan").to_string();
    assert!(error.contains("both files"), "{error}");
}

#[test]
fn somebody_who_was_not_judged_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["1/2", "2/2"].map(|of| write(&folder, shard(of), &["learner 7"]));
    let error = merge(&files).expect_err("one is missing").to_string();
    assert_eq!(error, "1 exercise is missing, such as learner 7/memory");
}

#[test]
fn a_slurm_array_is_whole_and_may_count_in_steps() {
    let shard = |id, min, max, step, count| {
        let set = [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_STEP", step),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ];
        Shard::from_engine(|name| {
            let found = set.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| u64::to_string(value))
        })
    };
    assert_eq!(shard(5, 1, 5, 2, 3), Shard::new(3, 3)); // --array=1-5:2
    assert_eq!(shard(3, 3, 3, 1, 1), None); // --array=3 repeats one of some other number
    assert_eq!(shard(1, 1, 3, 1, 2), None); // --array=1,3
}

//! The runner against judges that are shell scripts.

use super::*;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    time::Instant,
};

/// A judge as a shell script: `$test` is the test's name, `report STATUS MESSAGE [FIELDS]` writes a line, `ok` and `bad` end it.
fn judge(dir: &Path, tests: &str, body: &str) -> PathBuf {
    let path = dir.join("judge");
    let script = format!(
        r#"#!/bin/sh
if [ "$1" = --list ]; then printf '%s: test\n' {tests}; exit 0; fi
[ "$1" = --test-threads ] && [ "$3" = --exact ] || exit 2
threads=$2
shift 3
reported=
report() {{ reported=1; printf '{{"test":"%s","status":"%s","message":"%s",%s"section":"memory.md#here","seed":7}}\n' "$test" "$1" "$2" "$3" >>"$CHECKS_REPORT"; }}
ok() {{ [ $reported ] || report passed; echo "test $test ... ok"; exit 0; }}
bad() {{ echo "test $test ... FAILED"; exit 101; }}
pids= all=0
for test in "$@"; do
  (
{body}
  ) & pids="$pids $!"
  if [ $threads = 1 ]; then wait $!; fi
done
for pid in $pids; do wait $pid; code=$?; if [ $code != 0 ]; then all=$code; fi; done
exit $all
"#
    );
    // Written by another process: a file that some thread of ours still holds open for writing cannot be started.
    let mut writer = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod +x \"$0\""])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts");
    writer
        .stdin
        .take()
        .expect("piped")
        .write_all(script.as_bytes())
        .expect("the script is written");
    assert!(writer.wait().expect("sh ends").success());
    path
}

fn results(
    tests: &str,
    body: &str,
    change: impl FnOnce(&mut Plan),
) -> Result<Vec<TestResult>, RunError> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::new(judge(dir.path(), tests, body));
    change(&mut plan);
    run(&plan, &Stop::new(), |_| {})
}

fn one(body: &str) -> TestResult {
    results("a::x", body, |_| {})
        .expect("the judge runs")
        .remove(0)
}

#[test]
fn a_pass_needs_a_line_and_a_report() {
    assert_eq!(one("ok").status, Status::Passed);
    for body in ["exit 0", "echo \"test $test ... ok\"; exit 0"] {
        let silent = one(body);
        assert_eq!(silent.status, Status::InfrastructureError, "{silent:?}");
    }
}

#[test]
fn what_the_judge_reports_is_the_verdict() {
    for (word, status) in [
        ("failed", Status::Failed),
        ("timeout", Status::Timeout),
        ("crash", Status::Crash),
        ("unstarted", Status::Unstarted),
        ("infrastructure", Status::InfrastructureError),
    ] {
        let result = one(&format!("report {word} 'the sum is 3'; bad"));
        assert_eq!(result.status, status);
        assert_eq!(result.message, "the sum is 3");
        assert_eq!(result.section.as_deref(), Some("memory.md#here"));
        assert_eq!(result.seed, Some(7));
    }
}

#[test]
fn what_the_failure_means_is_told_where_the_judge_knows_it() {
    let why = |field: &str| one(&format!("report failed 'the sum is 3' '{field}'; bad")).why;
    assert_eq!(
        why(r#""why":"An addition was lost.\n","#).as_deref(),
        Some("An addition was lost.")
    );
    assert_eq!(why(r#""why":null,"#), None);
    assert_eq!(why(""), None, "a judge of before the field was there");
    assert_eq!(one("ok").why, None);
}

#[test]
fn a_skip_is_no_pass_and_no_zero() {
    let result = one("report skipped 'no python3'; ok");
    assert_eq!(result.status, Status::Skipped);
    assert!(!result.status.is_verdict());
}

#[test]
fn a_report_cannot_turn_a_failure_into_a_pass() {
    assert_eq!(one("report passed ''; bad").status, Status::Failed);
    assert_eq!(
        one("report skipped 'no python3'; bad").status,
        Status::Failed
    );
    assert_eq!(one("report failed 'wrong'; ok").status, Status::Failed);
}

#[test]
fn the_last_report_counts_and_rubbish_is_passed_over() {
    let result = one(
        r#"report failed first; echo '{"test' >>"$CHECKS_REPORT"; report crash last; printf '\377\n' >>"$CHECKS_REPORT"; bad"#,
    );
    assert_eq!(
        (result.status, result.message.as_str()),
        (Status::Crash, "last")
    );
}

#[test]
fn an_assertion_that_was_not_reported_is_read_from_libtest() {
    let result = one(
        r#"printf '\nrunning 1 test\n\nfailures:\n\n---- a::x stdout ----\nthread panicked\nleft: 1\n\nfailures:\n    a::x\n'; bad"#,
    );
    assert_eq!(
        (result.status, result.message.as_str()),
        (Status::Failed, "thread panicked\nleft: 1")
    );
}

#[test]
fn a_judge_that_dies_is_our_fault() {
    let killed = one("kill -KILL $$");
    assert_eq!(killed.status, Status::InfrastructureError);
    assert!(killed.message.contains("SIGKILL"), "{}", killed.message);
    let exited = one("echo 'no such option' >&2; exit 2");
    assert_eq!(exited.status, Status::InfrastructureError);
    assert_eq!(
        exited.message,
        "the judge exited with code 2: no such option"
    );
}

#[test]
fn a_kill_that_is_not_repeated_was_somebody_elses() {
    let killed = r#"report crash 'was killed by SIGKILL' '"killed":true,'; bad"#;
    let folder = tempfile::tempdir().expect("a folder");
    let once = format!(
        "if mkdir '{}/'$test; then {killed}; fi; ok",
        folder.path().display()
    );
    let untrusted = |plan: &mut Plan| plan.untrusted = true;
    let found = |body: &str, change: fn(&mut Plan)| {
        let results = results("x y", body, change).expect("runs");
        results
            .into_iter()
            .map(|one| one.status)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&once, untrusted), [Status::Passed; 2]);
    assert_eq!(found(killed, untrusted), [Status::Crash; 2]);
    // One's own code, in `check`, is told at once.
    std::fs::remove_dir(folder.path().join("x")).expect("the mark");
    assert_eq!(found(&once, |_| ()), [Status::Crash, Status::Passed]);
}

#[test]
fn a_test_over_its_deadline_is_a_timeout() {
    let result = results("a::x", "sleep 1000", |plan| {
        plan.deadline = Duration::from_millis(200)
    })
    .expect("runs")
    .remove(0);
    assert_eq!(result.status, Status::Timeout);
    assert!(result.message.contains("0.2 s"), "{}", result.message);
}

#[test]
fn results_come_in_the_order_of_the_list_however_long_each_takes() {
    let dir = tempfile::tempdir().expect("a folder");
    // The first test ends only after the second has left its mark.
    let flag = dir.path().join("flag");
    let body = format!(
        "if [ $test = a::slow ]; then until [ -e '{0}' ]; do sleep 0.01; done; else touch '{0}'; fi; ok",
        flag.display()
    );
    let mut plan = Plan::new(judge(dir.path(), "a::slow a::fast b::last", &body));
    plan.jobs = 2;
    let told = Mutex::new(Vec::new());
    let results = run(&plan, &Stop::new(), |result| {
        told.lock().expect("not poisoned").push(result.test.clone())
    })
    .expect("runs");
    let names: Vec<_> = results.iter().map(|result| result.test.as_str()).collect();
    assert_eq!(names, ["a::slow", "a::fast", "b::last"]);
    assert_eq!(*told.lock().expect("not poisoned"), names);
}

#[test]
fn a_step_or_a_test_can_be_chosen() {
    let chosen = |only: &str| {
        let results = results("a::x a::y ab::z", "ok", |plan| {
            plan.only = Some(only.to_owned())
        })?;
        Ok::<_, RunError>(
            results
                .into_iter()
                .map(|result| result.test)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(chosen("a").expect("a step"), ["a::x", "a::y"]);
    assert_eq!(chosen("a::y").expect("a test"), ["a::y"]);
    let error = chosen("b").expect_err("no step");
    assert_eq!(
        error.to_string(),
        "no test or step is called `b` (steps: a, ab)"
    );
}

#[test]
fn a_stop_leaves_no_results_and_no_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::new(judge(
        dir.path(),
        "a::x a::y",
        "if [ $test = a::x ]; then ok; fi; sleep 1000",
    ));
    plan.jobs = 1;
    let stop = Stop::new();
    let started = Instant::now();
    let error = run(&plan, &stop, |_| stop.request()).expect_err("stopped");
    assert!(matches!(error, RunError::Interrupted));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn foreign_code_sees_no_secrets() {
    let body = r#"if [ -n "${CARGO_MANIFEST_DIR+x}" ]; then report failed leaked; bad; fi; [ -n "$PATH" ] && ok"#;
    let foreign = results("a::x", body, |plan| plan.untrusted = true)
        .expect("runs")
        .remove(0);
    assert_eq!(foreign.status, Status::Passed, "{foreign:?}");
    assert_eq!(
        one(body).message,
        "leaked",
        "cargo sets the variable for this test; one's own code inherits it"
    );
}

#[test]
fn the_subject_is_named_to_the_judge() {
    let body = r#"if [ "$CHECKS_SUBJECT" = /some/where ]; then ok; else bad; fi"#;
    let result = results("a::x", body, |plan| {
        plan.subject = Some("/some/where".into())
    })
    .expect("runs")
    .remove(0);
    assert_eq!(result.status, Status::Passed);
    assert_eq!(one(body).status, Status::Failed);
}

#[test]
fn only_a_plan_that_saves_schedules_lets_the_judge_name_one() {
    let body = r#"if [ "$CHECKS_SAVE_SCHEDULES" = no ]; then ok; else bad; fi"#;
    let marked = results("a::x", body, |plan| plan.saves_schedules = false)
        .expect("runs")
        .remove(0);
    assert_eq!(marked.status, Status::Passed);
    assert_eq!(one(body).status, Status::Failed);
}

#[test]
fn a_judge_that_is_not_there_is_named() {
    let error = run(&Plan::new("/no/such/judge"), &Stop::new(), |_| {}).expect_err("not there");
    assert!(
        error
            .to_string()
            .starts_with("cannot start the tests /no/such/judge: "),
        "{error}"
    );
}

#[test]
fn all_tests_run_in_one_process() {
    let dir = tempfile::tempdir().expect("a folder");
    let runs = dir.path().join("runs");
    let body = format!("echo $$ >>'{}'; ok", runs.display());
    let plan = Plan::new(judge(dir.path(), "a::x a::y b::z", &body));
    let results = run(&plan, &Stop::new(), |_| {}).expect("runs");
    assert!(results.iter().all(|result| result.status == Status::Passed));
    let pids = std::fs::read_to_string(runs).expect("written");
    let mut pids: Vec<_> = pids.lines().collect();
    assert_eq!(pids.len(), 3);
    pids.dedup();
    assert_eq!(pids.len(), 1, "{pids:?}");
}

#[test]
fn a_judge_that_dies_costs_no_other_test_its_verdict() {
    // It dies as soon as it comes to `a::bomb`, together with the tests of its process that have no verdict yet.
    let body = "if [ $test = a::bomb ]; then kill -KILL $$; exit; fi; ok";
    let results = results("a::x a::bomb a::z", body, |plan| plan.jobs = 1).expect("runs");
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    use Status::{InfrastructureError, Passed};
    assert_eq!(statuses, [Passed, InfrastructureError, Passed]);
    assert!(results[1].message.contains("SIGKILL"), "{results:?}");
}

#[test]
fn a_test_that_stalls_costs_no_other_test_its_time() {
    let body = "case $test in *slow) sleep 1000;; esac; ok";
    let change = |plan: &mut Plan| {
        plan.jobs = 1;
        plan.deadline = Duration::from_millis(1500);
    };
    let results = results("a::x a::slow a::z", body, change).expect("runs");
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    use Status::{Passed, Timeout};
    assert_eq!(statuses, [Passed, Timeout, Passed]);
}

#[test]
fn what_a_learner_prints_is_no_verdict() {
    // A judge shows what the subject printed: a line like its own, of a test that is still to come.
    let body = r#"if [ $test = a::x ]; then echo 'test a::y ... ok'; report failed no; bad; else report failed no; bad; fi"#;
    let results = results("a::x a::y", body, |plan| plan.jobs = 1).expect("runs");
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [Status::Failed; 2], "{results:?}");
}

#[test]
fn without_shared_memory_no_failure_is_a_verdict() {
    let body = "if [ $test = a::x ]; then report failed no; bad; fi; ok";
    // No folder there: nothing can be written, as when it is full or read-only.
    let change = |plan: &mut Plan| plan.shared_memory = Some("/no/such/folder".into());
    let results = results("a::x a::y", body, change).expect("runs");
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    use Status::{InfrastructureError, Passed};
    assert_eq!(statuses, [InfrastructureError, Passed]);
    let said = "shared memory cannot be used here: /no/such/folder: No such file";
    assert!(results[0].message.starts_with(said), "{results:?}");
    assert!(results[0].message.ends_with("failed: no"), "{results:?}");
}

#[test]
fn the_probe_of_shared_memory_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(shared_memory::problem(folder.path()).is_none());
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0);
    // A device without room.
    if Path::new("/dev/full").exists() {
        assert!(shared_memory::problem(Path::new("/dev/full")).is_some());
    }
}

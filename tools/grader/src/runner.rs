//! Runs the tests of a chapter, each as a process of its own, and says of each what became of it.
//!
//! The judge is a compiled test binary of the chapter. Grading gives it another one as subject; a learner's own
//! `cargo course check` runs the learner's binary as both:
//!
//! ```no_run
//! # use grader::{runner::{self, Plan}, stop::Stop};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = Plan::new("target/debug/deps/memory-0123456789abcdef");
//! let results = runner::run(&plan, &Stop::on_signals()?, |result| println!("{} {}", result.test, result.status))?;
//! # Ok(()) }
//! ```

use crate::{
    process::{self, End, Limits, Outcome},
    stop::Stop,
    text,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs, io,
    io::{Read, Seek, SeekFrom},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::Command,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// How long the judge may take to name its tests.
const LIST_DEADLINE: Duration = Duration::from_secs(30);

/// What is kept of each output stream of a test.
const OUTPUT: usize = 64 * 1024;

/// What is read of a report: its end, where the last word is.
const REPORT: u64 = 1024 * 1024;

/// What libtest exits with when a test failed.
const TEST_FAILED: i32 = 101;

/// What became of one test, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The subject did what the test asks.
    Passed,
    /// The subject reached the `todo!` of the untouched starter.
    Unstarted,
    /// The subject answered, and the answer is wrong.
    Failed,
    /// The subject gave no answer in time.
    Timeout,
    /// The subject died: a signal, an abort, an exit.
    Crash,
    /// The submission does not compile.
    CompileError,
    /// The submission is not one: the reason names the file and the rule.
    Rejected,
    /// The test could not run on this machine, and says what is missing. Never a learner's zero.
    Skipped,
    /// Something of ours failed, not the submission. Never a learner's zero.
    #[serde(alias = "infrastructure")]
    InfrastructureError,
}

impl Status {
    /// Whether this says something about the submission; if not, it must not be counted as a zero.
    #[must_use]
    pub fn is_verdict(self) -> bool {
        !matches!(self, Self::Skipped | Self::InfrastructureError)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Unstarted => "not started",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
            Self::CompileError => "compile error",
            Self::Rejected => "rejected",
            Self::InfrastructureError => "infrastructure error",
        })
    }
}

/// What became of one test, and what to tell about it.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// The test's name, `<step>::<test>`.
    pub test: String,
    /// What became of it.
    pub status: Status,
    /// Seconds from the start of its process to the end.
    pub seconds: f64,
    /// What a person should read, the learner's own panic first; empty when the test passed.
    pub message: String,
    /// What the failure means, where the test knows it.
    pub why: Option<String>,
    /// Where the book clears it up, such as `memory.md#two-additions-one-lost`.
    pub section: Option<String>,
    /// `CHECKS_SEED` with this value replays the test's random inputs.
    pub seed: Option<u64>,
}

impl TestResult {
    /// The step that the test belongs to.
    #[must_use]
    pub fn step(&self) -> &str {
        step(&self.test)
    }
}

/// The step of a test called `<step>::<test>`.
#[must_use]
pub fn step(test: &str) -> &str {
    test.split("::").next().unwrap_or(test)
}

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The test binary that decides.
    pub judge: PathBuf,
    /// The test binary that runs the code to be judged; without one the judge does both.
    pub subject: Option<PathBuf>,
    /// A step, or one test by its full name; without it every test.
    pub only: Option<String>,
    /// The folder that the tests run in; without one the current folder.
    pub dir: Option<PathBuf>,
    /// From start to end of one test. The judge's own deadline per subject is far shorter.
    pub deadline: Duration,
    /// How many tests run at the same time.
    pub jobs: usize,
    /// For code that is not one's own: withhold the environment but for what a test needs, and bound the memory of each process.
    pub foreign: bool,
}

impl Plan {
    /// Every test of `judge`, which judges itself: what a learner runs.
    #[must_use]
    pub fn new(judge: impl Into<PathBuf>) -> Self {
        Self {
            judge: judge.into(),
            subject: None,
            only: None,
            dir: None,
            deadline: Duration::from_secs(60),
            jobs: thread::available_parallelism()
                .map_or(1, usize::from)
                .min(2),
            foreign: false,
        }
    }
}

/// Why the tests could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The judge could not be started.
    #[error("cannot start the tests {}: {cause} (build them again)", path.display())]
    Start {
        /// The test binary.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// The judge did not name its tests.
    #[error("{} does not list its tests: {problem}", path.display())]
    List {
        /// The test binary.
        path: PathBuf,
        /// What it did instead.
        problem: String,
    },
    /// No test fits [`Plan::only`].
    #[error("no test or step is called `{only}` (steps: {})", steps.join(", "))]
    Nothing {
        /// What was asked for.
        only: String,
        /// What there is.
        steps: Vec<String>,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Names the tests of the plan, in the order of the test binary.
///
/// # Errors
/// When the judge does not start or does not answer, when no test fits [`Plan::only`], or on a stop.
pub fn list(plan: &Plan, stop: &Stop) -> Result<Vec<String>, RunError> {
    let mut command = command(plan);
    command.args(["--list", "--format", "terse"]);
    let limits = Limits {
        deadline: LIST_DEADLINE,
        output: 1 << 20,
        memory: None,
    };
    let outcome =
        process::run(command, &limits, stop, &mut |_| {}).map_err(|cause| RunError::Start {
            path: plan.judge.clone(),
            cause,
        })?;
    match outcome.end {
        End::Stopped => return Err(RunError::Interrupted),
        End::Exited(status) if status.success() => {}
        end => {
            return Err(RunError::List {
                path: plan.judge.clone(),
                problem: told(end, &outcome.stderr),
            });
        }
    }
    let all: Vec<_> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect();
    let Some(only) = &plan.only else {
        return Ok(all);
    };
    let chosen: Vec<_> = all
        .iter()
        .filter(|test| *test == only || step(test) == only)
        .cloned()
        .collect();
    if chosen.is_empty() {
        let mut steps: Vec<_> = all.iter().map(|test| step(test).to_owned()).collect();
        steps.dedup();
        return Err(RunError::Nothing {
            only: only.clone(),
            steps,
        });
    }
    Ok(chosen)
}

/// Runs the tests of the plan. `on_result` gets each result in the order of [`list`], as soon as those before it are in.
///
/// # Errors
/// As [`list`]. A test that cannot be run is no error here: its result says [`Status::InfrastructureError`].
pub fn run(
    plan: &Plan,
    stop: &Stop,
    mut on_result: impl FnMut(&TestResult),
) -> Result<Vec<TestResult>, RunError> {
    let tests = list(plan, stop)?;
    let next = AtomicUsize::new(0);
    let mut slots: Vec<Option<TestResult>> = vec![None; tests.len()];
    let mut told = 0;
    thread::scope(|scope| {
        let (finished, results) = mpsc::channel();
        for _ in 0..plan.jobs.clamp(1, tests.len().max(1)) {
            let (finished, tests, next) = (finished.clone(), &tests, &next);
            scope.spawn(move || {
                while let Some((index, test)) = claim(tests, next) {
                    let Some(result) = run_one(plan, test, stop) else {
                        break;
                    };
                    if finished.send((index, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(finished);
        for (index, result) in results {
            slots[index] = Some(result);
            while let Some(Some(result)) = slots.get(told) {
                on_result(result);
                told += 1;
            }
        }
    });
    let results: Vec<_> = slots.into_iter().flatten().collect();
    if results.len() < tests.len() {
        Err(RunError::Interrupted)
    } else {
        Ok(results)
    }
}

fn claim<'a>(tests: &'a [String], next: &AtomicUsize) -> Option<(usize, &'a String)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    tests.get(index).map(|test| (index, test))
}

/// One test, or nothing when somebody asked to stop.
fn run_one(plan: &Plan, test: &str, stop: &Stop) -> Option<TestResult> {
    let mut result = TestResult {
        test: test.to_owned(),
        status: Status::InfrastructureError,
        seconds: 0.0,
        message: String::new(),
        why: None,
        section: None,
        seed: None,
    };
    match judge(plan, test, stop) {
        Ok((
            Outcome {
                end: End::Stopped, ..
            },
            _,
        )) => return None,
        Ok((outcome, report)) => {
            result.seconds = outcome.taken.as_secs_f64();
            let judged = conclude(test, plan, &outcome, report);
            result.status = judged.status;
            result.message = text::message(&judged.message);
            result.why = judged.why.as_deref().map(text::message);
            result.section = judged.section;
            result.seed = judged.seed;
        }
        Err(error) => result.message = format!("the test could not be run: {error}"),
    }
    Some(result)
}

fn judge(plan: &Plan, test: &str, stop: &Stop) -> io::Result<(Outcome, Option<Line>)> {
    let mut report = tempfile::NamedTempFile::with_prefix("course-report-")?;
    let mut command = command(plan);
    command
        .args(["--exact", test])
        .env("CHECKS_REPORT", report.path());
    if let Some(subject) = &plan.subject {
        command.env("CHECKS_SUBJECT", subject);
    }
    let limits = Limits {
        deadline: plan.deadline,
        output: OUTPUT,
        memory: plan.foreign.then_some(FOREIGN_MEMORY),
    };
    let outcome = process::run(command, &limits, stop, &mut |_| {})?;
    let line = last_line(report.as_file_mut(), test)?;
    Ok((outcome, line))
}

/// Address space of each process of a test when the code is not one's own: room for any exercise, not for a memory bomb.
const FOREIGN_MEMORY: u64 = 4 << 30;

fn command(plan: &Plan) -> Command {
    let mut command = Command::new(&plan.judge);
    if plan.foreign {
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_harmless)));
    }
    if let Some(dir) = &plan.dir {
        command.current_dir(dir);
    }
    // What a test must not inherit from the one that calls us, and what keeps it from writing new snapshots.
    for name in [
        "CHECKS_SUBJECT",
        "CHECKS_REPORT",
        "RUST_TEST_THREADS",
        "RUST_TEST_NOCAPTURE",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command
        .env("INSTA_UPDATE", "no")
        .env("INSTA_FORCE_PASS", "0");
    command
}

/// The variables that foreign code may see: enough to find Python and a place for temporary files, no tokens.
fn is_harmless(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TZ",
        "TMPDIR",
        "CI",
        "LAB_PYTHON",
        "COURSE_REQUIRE",
        "CHECKS_SEED",
        "CHECKS_PYTHON",
    ];
    NAMES.contains(&name)
        || ["LC_", "PYENV_", "DYLD_", "LD_LIBRARY"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// A line of the report that the judge writes for each test that did not simply pass.
#[derive(Deserialize)]
struct Line {
    test: String,
    status: Status,
    #[serde(default)]
    message: String,
    why: Option<String>,
    section: Option<String>,
    seed: Option<u64>,
}

/// What the judge reported last of this test.
fn last_line(report: &mut fs::File, test: &str) -> io::Result<Option<Line>> {
    let size = report.metadata()?.len();
    report.seek(SeekFrom::Start(size.saturating_sub(REPORT)))?;
    let mut bytes = Vec::new();
    report.take(REPORT).read_to_end(&mut bytes)?;
    let lines = bytes.split(|&byte| byte == b'\n').rev();
    Ok(lines
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .find(|line| line.test == test))
}

/// The verdict, from how the judge ended and what it reported: both must agree for a pass.
fn conclude(test: &str, plan: &Plan, outcome: &Outcome, report: Option<Line>) -> Line {
    let line = |status, message| Line {
        test: test.to_owned(),
        status,
        message,
        why: None,
        section: None,
        seed: None,
    };
    let status = match outcome.end {
        End::Deadline => {
            let seconds = plan.deadline.as_secs_f64();
            return line(
                Status::Timeout,
                format!("no verdict after {seconds} s: the test was ended"),
            );
        }
        End::Exited(status) => status,
        End::Stopped => return line(Status::InfrastructureError, "interrupted".to_owned()),
    };
    let passed = outcome
        .stdout
        .contains("test result: ok. 1 passed; 0 failed;");
    match (status.code(), report) {
        (Some(0), None) if passed => line(Status::Passed, String::new()),
        (Some(0), Some(skipped)) if passed && skipped.status == Status::Skipped => skipped,
        (Some(0), None) => line(
            Status::InfrastructureError,
            "the judge ended without running the test".to_owned(),
        ),
        (Some(0), Some(other)) => {
            let problem = format!(
                "the judge passed the test and reported it as {}: {}",
                other.status, other.message
            );
            line(Status::InfrastructureError, problem)
        }
        (Some(TEST_FAILED), Some(reported))
            if !matches!(reported.status, Status::Passed | Status::Skipped) =>
        {
            reported
        }
        // An assertion of the judge that did not go through the report: libtest prints it.
        (Some(TEST_FAILED), _) => line(Status::Failed, printed(test, &outcome.stdout)),
        _ => line(
            Status::InfrastructureError,
            format!("the judge {}", told(outcome.end, &outcome.stderr)),
        ),
    }
}

/// What libtest shows of a failed test.
fn printed(test: &str, stdout: &str) -> String {
    let start = format!("---- {test} stdout ----\n");
    let shown = stdout.split_once(&start).map_or(stdout, |(_, rest)| rest);
    shown
        .split("\n\nfailures:\n")
        .next()
        .unwrap_or(shown)
        .trim()
        .to_owned()
}

fn told(end: End, stderr: &str) -> String {
    let how = match end {
        End::Exited(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => format!("was killed by {}", signal_name(signal)),
            (None, None) => "ended".to_owned(),
        },
        End::Deadline => "gave no answer in time".to_owned(),
        End::Stopped => "was interrupted".to_owned(),
    };
    match stderr.trim().lines().last() {
        Some(last) => format!("{how}: {last}"),
        None => how,
    }
}

fn signal_name(number: i32) -> String {
    signal_hook::low_level::signal_name(number)
        .map_or_else(|| format!("signal {number}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, path::Path, process::Stdio, sync::Mutex, time::Instant};

    /// A judge as a shell script: `$test` is the test's name, `report STATUS MESSAGE [FIELDS]` writes a line, `ok` and `bad` end it.
    fn judge(dir: &Path, tests: &str, body: &str) -> PathBuf {
        let path = dir.join("judge");
        let script = format!(
            r#"#!/bin/sh
if [ "$1" = --list ]; then printf '%s: test\n' {tests}; exit 0; fi
test=$2
report() {{ printf '{{"test":"%s","status":"%s","message":"%s",%s"section":"memory.md#here","seed":7}}\n' "$test" "$1" "$2" "$3" >>"$CHECKS_REPORT"; }}
ok() {{ echo "test result: ok. 1 passed; 0 failed; 0 ignored"; exit 0; }}
bad() {{ exit 101; }}
{body}
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
    fn a_pass_needs_exit_0_and_a_test_that_ran() {
        assert_eq!(one("ok").status, Status::Passed);
        let silent = one("exit 0");
        assert_eq!(silent.status, Status::InfrastructureError, "{silent:?}");
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
        assert_eq!(
            one("report failed 'wrong'; ok").status,
            Status::InfrastructureError
        );
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
        let error = run(&plan, &stop, |_| stop.now()).expect_err("stopped");
        assert!(matches!(error, RunError::Interrupted));
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn foreign_code_sees_no_secrets() {
        let body = r#"if [ -n "${CARGO_MANIFEST_DIR+x}" ]; then report failed leaked; bad; fi; [ -n "$PATH" ] && ok"#;
        let foreign = results("a::x", body, |plan| plan.foreign = true)
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
    fn a_judge_that_is_not_there_is_named() {
        let error = run(&Plan::new("/no/such/judge"), &Stop::new(), |_| {}).expect_err("not there");
        assert!(
            error
                .to_string()
                .starts_with("cannot start the tests /no/such/judge: "),
            "{error}"
        );
    }
}

//! Submissions good, bad and hostile, judged in a small course: each gets its own verdict and harms no other.

mod common;

use common::Fixture;
use grader::{
    grade::{Grader, Record},
    runner::Status,
    sandbox::{Level, Sandbox, Wanted},
    stop::Stop,
    submission,
};
use std::{collections::BTreeMap, fs, path::PathBuf, time::Instant};

/// Grades the folder `class` of the fixture.
fn grade(fixture: &Fixture) -> BTreeMap<String, Vec<Record>> {
    grade_within(fixture, Sandbox::none())
}

fn grade_within(fixture: &Fixture, sandbox: Sandbox) -> BTreeMap<String, Vec<Record>> {
    let course = fixture.course();
    let stop = Stop::new();
    let grader = Grader::new(&course, &stop, || {}).expect("the slot");
    let mut grader = grader.within(sandbox);
    let mut all = BTreeMap::new();
    for submission in submission::find(&course, &[fixture.path("class")], None)
        .expect("a class")
        .submissions
    {
        let mut records = Vec::new();
        if let Some(problem) = &submission.problem {
            records.push(grader.refuse(&submission, problem));
        }
        for slug in &submission.chapters {
            let chapter = course.chapter(slug).expect("known");
            records.extend(
                grader
                    .grade(&submission, chapter, |_| {})
                    .expect("not stopped"),
            );
        }
        all.insert(submission.name, records);
    }
    all
}

fn statuses(records: &[Record]) -> Vec<Status> {
    records.iter().map(|record| record.status).collect()
}

/// What all records of a submission agree on.
fn shared(records: &[Record]) -> (Status, &str) {
    assert_eq!(records.len(), 6, "one record per test: {records:?}");
    assert!(
        records
            .iter()
            .all(|r| (r.status, &r.message) == (records[0].status, &records[0].message)),
        "{records:?}"
    );
    (records[0].status, &records[0].message)
}

#[test]
fn every_kind_of_submission_gets_its_verdict() {
    every_kind_gets_its_verdict(Sandbox::none());
}

#[test]
fn and_the_same_in_a_sandbox() {
    let fixture = Fixture::new();
    match Sandbox::find(&Wanted {
        hidden: &[&fixture.root()],
        ..Wanted::default()
    }) {
        Ok(sandbox) => every_kind_gets_its_verdict(sandbox),
        Err(why) => common::skip("bwrap", &why),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn and_the_same_behind_landlock() {
    let fixture = Fixture::new();
    match Sandbox::find(&Wanted {
        hidden: &[&fixture.root()],
        level: Some(Level::L1),
        launcher: Some(env!("CARGO_BIN_EXE_launcher").into()),
    }) {
        Ok(sandbox) => every_kind_gets_its_verdict(sandbox),
        Err(why) => common::skip("landlock", &why),
    }
}

fn every_kind_gets_its_verdict(sandbox: Sandbox) {
    use Status::{CompileError, Crash, Failed, Passed, Rejected, Timeout};

    let fixture = Fixture::new();
    let one = "src/one.rs";
    fixture.submit("solution", &[]);
    fixture.submit(
        "starter",
        &[
            (one, &fixture.read("exercises/sums/src/one.rs")),
            ("src/many.rs", &fixture.read("exercises/sums/src/many.rs")),
        ],
    );
    fixture.submit("wrong", &[(one, "pub fn next(n: u64) -> u64 { n * 2 }")]);
    fixture.submit(
        "panics",
        &[(
            one,
            "pub fn next(n: u64) -> u64 { assert!(n > 0, \"zero\"); n + 1 }",
        )],
    );
    fixture.submit("hangs", &[(one, "pub fn next(n: u64) -> u64 { loop { std::thread::sleep(std::time::Duration::from_secs(n + 1)) } }")]);
    fixture.submit(
        "exits",
        &[(one, "pub fn next(_: u64) -> u64 { std::process::exit(0) }")],
    );
    fixture.submit(
        "aborts",
        &[(one, "pub fn next(_: u64) -> u64 { std::process::abort() }")],
    );
    fixture.submit(
        "does-not-compile",
        &[(one, "pub fn next(n: u64) -> u64 { n + \"1\" }")],
    );
    fixture.submit("misses-a-function", &[(one, "")]);
    fixture.submit(
        "uses-unsafe",
        &[(
            one,
            "pub fn next(n: u64) -> u64 { unsafe { std::mem::transmute(n + 1) } }",
        )],
    );
    fixture.submit("allows-unsafe", &[(one, "#![allow(unsafe_code)] pub fn next(n: u64) -> u64 { unsafe { std::mem::transmute(n + 1) } }")]);
    fixture.submit(
        "reads-the-solution",
        &[(
            one,
            "const _: &str = include_str!(\"../../../../../../solutions/sums/src/one.rs\"); pub fn next(n: u64) -> u64 { n + 1 }",
        )],
    );
    fixture.submit(
        "takes-the-solution",
        &[(
            "src/lib.rs",
            "pub mod many; #[path = \"../../../../../../solutions/sums/src/one.rs\"] pub mod one;",
        )],
    );
    fixture.submit("reads-a-secret", &[(one, "pub const HOME: Option<&str> = option_env!(\"HOME\"); pub fn next(n: u64) -> u64 { n + 1 }")]);
    let tests = fixture.root().join("tests/sums/one.rs");
    let code = format!(
        "pub fn next(n: u64) -> u64 {{ n + u64::from(std::fs::read({:?}).is_ok()) }}",
        tests.display().to_string()
    );
    fixture.submit("reads-the-tests", &[(one, &code)]);
    fixture.submit("no-utf8", &[]);
    fs::write(
        fixture.path("class/no-utf8/exercises/sums/src/one.rs"),
        b"// \xff",
    )
    .expect("a file");
    fixture.submit("symlink", &[]);
    fs::remove_file(fixture.path("class/symlink/exercises/sums/src/one.rs")).expect("removed");
    std::os::unix::fs::symlink(
        fixture.root().join("solutions/sums/src/one.rs"),
        fixture.path("class/symlink/exercises/sums/src/one.rs"),
    )
    .expect("a symlink");
    fs::create_dir_all(fixture.path("class/empty")).expect("a folder");
    let marker = fixture.path("built");
    let build_script = format!("fn main() {{ std::fs::write({marker:?}, \"\").unwrap(); }}");
    fixture.submit("own-manifest", &[
        ("build.rs", &build_script),
        ("Cargo.toml", "[package]\nname = \"sums\"\nbuild = \"build.rs\"\n[dependencies]\nleft-pad = \"1\"\n"),
        ("../../tests/sums.rs", "fn main() {}"),
        ("../../Cargo.toml", "[workspace]"),
    ]);

    let level = sandbox.level();
    let all = grade_within(&fixture, sandbox);
    assert_eq!(all.len(), 19, "{:?}", all.keys());
    let of = |name: &str| statuses(&all[name]);
    assert_eq!(of("solution"), [Passed; 6]);
    assert_eq!(of("starter"), [Failed; 6]);
    assert!(
        all["starter"][0].message.contains("add them all")
            || all["starter"][0].message.contains("add one")
    );
    assert_eq!(
        of("wrong"),
        [Failed, Passed, Failed, Passed, Passed, Passed]
    );
    assert_eq!(
        of("panics"),
        [Failed, Passed, Passed, Passed, Passed, Passed]
    );
    assert_eq!(
        of("hangs"),
        [Timeout, Timeout, Timeout, Passed, Passed, Passed]
    );
    assert_eq!(of("exits"), [Crash, Crash, Crash, Passed, Passed, Passed]);
    assert_eq!(of("aborts"), [Crash, Crash, Crash, Passed, Passed, Passed]);
    // Also where the course lies in a folder that judge and subject share.
    let reads = [Passed, Failed][usize::from(level > Level::L0)];
    assert_eq!(of("reads-the-tests")[..3], [reads; 3]);
    assert_eq!(of("own-manifest"), [Passed; 6]);
    assert!(!marker.exists(), "a submission's build script ran");

    for (name, status, message) in [
        (
            "does-not-compile",
            CompileError,
            "cannot add `&str` to `u64`",
        ),
        (
            "misses-a-function",
            CompileError,
            "cannot find function `next`",
        ),
        ("uses-unsafe", CompileError, "usage of an `unsafe` block"),
        (
            "allows-unsafe",
            CompileError,
            "allow(unsafe_code) incompatible with previous forbid",
        ),
        (
            "reads-the-solution",
            Rejected,
            "solutions/sums/src/one.rs when it is compiled",
        ),
        (
            "takes-the-solution",
            Rejected,
            "solutions/sums/src/one.rs when it is compiled",
        ),
        ("reads-a-secret", Rejected, "the environment variable HOME"),
        (
            "no-utf8",
            Rejected,
            "src/one.rs is not UTF-8 text: see byte 3",
        ),
        ("symlink", Rejected, "src/one.rs is a symlink"),
    ] {
        let (found, said) = shared(&all[name]);
        // In a sandbox the compiler doesn't even find the file.
        let (status, message) = match message.strip_suffix(" when it is compiled") {
            Some(_) if level > Level::L0 => (CompileError, "couldn't read"),
            _ => (status, message),
        };
        assert_eq!(found, status, "{name}: {said}");
        assert!(said.contains(message), "{name}: {said}");
    }
    assert_eq!(of("empty"), [Rejected]);

    let record = &all["wrong"][0];
    assert_eq!(
        (
            record.exercise.as_str(),
            record.step.as_str(),
            record.test.as_str()
        ),
        ("sums", "one", "one::after_zero")
    );
    assert_eq!(record.message, "the answer is 0, not 1");
    assert_eq!(record.why.as_deref(), Some("Zero is a number, too."));
    assert_eq!(record.section.as_deref(), Some("sums.md#one-more-or-none"));
    assert!(record.seconds > 0.0);
    assert!(
        all.values()
            .flatten()
            .all(|record| record.sandbox == level.to_string())
    );
    let left: Vec<_> = fs::read_dir(fixture.root().join("target/grade"))
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    assert_eq!(left.len(), 2, "only the slot and its lock stay: {left:?}");
}

#[test]
fn what_the_machine_is_unfit_for_is_nobodys_zero() {
    let fixture = Fixture::new();
    // A test that even the reference solution does not pass here.
    fixture.replace("tests/sums/one.rs", "&[1], 2,", "&[1], 3,");
    fixture.submit("solution", &[]);
    fixture.submit(
        "wrong",
        &[("src/one.rs", "pub fn next(_: u64) -> u64 { 0 }")],
    );
    fixture.submit(
        "lucky",
        &[("src/one.rs", "pub fn next(_: u64) -> u64 { 3 }")],
    );
    let all = grade(&fixture);
    for (name, expected) in [
        (
            "solution",
            [Status::Passed, Status::InfrastructureError, Status::Passed],
        ),
        (
            "wrong",
            [Status::Failed, Status::InfrastructureError, Status::Failed],
        ),
        ("lucky", [Status::Failed, Status::Passed, Status::Failed]),
    ] {
        assert_eq!(statuses(&all[name])[..3], expected, "{name}");
    }
    assert!(
        all["wrong"][1]
            .message
            .contains("the reference solution itself does not pass"),
        "{}",
        all["wrong"][1].message
    );
}

#[test]
fn without_a_judge_nobody_is_judged() {
    let fixture = Fixture::new();
    fixture.submit("solution", &[]);
    fixture.write("solutions/sums/src/one.rs", "no Rust");
    let all = grade(&fixture);
    assert_eq!(statuses(&all["solution"]), [Status::InfrastructureError]);
    assert!(
        all["solution"][0]
            .message
            .contains("the reference solution does not build"),
        "{}",
        all["solution"][0].message
    );
}

#[test]
fn a_wrong_lock_file_is_ours_and_not_the_submissions() {
    let fixture = Fixture::new();
    fixture.submit("solution", &[]);
    fixture.replace("solutions/Cargo.lock", "name = \"sums\"", "name = \"sum\"");
    let all = grade(&fixture);
    assert_eq!(statuses(&all["solution"]), [Status::InfrastructureError]);
    assert!(
        all["solution"][0].message.contains("lock file"),
        "{}",
        all["solution"][0].message
    );
}

#[test]
fn a_second_grader_waits_for_the_first() {
    let fixture = Fixture::new();
    let course = fixture.course();
    let first = Grader::new(&course, &Stop::new(), || panic!("nobody has it")).expect("the slot");
    let stop = Stop::new();
    let mut waited = false;
    let second = Grader::new(&course, &stop, || {
        waited = true;
        stop.request();
    });
    assert!(waited && second.is_err());
    drop(first);
    Grader::new(&course, &Stop::new(), || panic!("the first has gone")).expect("the slot");
}

#[test]
fn a_stop_ends_a_build() {
    let fixture = Fixture::new();
    fixture.submit("solution", &[]);
    let course = fixture.course();
    let stop = Stop::new();
    let mut grader = Grader::new(&course, &stop, || {}).expect("the slot");
    let found = submission::find(&course, &[fixture.path("class/solution")], None).expect("one");
    let started = Instant::now();
    let outcome = grader.grade(&found.submissions[0], &course.chapters[0], |_| {
        stop.request()
    });
    assert!(outcome.is_err());
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn what_a_submission_leaves_running_or_lying_about_is_gone() {
    let fixture = Fixture::new();
    let pids = fixture.path("pids");
    let code = format!(
        "use std::os::unix::process::CommandExt;\n\
         pub fn next(n: u64) -> u64 {{\n\
             std::fs::write(\"litter\", \"\").unwrap();\n\
             let child = std::process::Command::new(\"sleep\").arg(\"1000\").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).process_group(0).spawn().unwrap();\n\
             std::fs::write(format!(\"{{}}.{{n}}\", {pids:?}), child.id().to_string()).unwrap();\n\
             n + 1\n\
         }}"
    );
    fixture.submit("leaves-things", &[("src/one.rs", &code)]);
    let all = grade(&fixture);
    assert_eq!(
        statuses(&all["leaves-things"]),
        [Status::Passed; 6],
        "{:?}",
        all["leaves-things"]
    );
    let pid = fs::read_to_string(PathBuf::from(format!("{}.0", pids.display())))
        .expect("the sleeper's number");
    let alive =
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("sleep"));
    assert!(!alive, "process {pid} lives on");
    assert!(!PathBuf::from("litter").exists());
}

/// Whoever reads a mark has no folder that a schedule could be saved in.
#[test]
fn no_judge_of_a_submission_saves_a_schedule() {
    let fixture = Fixture::new();
    fixture.replace(
        "tests/src/lib.rs",
        "format!(\"the answer is {answer}, not {right}\")",
        "format!(\"{answer} {right} {:?}\", env::var(\"CHECKS_SAVE_SCHEDULES\"))",
    );
    fixture.submit(
        "wrong",
        &[("src/one.rs", "pub fn next(_: u64) -> u64 { 7 }")],
    );
    let message = |sandbox| grade_within(&fixture, sandbox)["wrong"][0].message.clone();
    assert_eq!(message(Sandbox::none()), "7 1 Ok(\"no\")");
    let root = fixture.root();
    let wanted = Wanted {
        hidden: &[&root],
        ..Wanted::default()
    };
    match Sandbox::find(&wanted) {
        Ok(sandbox) => assert_eq!(message(sandbox), "7 1 Ok(\"no\")"),
        Err(why) => common::skip("bwrap", &why),
    }
}

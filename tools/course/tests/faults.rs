//! The fault campaign: kills the grader and its workers at random moments, lets another grader go on, and looks for what got
//! lost, was judged twice, was judged otherwise or was left behind.
//!
//! `FAULTS=100 FAULTS_SEED=1 cargo test -p course --test faults -- --nocapture` is the long form.
#![cfg(target_os = "linux")]

#[path = "../../grader/tests/common/mod.rs"]
mod common;

use common::Fixture;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Kills in the short form.
const SHORT: u64 = 4;

/// How long the kernel may take to end what a killed grader had started, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

type Verdicts = BTreeMap<(String, String), String>;

/// A grader in a session of its own, which everything that it starts belongs to.
struct Grader {
    process: Child,
    begun: Instant,
}

impl Grader {
    fn start(fixture: &Fixture) -> Self {
        let told = fs::File::create(fixture.path("told")).expect("a file");
        let mut command = Command::new("setsid");
        command
            .arg(env!("CARGO_BIN_EXE_course"))
            .arg("grade")
            .arg("--root")
            .arg(fixture.root())
            .args(["class", "--output", "results.jsonl"])
            .current_dir(fixture.path(""))
            .env("TMPDIR", fixture.path("tmp"))
            .stdout(Stdio::null())
            .stderr(told);
        Self {
            process: command.spawn().expect("course starts"),
            begun: Instant::now(),
        }
    }

    /// Ids and parents of what lives in its session.
    fn family(&self) -> Vec<(u32, u32)> {
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
                // `pid (name) state ppid pgrp session …`
                let mut fields = stat.rsplit_once(") ")?.1.split(' ');
                let state = fields.next()?;
                let numbers: Vec<u32> = fields.take(3).filter_map(|n| n.parse().ok()).collect();
                (numbers.get(2) == Some(&self.process.id()) && !matches!(state, "Z" | "X"))
                    .then_some((pid, numbers[0]))
            })
            .collect()
    }

    /// Its workers: compilers and units, by their sandboxes, and judges. Not the subjects: a kill of one from outside can't be
    /// told from one by the submission itself.
    fn workers(&self) -> Vec<u32> {
        let family = self.family().into_iter();
        let is_judge = |pid: u32| {
            let exe = fs::read_link(format!("/proc/{pid}/exe"));
            exe.is_ok_and(|exe| exe == Path::new("/judge/tests"))
        };
        family
            .filter(|(pid, parent)| *parent == self.process.id() || is_judge(*pid))
            .map(|(pid, _)| pid)
            .collect()
    }

    fn assert_nobody_is_left(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = self.family();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "still alive: {left:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn kill(pid: u32) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let _ = rustix::process::kill_process(pid.expect("an id"), rustix::process::Signal::KILL);
}

fn verdicts(fixture: &Fixture) -> Verdicts {
    let text = fs::read_to_string(fixture.path("results.jsonl")).expect("results");
    let mut all = Verdicts::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let word = |name: &str| line[name].as_str().expect("text").to_owned();
        let twice = all.insert((word("submission"), word("test")), word("status"));
        assert_eq!(twice, None, "two records of one test: {line}");
    }
    all
}

fn journal(fixture: &Fixture) -> usize {
    let text = fs::read(fixture.path("results.jsonl.partial")).unwrap_or_default();
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// What dead graders left on the machine: groups and mounts.
fn left_on_the_machine(fixture: &Fixture) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "memory", "pids"] {
        let groups = fs::read_dir(Path::new("/sys/fs/cgroup").join(folder));
        for group in groups.into_iter().flatten().flatten() {
            let name = group.file_name().display().to_string();
            let pid = name
                .strip_prefix("course-grade-")
                .and_then(|rest| rest.split('-').next());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                found.push(name);
            }
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc");
    let own = fixture.path("").display().to_string();
    found.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&own))
            .map(str::to_owned),
    );
    found
}

#[test]
fn killed_at_random_moments_a_class_keeps_its_marks() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
    };
    let (kills, seed) = (number("FAULTS", SHORT), number("FAULTS_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let fixture = Fixture::below(Path::new("/var/tmp"));
    fs::create_dir(fixture.path("tmp")).expect("a folder");
    for name in ["ann", "bob", "cyn", "dan"] {
        fixture.submit(name, &[]);
    }
    fixture.submit(
        "eve",
        &[("src/one.rs", "pub fn next(n: u64) -> u64 { n * 2 }")],
    );
    fixture.submit("fay", &[("src/one.rs", "pub fn next(n: u64) -> u64 {")]);
    fixture.submit(
        "gil",
        &[(
            "src/one.rs",
            "pub fn next(_: u64) -> u64 { std::process::abort() }",
        )],
    );
    let mut first = Grader::start(&fixture);
    let code = first.process.wait().expect("it ends").code();
    if code == Some(2) {
        let why = fs::read_to_string(fixture.path("told")).unwrap_or_default();
        return common::skip("bwrap", &why);
    }
    assert_eq!(code, Some(0));
    let expected = verdicts(&fixture);
    let mut longest = first.begun.elapsed();

    let (mut of_grader, mut of_worker, mut unjudged, mut done) = (0, 0, 0, 0);
    while done < kills {
        let _ = fs::remove_file(fixture.path("results.jsonl"));
        // One class, by as many graders as it takes.
        loop {
            let known = journal(&fixture);
            let mut grader = Grader::start(&fixture);
            let moment = longest.mul_f64(random.f64());
            let whom = random.bool();
            while grader.begun.elapsed() < moment
                && grader.process.try_wait().expect("a child").is_none()
            {
                thread::sleep(Duration::from_millis(1));
            }
            if done < kills && grader.process.try_wait().expect("a child").is_none() {
                let workers = grader.workers();
                if whom && !workers.is_empty() {
                    kill(workers[random.usize(..workers.len())]);
                    of_worker += 1;
                } else {
                    kill(grader.process.id());
                    of_grader += 1;
                }
                done += 1;
            }
            let code = grader.process.wait().expect("a child").code();
            grader.assert_nobody_is_left();
            let told = fs::read_to_string(fixture.path("told")).expect("a file");
            if known > 0 && told.contains("sums: ") {
                let noun = if known == 1 { "exercise" } else { "exercises" };
                let taken_over = format!("{known} {noun} judged before");
                assert!(told.contains(&taken_over), "no {taken_over:?} in:\n{told}");
            }
            match code {
                None => {
                    let shown = known + told.matches(" sums: ").count();
                    let kept = journal(&fixture);
                    assert!(
                        kept >= shown,
                        "{kept} kept of {shown} that were shown:\n{told}"
                    );
                    continue;
                }
                // Told as ours, by a status that is no mark.
                Some(3) => unjudged += 1,
                Some(0) => longest = longest.max(grader.begun.elapsed()),
                other => panic!("exit code {other:?}:\n{told}"),
            }
            let found = verdicts(&fixture);
            let ours = |status: &str| matches!(status, "infrastructure_error" | "skipped");
            for (test, status) in &found {
                assert!(
                    expected.get(test) == Some(status) || code == Some(3) && ours(status),
                    "seed {seed}, kill {done}: {test:?} is {status}, was {:?}\n{told}",
                    expected.get(test)
                );
            }
            assert!(
                code == Some(3) || found.len() == expected.len(),
                "{found:?}"
            );
            break;
        }
    }
    // The last grader was not killed, so it has swept up after the others.
    let left: Vec<_> = fs::read_dir(fixture.path("tmp"))
        .expect("a folder")
        .flatten()
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert_eq!(left_on_the_machine(&fixture), [""; 0]);
    eprintln!(
        "{done} kills with seed {seed}: {of_grader} of the grader, {of_worker} of a worker; {unjudged} classes not judged in full"
    );
}

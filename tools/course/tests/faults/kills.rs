//! Kills graders and workers at random moments, lets another grader go on, and looks for what got lost, was judged twice, was
//! judged otherwise or was left behind.
//!
//! `FAULTS=100 FAULTS_SEED=1 cargo test -p course --test faults kill -- --nocapture` is the long form. With `FAULTS_IN_MEMORY=1` the
//! class hands in the memory exercise, whose tests talk to their subjects over the real connection.

use crate::{
    Class, DAEMON, TRACE, Verdicts, common,
    grader::{Grader, signal},
    journal, turn, verdicts,
};
use rustix::process::Signal;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
    thread,
    time::Duration,
};

/// Kills in the short form.
const SHORT: u64 = 4;

/// What happens to a grader at its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillGrader,
    /// And the journal's last line is cut, as by a machine that lost its power.
    KillGraderCutJournal,
    Interrupt,
    /// A sandbox, a compiler, a judge, a subject.
    KillWorker,
}

const FAULTS: [Fault; 6] = [
    Fault::KillGrader,
    Fault::KillGraderCutJournal,
    Fault::Interrupt,
    Fault::KillWorker,
    Fault::KillWorker,
    Fault::KillWorker,
];

#[test]
fn killed_at_random_moments_a_class_keeps_its_marks() {
    let _turn = turn();
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
    };
    let (kills, seed) = (number("FAULTS", SHORT), number("FAULTS_SEED", 1));
    let class = match std::env::var_os("FAULTS_IN_MEMORY") {
        Some(_) => Class::of_memory(),
        None => Class::new(),
    };
    let mut first = Grader::start(&class);
    let code = first.process.wait().expect("it ends").code();
    if code == Some(2) {
        return common::skip("bwrap", &first.told());
    }
    assert_eq!(code, Some(0), "{}", first.told());
    let mut campaign = Campaign {
        expected: verdicts(&class.path("results.jsonl")),
        longest: Duration::ZERO,
        random: fastrand::Rng::with_seed(seed),
        graders: BTreeSet::new(),
        done: BTreeMap::new(),
        retried: 0,
        class,
    };
    // Not the first one: it compiled what the tests depend on.
    while campaign.count() < kills || campaign.longest.is_zero() {
        campaign.judge_a_class(kills, seed);
    }
    campaign.assert_nothing_is_left();
    eprintln!(
        "{} faults with seed {seed}, in a class of {:.1} s: {:?}; {} classes took another grader for what could not be judged",
        campaign.count(),
        campaign.longest.as_secs_f64(),
        campaign.done,
        campaign.retried,
    );
}

struct Campaign {
    class: Class,
    expected: Verdicts,
    /// How long a class took that was left alone.
    longest: Duration,
    random: fastrand::Rng,
    /// Ids of graders.
    graders: BTreeSet<u32>,
    done: BTreeMap<Fault, u64>,
    retried: u64,
}

impl Campaign {
    fn count(&self) -> u64 {
        self.done.values().sum()
    }

    /// Judges one class, by as many graders as it takes.
    fn judge_a_class(&mut self, kills: u64, seed: u64) {
        let results = self.class.path("results.jsonl");
        let partial = self.class.path("results.jsonl.partial");
        let _ = fs::remove_file(&results);
        loop {
            let known = journal(&partial);
            let mut grader = Grader::start(&self.class);
            self.graders.insert(grader.process.id());
            let fault = self.strike(&mut grader, kills);
            let code = grader.process.wait().expect("a child").code();
            grader.assert_nobody_is_left(code.is_none());
            assert_no_trace();
            let told = grader.told();
            let place = format!("seed {seed}, fault {} ({fault:?})\n{told}", self.count());

            let judged = self.class.shown(&told);
            let twice = judged.iter().find(|name| known.contains_key(*name));
            assert_eq!(twice, None, "judged twice: {place}");
            if !known.is_empty() && !judged.is_empty() {
                let noun = if known.len() == 1 {
                    "exercise"
                } else {
                    "exercises"
                };
                let taken_over = format!("{} {noun} judged before", known.len());
                assert!(told.contains(&taken_over), "{known:?}: {place}");
            }
            if matches!(code, None | Some(130 | 3)) {
                let kept = journal(&partial);
                let lost = known
                    .iter()
                    .find(|(name, unit)| kept.get(*name) != Some(*unit));
                assert_eq!(lost, None, "lost, or judged in other surroundings: {place}");
                let unkept = judged.iter().filter(|name| {
                    !kept.contains_key(*name) && !told.contains("infrastructure error")
                });
                assert_eq!(unkept.count(), 0, "shown and not kept: {place}");
                if fault == Some(Fault::KillGraderCutJournal) {
                    self.cut(&partial);
                }
                if code == Some(3) {
                    self.assert_right(&verdicts(&results), &place);
                    self.retried += 1;
                }
                continue;
            }
            assert_eq!(code, Some(0), "{place}");
            if fault.is_none() && known.is_empty() {
                self.longest = self.longest.max(grader.begun.elapsed());
            }
            let found = verdicts(&results);
            self.assert_right(&found, &place);
            assert_eq!(found, self.expected, "{place}");
            assert_eq!(known.len() + judged.len(), 7, "{place}");
            assert!(!partial.exists(), "{place}");
            return;
        }
    }

    /// Waits for a random moment, and does something to the grader or to somebody that it started.
    fn strike(&mut self, grader: &mut Grader, kills: u64) -> Option<Fault> {
        if self.count() >= kills || self.longest.is_zero() {
            return None;
        }
        let moment = self.longest.mul_f64(self.random.f64());
        let fault = self.random.choice(FAULTS).expect("some");
        while grader.begun.elapsed() < moment && !grader.has_ended() {
            thread::sleep(Duration::from_millis(1));
        }
        if grader.has_ended() {
            return None;
        }
        let own = grader.process.id();
        match fault {
            Fault::KillGrader | Fault::KillGraderCutJournal => signal(own, Signal::KILL),
            Fault::Interrupt => signal(own, Signal::INT),
            Fault::KillWorker => signal(self.random.choice(grader.workers())?, Signal::KILL),
        }
        *self.done.entry(fault).or_default() += 1;
        Some(fault)
    }

    /// Cuts the journal somewhere in its last line.
    fn cut(&mut self, partial: &Path) {
        let bytes = fs::read(partial).unwrap_or_default();
        let Some(whole) = bytes.strip_suffix(b"\n") else {
            return;
        };
        let line = whole
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let file = File::options()
            .write(true)
            .open(partial)
            .expect("the journal");
        file.set_len(self.random.usize(line..bytes.len()) as u64)
            .expect("room");
    }

    /// No test has another verdict than without faults; what couldn't be judged says so.
    fn assert_right(&self, found: &Verdicts, place: &str) {
        for (test, status) in &self.expected {
            // A submission that couldn't be judged at all may have one record.
            let Some(found) = found.get(test) else {
                continue;
            };
            assert!(
                found == status || found == "infrastructure_error",
                "{test:?} is {found}, was {status}: {place}"
            );
        }
    }

    /// The last grader was not killed, so it has swept up after the others.
    fn assert_nothing_is_left(&self) {
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names: Vec<_> = entries
                .map(|entry| entry.file_name().display().to_string())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&self.class.path("tmp")), [""; 0]);
        let slot = self.class.root.join("target/grade");
        assert_eq!(names(&slot), ["lock", "slot"]);
        let of_ours = |name: &&String| {
            let rest = name.strip_prefix("course-grade-").unwrap_or_default();
            let pid = rest.split('-').next().and_then(|pid| pid.parse().ok());
            pid.is_some_and(|pid| self.graders.contains(&pid))
        };
        for folder in own_groups() {
            let groups = names(&folder);
            assert_eq!(groups.iter().find(of_ours), None, "{}", folder.display());
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc");
        let own = self.class.path("").display().to_string();
        assert!(!mounts.contains(&own), "{mounts}");
    }
}

/// The folders of this process's control groups.
fn own_groups() -> Vec<std::path::PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").expect("/proc");
    let folder = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let root = Path::new("/sys/fs/cgroup").join(controllers);
        Some(root.join(path.trim_start_matches('/')))
    };
    own.lines().filter_map(folder).collect()
}

/// What one of the class leaves in its sandbox isn't on the machine.
fn assert_no_trace() {
    for folder in ["/tmp", "/dev/shm"] {
        assert!(!Path::new(folder).join(TRACE).exists(), "in {folder}");
    }
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let daemon = line
            .split(|byte| *byte == 0)
            .any(|word| word == DAEMON.as_bytes());
        assert!(!daemon, "a daemon lives on: {}", entry.path().display());
    }
}

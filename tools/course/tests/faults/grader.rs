//! A grader, and everybody that it starts.

use crate::Class;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};
use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long the kernel may take to end what a killed grader had started, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Grader {
    pub process: Child,
    pub begun: Instant,
    told: std::path::PathBuf,
}

impl Grader {
    /// Begins to grade the class. Who loses their parent becomes a child of this process, so nobody can hide.
    pub fn start(class: &Class) -> Self {
        set_child_subreaper(Some(rustix::process::getpid())).expect("Linux");
        let told = class.path("told");
        let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
        command
            .arg("grade")
            .arg("--root")
            .arg(&class.root)
            .args([
                "class",
                "--output",
                "results.jsonl",
                "--exercise",
                class.slug,
            ])
            .current_dir(class.path(""))
            .env("TMPDIR", class.path("tmp"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&told).expect("a file"));
        Self {
            process: command.spawn().expect("course starts"),
            begun: Instant::now(),
            told,
        }
    }

    /// What it has told on standard error.
    pub fn told(&self) -> String {
        fs::read_to_string(&self.told).expect("a file")
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("a child").is_some()
    }

    /// Who works for it: sandboxes, compilers, judges, subjects.
    pub fn workers(&self) -> Vec<u32> {
        let mut all = descendants();
        all.retain(|pid| *pid != self.process.id());
        all
    }

    /// After its end. Half a sandbox may outlive a grader that was killed, until the next one begins.
    pub fn assert_nobody_is_left(&self, was_killed: bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = descendants();
            let halves = || left.iter().all(|pid| is_half_a_sandbox(*pid));
            let soon = Instant::now() > until - PATIENCE / 2;
            if left.is_empty() || was_killed && soon && halves() {
                return;
            }
            assert!(
                Instant::now() < until,
                "still alive: {:#?}",
                left.iter().map(|pid| who(*pid)).collect::<Vec<_>>()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What lives below this process. Orphans that have ended are reaped.
fn descendants() -> Vec<u32> {
    let mut parents = BTreeMap::new();
    let me = std::process::id();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // `pid (name) state parent group …`
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(") ").unwrap_or_default().1.split(' ');
        let (state, parent) = (fields.next(), fields.next());
        let Some(parent) = parent.and_then(|parent| parent.parse::<u32>().ok()) else {
            continue;
        };
        if !matches!(state, Some("Z" | "X")) {
            parents.insert(pid, parent);
        } else if parent == me {
            reap(pid);
        }
    }
    let is_mine = |mut pid: u32| {
        while let Some(parent) = parents.get(&pid) {
            if *parent == me {
                return true;
            }
            pid = *parent;
        }
        false
    };
    parents
        .keys()
        .copied()
        .filter(|pid| is_mine(*pid))
        .collect()
}

/// bubblewrap forks, and only then does its child ask to die with it. Killed between the two, it leaves a child that waits at an
/// eventfd for its first word and holds nothing of a submission.
fn is_half_a_sandbox(pid: u32) -> bool {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    // `0 0x4 …`: the system call it is in, and its first argument.
    let call = read("syscall");
    let fd = call.split(' ').nth(1).and_then(|fd| fd.strip_prefix("0x"));
    let fd = fd.and_then(|fd| u32::from_str_radix(fd, 16).ok());
    let waits_at = fd.and_then(|fd| fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok());
    read("comm").trim() == "bwrap"
        && waits_at.is_some_and(|file| file.ends_with("anon_inode:[eventfd]"))
}

/// A process in words: its id, state, parent and command line.
fn who(pid: u32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let stat = read("stat");
    let state = stat.rsplit_once(") ").unwrap_or_default().1;
    let line = read("cmdline").replace('\0', " ");
    format!(
        "{pid}: {:.12}, waits in {}: {line:.300}",
        state,
        read("wchan")
    )
}

/// A grader's own end is waited for by whoever started it, and only afterwards is anybody looked for who is left.
fn reap(pid: u32) {
    let _ = waitpid(id(pid), WaitOptions::NOHANG);
}

pub fn signal(pid: u32, signal: Signal) {
    let _ = kill_process(id(pid).expect("an id"), signal);
}

fn id(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

//! The learner's commands, run as a learner runs them, in a tiny course.

// Some need /proc, and so do their helpers.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

#[path = "../support/mod.rs"]
mod support;

mod check;
mod course;
mod help;
mod watch;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};
use support::{Course, ONE, ONE_SOLVED, Ran, TWO, TWO_SOLVED};

/// Far longer than anything here takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a command that cannot write a byte to any file, as on a full disk.
fn without_space(course: &Course, args: &[&str]) -> Ran {
    let command = course.command(args);
    let mut shell = Command::new("sh");
    // Ignored, the signal of the file size limit becomes an error of the write.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    Ran::of(
        shell
            .current_dir(course.root())
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    )
}

/// An answer to step one that writes its process id to `pids` and never returns.
fn hanging(pids: &Path) -> String {
    let pids = pids.to_str().expect("UTF-8");
    ONE_SOLVED.replace(
        "    1\n",
        &format!(
            "    use std::io::Write;\n    \
             let mut file = std::fs::OpenOptions::new().create(true).append(true).open({pids:?}).unwrap();\n    \
             writeln!(file, \"{{}}\", std::process::id()).unwrap();\n    loop {{\n        std::thread::park();\n    }}\n"
        ),
    )
}

fn watch(course: &Course, args: &[&str]) -> (Running, Receiver<String>) {
    let mut running = Running::start(course.command(&[&["watch"], args].concat()));
    let stdout = BufReader::new(running.0.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        stdout
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| send.send(line))
    });
    (running, lines)
}

/// A command that is running; a test that fails does not leave it behind.
pub struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    /// Ctrl-C, and what came of it.
    fn interrupt(mut self) -> Ran {
        let pid = self.0.id().to_string();
        let status = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(status.success());
        let code = until(|| self.0.try_wait().unwrap()).code();
        let (mut out, mut err) = (String::new(), String::new());
        if let Some(mut stdout) = self.0.stdout.take() {
            stdout.read_to_string(&mut out).unwrap();
        }
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        Ran { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads on until a line holds `wanted`, and answers those before it.
#[track_caller]
fn wait_for(lines: &Receiver<String>, wanted: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(wanted) => return seen,
            Ok(line) => seen.push(line),
            Err(_) => panic!("no {wanted:?} in:\n{}", seen.join("\n")),
        }
    }
}

/// Waits until at least `n` processes have written their id.
#[track_caller]
fn wait_for_pids(file: &Path, n: usize) -> Vec<String> {
    until(|| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let pids: Vec<_> = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| line.trim().to_owned())
            .collect();
        (pids.len() >= n).then_some(pids)
    })
}

#[track_caller]
fn assert_gone(pids: &[String]) {
    until(|| pids.iter().all(|pid| !alive(pid)).then_some(()));
}

/// Whether a process is there, and more than a zombie that somebody has yet to collect.
fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[track_caller]
fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

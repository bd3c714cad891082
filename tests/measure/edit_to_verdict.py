#!/usr/bin/env python3
"""Save to verdict: how long a learner waits after an edit, here and elsewhere.

Run it on a machine that does nothing else: python3 tests/measure/edit_to_verdict.py [--runs N]

In each run every subject gets the same one-line edit and is timed, one after the other, each run in another order:

  bare        `cargo test` in a crate with one function and one plain test
  rustlings   `rustlings run threads2` (rustlings 6, the exercise solved, without its quarter second of sleep)
  sleeping    the same as rustlings ships it, with the sleep
  test        `cargo test` in a solved exercise of ours
  check step  `cargo course check STEP`
  check       `cargo course check`
  watch       `cargo course watch`: from the save until it prints the verdict of the step that was edited
  watch all   the same, until it waits for the next save

Works on a clone of the last commit in a temporary folder. Rustlings is installed once, into target/measure.
"""
import argparse
import os
import pathlib
import queue
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A build that takes longer hangs.
DEADLINE = 900
EDIT = "\n/// Edit.\npub const EDIT: i64 = {};\n"

BARE = """//! A bare crate.
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds up all numbers, one thread for each list.
pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
    });
    counter.into_inner()
}
"""
BARE_TEST = "#[test]\nfn sums() {\n    assert_eq!(bare::sum_in_threads(vec![vec![1, 2], vec![3]]), 6);\n}\n"

# Our own answer to rustlings' exercise.
THREADS2 = """use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

struct JobStatus {
    jobs_done: u32,
}

fn main() {
    let status = Arc::new(Mutex::new(JobStatus { jobs_done: 0 }));
    let mut handles = Vec::new();
    for _ in 0..10 {
        let status = Arc::clone(&status);
        handles.push(thread::spawn(move || {
            thread::sleep(Duration::from_millis(SLEEP));
            status.lock().unwrap().jobs_done += 1;
        }));
    }
    for handle in handles {
        handle.join().unwrap();
    }
    println!("Jobs done: {}", status.lock().unwrap().jobs_done);
}
"""


def call(command, folder, **options):
    """Runs a command that must succeed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=DEADLINE, **options,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed in {folder}:\n{done.stdout}")
    return done.stdout


class Subject:
    """What is edited, and what is timed after it."""

    def __init__(self, name, file, text, command, folder):
        self.name, self.file, self.text, self.command, self.folder = name, file, text, command, folder
        self.seconds = []

    def edit(self, number):
        self.file.write_text(self.text + EDIT.format(number))

    def time(self, number):
        self.edit(number)
        begin = time.monotonic()
        call(self.command, self.folder, stdin=subprocess.DEVNULL)
        return {self.name: time.monotonic() - begin}

class Watch(Subject):
    """`cargo course watch`; it is started before the edit, which is its command."""

    def __init__(self, name, file, text, folder, step):
        super().__init__(name, file, text, ["cargo", "course", "watch"], folder)
        self.verdict = re.compile(rf"✓ {re.escape(step)}\b")

    def time(self, number):
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )
        self.lines = queue.Queue()
        reader = threading.Thread(target=self.read)
        reader.start()
        try:
            self.wait_for(lambda line: "next save" in line)
            self.edit(number)
            begin = time.monotonic()
            step = self.wait_for(self.verdict.search)
            end = self.wait_for(lambda line: "next save" in line)
        finally:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()
            reader.join()
        return {self.name: step - begin, f"{self.name} all": end - begin}

    def read(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), line))
        self.lines.put((time.monotonic(), None))

    def wait_for(self, wanted):
        """The moment at which the first line that is wanted was printed."""
        seen = []
        while True:
            try:
                moment, line = self.lines.get(timeout=DEADLINE)
            except queue.Empty:
                line = None
            if line is None:
                sys.exit(f"cargo course watch printed no such line:\n{''.join(seen)}")
            seen.append(line)
            if "✗" in line or line.startswith("error"):
                sys.exit(f"cargo course watch finds the solution wrong:\n{''.join(seen)}")
            if wanted(line):
                return moment


def bare(scratch):
    folder = scratch / "bare"
    (folder / "src").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "Cargo.toml").write_text('[package]\nname = "bare"\nedition = "2024"\n[workspace]\n')
    (folder / "tests/sums.rs").write_text(BARE_TEST)
    return Subject("bare", folder / "src/lib.rs", BARE, ["cargo", "test", "--offline"], folder)


def rustlings(scratch):
    program = ROOT / "target/measure/bin/rustlings"
    if not program.exists():
        print("installing rustlings 6, about a minute", flush=True)
        call(["cargo", "install", "rustlings", "--version", "^6", "--locked", "--root", ROOT / "target/measure"], scratch)
    for name, sleep in (("rustlings", 0), ("sleeping", 250)):
        folder = scratch / name
        folder.mkdir()
        call([program, "init"], folder, input="\n")
        folder /= "rustlings"
        file = next(folder.glob("exercises/*/threads2.rs"))
        text = THREADS2.replace("SLEEP", str(sleep))
        yield Subject(name, file, text, [program, "run", "threads2"], folder)


def first_chapter():
    """In the order of the book; a folder's order is any."""
    links = re.findall(r"\]\((\w+)\.md\)", (ROOT / "src/SUMMARY.md").read_text())
    return next(slug for slug in links if (ROOT / "exercises" / slug).is_dir())


def course(scratch, chapter):
    manifest = ROOT / "exercises" / chapter / "Cargo.toml"
    step = re.search(r'^steps = \["(\w+)"', manifest.read_text(), re.M)[1]
    clone = scratch / "course"
    call(["git", "clone", "-q", ROOT, clone], scratch)
    source = clone / "exercises" / chapter / "src"
    shutil.copytree(ROOT / "solutions" / chapter / "src", source, dirs_exist_ok=True)
    file = source / f"{step}.rs"
    text = file.read_text()
    yield Subject("test", file, text, ["cargo", "test", "--offline"], clone / "exercises" / chapter)
    yield Subject("check step", file, text, ["cargo", "course", "check", step], clone)
    yield Subject("check", file, text, ["cargo", "course", "check", chapter], clone)
    yield Watch("watch", file, text, clone, step)


def row(name, seconds, references):
    quarters = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 3
    cells = [f"{name:11} {statistics.median(seconds):6.2f} s  {quarters[0]:.2f} to {quarters[2]:.2f}  {min(seconds):.2f} to {max(seconds):.2f} "]
    for reference in references:
        ratios = [a / b for a, b in zip(seconds, reference)]
        cells.append(f"{statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return "  ".join(cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="how many runs are measured (default: 10)")
    parser.add_argument("--chapter", default=first_chapter(), help="whose exercise is edited (default: the book's first)")
    parser.add_argument("--only", default="", help="subjects to measure, such as bare,test (default: all)")
    arguments = parser.parse_args()
    only = [name for name in arguments.only.split(",") if name]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # removes the temporary folder

    with tempfile.TemporaryDirectory(prefix="edit_to_verdict.") as scratch:
        scratch = pathlib.Path(scratch)
        subjects = [bare(scratch), *course(scratch, arguments.chapter)]
        if not only or {"rustlings", "sleeping"} & set(only):
            subjects[1:1] = rustlings(scratch)
        subjects = [subject for subject in subjects if not only or subject.name in only]
        if not subjects:
            sys.exit(f"--only {arguments.only}: no such subject")
        print(call(["rustc", "--version"], scratch).strip(), f"{os.cpu_count()} cores", sep=", ")
        seconds = {}
        for run in range(-2, arguments.runs):  # the first builds the dependencies, the second warms up
            turn = run % len(subjects)
            for subject in subjects[turn:] + subjects[:turn]:
                for name, taken in subject.time(run).items():
                    if run >= 0:
                        seconds.setdefault(name, []).append(taken)
        print(f"load average {os.getloadavg()[0]:.1f} at the end")

    names = [name for name in ("bare", "rustlings") if name in seconds]
    print(f"{'':11} {'median':>8}  {'quartiles':12}  {'range':12}  " + "  ".join(f"ratio to {name:11}" for name in names))
    for name, taken in seconds.items():
        print(row(name, taken, [seconds[reference] for reference in names]))
    for name, reference, most in (("test", "bare", 2.0), ("watch", "rustlings", 1.5)):
        if name in seconds and reference in seconds:
            ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[reference]))
            print(f"goal: {name} at most {most} × {reference}: {'met' if ratio <= most else 'missed'}, {ratio:.2f} ({arguments.runs} runs)")


if __name__ == "__main__":
    main()

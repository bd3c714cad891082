#!/usr/bin/env python3
"""Edit to verdict: `cargo test` in a solved exercise against a bare crate with one plain test.

Run it from the repository's root: python3 tests/measure/edit_to_verdict.py [runs]
Both crates get the same one-line edit, in turn; what is timed is the whole `cargo test` after it.
"""
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parents[2]
runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10

BARE = """//! A bare crate.
use std::sync::atomic::{AtomicU64, Ordering};

/// The same function as in the exercise.
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
TEST = "#[test]\nfn sums() {\n    assert_eq!(bare::sum_in_threads(vec![vec![1, 2], vec![3]]), 6);\n}\n"


def timed(folder):
    begin = time.monotonic()
    done = subprocess.run(
        ["cargo", "test", "--offline"], cwd=folder, capture_output=True, text=True
    )
    seconds = time.monotonic() - begin
    if done.returncode:
        sys.exit(f"cargo test failed in {folder}:\n{done.stdout}{done.stderr}")
    return seconds


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    clone, bare = scratch / "course", scratch / "bare"
    subprocess.run(["git", "clone", "-q", root, clone], check=True)
    shutil.copytree(root / "solutions/memory/src", clone / "exercises/memory/src", dirs_exist_ok=True)
    (bare / "src").mkdir(parents=True)
    (bare / "tests").mkdir()
    (bare / "Cargo.toml").write_text('[package]\nname = "bare"\nedition = "2024"\n[workspace]\n')
    (bare / "src/lib.rs").write_text(BARE)
    (bare / "tests/sums.rs").write_text(TEST)

    exercise = clone / "exercises/memory"
    places = {exercise: exercise / "src/lost_updates.rs", bare: bare / "src/lib.rs"}
    texts = {folder: file.read_text() for folder, file in places.items()}
    for folder in places:
        timed(folder)  # builds the dependencies
    seconds = {exercise: [], bare: []}
    for run in range(-1, runs):
        for folder, file in places.items():
            file.write_text(f"{texts[folder]}\n/// Edit.\npub const EDIT: i64 = {run};\n")
            taken = timed(folder)
            if run >= 0:  # the first pair warms up
                seconds[folder].append(taken)

for folder, taken in seconds.items():
    print(
        f"{folder.name:7} median {statistics.median(taken):.2f} s"
        f"  (min {min(taken):.2f}, max {max(taken):.2f}, {runs} runs)"
    )
ratios = [a / b for a, b in zip(seconds[exercise], seconds[bare])]
print(f"ratio   median {statistics.median(ratios):.2f}  (min {min(ratios):.2f}, max {max(ratios):.2f})")

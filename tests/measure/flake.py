#!/usr/bin/env python3
"""Flake check: runs the test suites over and over, idle and busy, on all cores and on one.

Run it from anywhere: python3 tests/measure/flake.py [--seconds N] [--chapters] [suite…]

A suite is a package's test binary, such as `memory/memory` (the chapter's tests on the reference solution) or
`checks/judge`. Without one, every suite runs but two that compile for minutes: the gate, which judges all wrong
wrong answers, and the grader's hostile submissions. --chapters takes the chapters' tests alone, which are short.

The next suite is always the one that has had the least time so far, so a fast suite runs often and a slow one
seldom; the chapters' tests and the judge's get three times the share of the others. Every second run of a suite
has all cores kept busy, and half of its runs have one core (on Linux). Every suite runs at least once, whatever the
time.
Prints each failure whole, then how often each suite ran. The exit code is 1 if a run failed.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A suite that takes longer hangs.
DEADLINE = 900
# Seconds between two lines of progress.
PROGRESS = 15
# Ends by itself too, in case this script is killed.
SPIN = f"import time\nend = time.time() + {DEADLINE}\nwhile time.time() < end: pass"


class Suite:
    """A test binary, and how its runs went."""

    def __init__(self, name, executable, package, share):
        self.name, self.executable, self.package, self.share = name, executable, package, share
        self.runs = self.failures = 0
        self.seconds = self.slowest = 0.0

    def run(self, busy, one_core):
        """Runs the suite once; returns what it printed if it failed."""
        load = [
            subprocess.Popen([sys.executable, "-c", SPIN])
            for _ in range(os.cpu_count() if busy else 0)
        ]
        begin = time.monotonic()
        process = None
        try:
            process = subprocess.Popen(
                [self.executable],
                cwd=self.package,
                # As cargo runs it: in the package's folder, which it also names.
                env={**os.environ, "CARGO_MANIFEST_DIR": str(self.package)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
                preexec_fn=to_one_core if one_core else None,
            )
            try:
                output, _ = process.communicate(timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output = f"{process.communicate()[0]}\nstill running after {DEADLINE} s: killed"
        finally:
            if process and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for spinner in load:
                spinner.kill()
                spinner.wait()
        taken = time.monotonic() - begin
        self.runs += 1
        self.seconds += taken
        self.slowest = max(self.slowest, taken)
        if process.returncode == 0:
            return None
        self.failures += 1
        return f"exit code {process.returncode}\n{output}"


def to_one_core():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def suites(chosen, workspaces):
    """Builds the test binaries of the workspaces and returns those that hold a test."""
    found = []
    for workspace in workspaces:
        built = subprocess.run(
            ["cargo", "test", "--no-run", "--message-format=json"],
            cwd=workspace, stdout=subprocess.PIPE, text=True,
        )
        if built.returncode:
            sys.exit(f"cargo test --no-run failed in {workspace}: see above")
        for line in built.stdout.splitlines():
            message = json.loads(line)
            if not message.get("executable") or not message["profile"]["test"]:
                continue
            package = pathlib.Path(message["manifest_path"]).parent
            # `path+file:///…/tests#checks@0.1.0`; without a name where the folder has the same one.
            named = re.search(r"#(.+)@", message["package_id"])
            name = f"{named[1] if named else package.name}/{message['target']['name']}"
            if message["target"]["kind"] != ["test"]:
                name += " (unit tests)"
            if name not in chosen if chosen else name.startswith(("checks/gate", "grader/hostile")):
                continue
            listed = subprocess.run(
                [message["executable"], "--list"], cwd=package, capture_output=True, text=True
            )
            if ": test" in listed.stdout:
                chapter = workspace != ROOT or name == "checks/judge"
                found.append(Suite(name, message["executable"], package, 3 if chapter else 1))
    missing = set(chosen) - {suite.name for suite in found}
    if missing or not found:
        sys.exit(f"no such suite: {', '.join(sorted(missing)) or 'none has a test'}; nothing was run")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="how long to go on (default: 120)")
    parser.add_argument("suite", nargs="*", help="a test binary, such as checks/judge (default: all but the gate and the hostile submissions)")
    parser.add_argument("--chapters", action="store_true", help="only the chapters' tests on the reference solutions")
    arguments = parser.parse_args()
    # Through `finally`: the load and the suite end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    can_pin = hasattr(os, "sched_setaffinity")

    solutions = ROOT / "solutions"
    all_suites = suites(arguments.suite, [solutions] if arguments.chapters else [ROOT, solutions])
    begin = shown = time.monotonic()
    while True:
        # Each suite starts with another condition, so that few runs cover all of them too.
        index, suite = min(
            enumerate(all_suites), key=lambda one: (one[1].runs > 0, one[1].seconds / one[1].share)
        )
        now = time.monotonic()
        if suite.runs and now - begin >= arguments.seconds:
            break
        busy = (suite.runs + index) % 2 == 1
        one_core = can_pin and (suite.runs + index) // 2 % 2 == 1
        failure = suite.run(busy, one_core)
        if failure:
            how = f"{'busy' if busy else 'idle'}, {'one core' if one_core else 'all cores'}"
            print(f"--- {suite.name}, run {suite.runs} ({how}): {failure}", flush=True)
        if time.monotonic() - shown >= PROGRESS:
            shown = time.monotonic()
            runs = sum(suite.runs for suite in all_suites)
            failures = sum(suite.failures for suite in all_suites)
            print(f"{shown - begin:5.0f} s: {runs} runs, {failures} failed", flush=True)

    print(f"\n{'suite':36} {'runs':>5} {'failed':>6} {'slowest':>8}")
    for suite in all_suites:
        print(f"{suite.name:36} {suite.runs:5} {suite.failures:6} {suite.slowest:6.1f} s")
    runs = sum(suite.runs for suite in all_suites)
    failures = sum(suite.failures for suite in all_suites)
    print(f"{runs - failures} passed, {failures} failed")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()

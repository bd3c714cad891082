#!/usr/bin/env python3
"""Kills the judge of a chapter's tests half-way, and looks at what is left behind.

Run it from anywhere: python3 tests/measure/killed.py [--times N] [chapter…]

Each chapter's tests run on the reference solution. At a moment drawn at random, SIGKILL ends the judge and nothing
else. Then everything that it had started has to end by itself within 5 s: subjects, workers, CPython. No new name may stay
in shared memory, no core file in the package's folder and no file in the folder for temporary files. Run nothing beside it that
makes names in shared memory, such as Python's multiprocessing: they would count.
Needs Linux: as a subreaper, this script becomes the parent of whatever loses its own. The exit code is 1 if something
was left.
"""
import argparse
import ctypes
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds until all has ended. A machine with other work on it needs more than the 100 ms that a quiet one takes.
PATIENCE = 5
SHARED = pathlib.Path("/dev/shm")
PR_SET_CHILD_SUBREAPER = 36


def descendants():
    """All processes below this one, as (id, command line). Orphans that have ended are reaped, as process 1 would."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return []
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # Behind the name, which may hold spaces: state, parent, …
                parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            except OSError:
                continue  # Ended meanwhile.
            children.setdefault(int(parent), []).append(int(entry.name))
    found, above = [], [os.getpid()]
    while above:
        for pid in children.get(above.pop(), []):
            above.append(pid)
            try:
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            line = command.replace(b"\0", b" ").decode(errors="replace").strip()
            found.append((pid, line.partition("\n")[0]))
    return found


def waits_in(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/wchan").read_text() or "nothing: it runs"
    except OSError:
        return "nothing: it has ended"


def binaries(chosen):
    """The test binary of each chapter: (name, path, folder of its package)."""
    built = subprocess.run(
        ["cargo", "test", "--no-run", "--message-format=json"],
        cwd=ROOT / "solutions", stdout=subprocess.PIPE, text=True,
    )
    if built.returncode:
        sys.exit("cargo test --no-run failed in solutions/: see above")
    found = []
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["kind"] == ["test"]:
            package = pathlib.Path(message["manifest_path"]).parent
            if not chosen or package.name in chosen:
                found.append((package.name, message["executable"], package))
    missing = set(chosen) - {name for name, _, _ in found}
    if missing or not found:
        sys.exit(f"no such chapter: {', '.join(sorted(missing)) or 'none has tests'}; nothing was run")
    return found


class Run:
    """One run of a chapter's tests."""

    def __init__(self, executable, package):
        self.package = package
        self.temporary = tempfile.TemporaryDirectory(prefix="killed-")
        self.names = self.places()
        self.judge = subprocess.Popen(
            [executable],
            cwd=package,
            env={
                **os.environ,
                "CARGO_MANIFEST_DIR": str(package),
                "TMPDIR": self.temporary.name,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def places(self):
        """Every name that a run may leave: in shared memory, among temporary files, in the package's folder."""
        folders = [SHARED, pathlib.Path(self.temporary.name), self.package]
        return {path for folder in folders if folder.is_dir() for path in folder.iterdir()}

    def may_be_ours(self, path):
        """Names say which judge chose them: others may be testing at the same time."""
        judge = re.match(r"checks-(\d+)-", path.name)
        return judge is None or int(judge[1]) == self.judge.pid

    def left(self):
        """What is still there after the judge was killed, in words; ends and removes it."""
        deadline = time.monotonic() + PATIENCE
        while (alive := descendants()) and time.monotonic() < deadline:
            time.sleep(0.01)
        words = [f"process {pid}, `{command}`, which waits in {waits_in(pid)}" for pid, command in alive]
        for pid, _ in alive:
            try:
                os.kill(pid, signal.SIGKILL)  # Ours: all are below this process.
            except ProcessLookupError:
                pass
        words += [f"the name {path}" for path in sorted(self.places() - self.names) if self.may_be_ours(path)]
        self.temporary.cleanup()
        return words


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=25, help="kills for each chapter (default: 25)")
    parser.add_argument("--seed", type=int, help="draws the same moments again")
    parser.add_argument("chapter", nargs="*", help="a chapter's slug (default: all)")
    arguments = parser.parse_args()
    if arguments.times < 1:
        parser.error("--times takes a number from 1 on")
    seed = arguments.seed if arguments.seed is not None else time.time_ns()
    draw = random.Random(seed)

    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit(f"prctl(PR_SET_CHILD_SUBREAPER): {os.strerror(ctypes.get_errno())}; nothing was run")

    clean = failed = 0
    for name, executable, package in binaries(arguments.chapter):
        whole = Run(executable, package)
        begin = time.monotonic()
        if code := whole.judge.wait():
            sys.exit(f"{name}: the tests fail on the reference solution, with exit code {code}; nothing was killed")
        takes = time.monotonic() - begin
        if left := whole.left():
            failed += 1
            print(f"{name}, not killed: left {'; '.join(left)}", flush=True)
        kills = 0
        longest = 0.0
        while kills < arguments.times:
            run = Run(executable, package)
            moment = draw.uniform(0, takes)
            try:
                run.judge.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                run.judge.kill()
                run.judge.wait()
                kills += 1
            killed = time.monotonic()
            left = run.left()
            if left:
                failed += 1
                print(f"{name}, killed after {moment:.3f} s (seed {seed}): left {'; '.join(left)}", flush=True)
            elif run.judge.returncode == -signal.SIGKILL:
                clean += 1
                longest = max(longest, time.monotonic() - killed)
        print(f"{name:16} {kills} kills within {takes:.1f} s; all gone after at most {1000 * longest:.0f} ms", flush=True)
    print(f"{clean} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

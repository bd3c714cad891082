#!/usr/bin/env python3
"""Steady verdicts: does an answer get the same verdict each time, on a machine that is busy, on all cores and on one?

Run it from anywhere: python3 tests/measure/verdicts.py [--times N] [--only TEXT…] [--seconds S] [--jobs N] [--set DIR]

Compiles the right and wrong answers of every chapter once, by rustc as cargo calls it for the reference solution. Then it runs the
tests on each answer, N times: all answers once, in another order each round, then all again. Several runs share the machine, and every
second run of an answer has one core. Each run draws inputs of its own.

A right answer has to pass every test of the step that it changes. A wrong answer has to fail the test that it names; only that one
runs. How a test failed (an assertion, a crash, a timeout) is part of the verdict, and so is a run that doesn't end.

--set judges the answers of another folder: right/<chapter> and wrong/<chapter>, each answer a file like those in tests/right and
tests/wrong, or a folder that holds several steps. A file there without `//! Changes:` or `//! Replaces:` needs the step's name before
its first dot: framing.bytes_iterator.rs. A wrong answer that names no test runs the tests of its step, and one has to fail.
--only takes parts of names such as memory/right/ticket_lock. --through puts a command before each of ours, as in --through nice.
--seconds begins no run after that time.

Prints the first failure of each kind where an answer was judged differently from before, or wrongly. Closes with the count of each
chapter. The exit code is 1 if there was such an answer, 2 if nothing ran.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

from rustc_calls import recorded

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Always the same place: what cargo writes for the packages in it is found and removed again.
SCRATCH = ROOT / "target/verdicts"
# A run that takes longer hangs. The judge's own deadlines are far shorter, but some runs wait for their turn (--through).
DEADLINE = 900
# Seconds between two lines of progress.
PROGRESS = 15
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
# `caught` and `passed` are all that is said of a wrong answer that names no test: which test fails first may differ.
CAUGHT = {"failed", "crash", "timeout", "output_limit", "caught"}


class Answer:
    """An answer, and how its runs went."""

    def __init__(self, path, kind, chapter):
        self.path, self.kind, self.chapter = path, kind, chapter
        self.name = f"{chapter}/{kind}/{path.name.removesuffix('.rs')}"
        self.place = SCRATCH / "answers" / self.name
        files = sorted(path.glob("*.rs")) if path.is_dir() else [path]
        self.patches, self.whole, named = {}, {}, []
        self.fails = None
        for file in files:
            header = dict(re.findall(r"^//! (\w+): *(.+?) *$", file.read_text(), re.M))
            step = header.get("Changes") or header.get("Replaces")
            named += [step] if step else []
            (self.patches if "Changes" in header else self.whole)[step or file.name.split(".")[0]] = file
            self.fails = header.get("Fails", self.fails)
        # What tells this answer from others. The other files of a folder are what it stands on.
        self.steps = named or list(self.whole)
        self.verdicts = collections.Counter()
        self.lock = threading.Lock()

    def arguments(self):
        return ["--exact", self.fails] if self.kind == "wrong" and self.fails else self.steps

    def is_just(self, verdict):
        return verdict == "passed" if self.kind == "right" else verdict in CAUGHT

    def lay(self, patch):
        """Writes the sources: the solution with this answer's steps in place of its own."""
        solution = ROOT / "solutions" / self.chapter / "src"
        source = self.place / "src"
        shutil.copytree(solution, source)
        for step, file in self.whole.items():
            shutil.copyfile(file, source / f"{step}.rs")
        for step, file in self.patches.items():
            (source / f"{step}.rs").write_text(output([patch, solution / f"{step}.rs", file]))

    def verdict(self, reports, code):
        """What the judge says of a run that ended by itself."""
        if self.kind == "wrong" and self.fails:
            return reports.get(self.fails, f"no verdict, exit code {code}")
        failed = sorted(f"{test}: {status}" for test, status in reports.items() if status != "passed")
        if not reports or (code == 0) != (not failed):
            return f"no verdict, exit code {code}"
        if self.kind == "wrong":
            return "caught" if failed else "passed"
        return ", ".join(failed) or "passed"


def output(command, **options):
    """What a command prints that has to succeed."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", **options)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))} returned {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Package:
    """How cargo calls rustc for a chapter's library and for its tests."""

    def __init__(self, calls):
        self.library, self.tests = calls
        # What cargo's build of the solution left, to be removed.
        self.extras = [self.extra(words) for words, _ in calls]

    @staticmethod
    def extra(words):
        return next(word.partition("=")[2] for word in words if word.startswith("extra-filename="))

    def compile(self, answer, through):
        """Compiles an answer's library and its tests."""
        chapter = answer.chapter
        library = answer.place / f"lib{chapter}{self.extra(self.library[0])}.rlib"
        for words, environment in (self.library, self.tests):
            words = list(words)
            words[words.index("--out-dir") + 1] = str(answer.place)
            for place, word in enumerate(words):
                if word == "strip=debuginfo":
                    words[place] = "strip=symbols"  # hundreds of them, and a third of each
                elif word.startswith(f"{chapter}="):
                    words[place] = f"{chapter}={library}"
                elif word.endswith("src/lib.rs"):
                    words[place] = str(answer.place / "src/lib.rs")
            output([*through, *words], cwd=SCRATCH / "solutions", env=environment)
        answer.executable = answer.place / f"{chapter}{self.extra(self.tests[0])}"
        library.unlink()


def packages(chapters, through):
    """Has cargo build the chapters' solutions, and records how it calls rustc."""
    solutions = SCRATCH / "solutions"
    solutions.mkdir(parents=True)
    # In another place, so that cargo builds them again, and nothing else.
    for name in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(ROOT / "solutions" / name, solutions)
    for manifest in (ROOT / "solutions").glob("*/Cargo.toml"):
        package = solutions / manifest.parent.name
        shutil.copytree(manifest.parent / "src", package / "src", copy_function=shutil.copyfile)  # as new as now
        text = manifest.read_text().replace('"../../', f'"{ROOT}/')
        (package / "Cargo.toml").write_text(text)
    target = ROOT / "solutions/target"
    chosen = [word for chapter in chapters for word in ("--package", chapter)]
    cargo = [*through, "cargo", "test", "--no-run", "--locked", "--target-dir", target, *chosen]
    calls = collections.defaultdict(list)
    for words, environment in recorded(lambda environment: output(cargo, cwd=solutions, env=environment), SCRATCH / "calls"):
        calls[environment["CARGO_PKG_NAME"]].append((words, environment))
    found = {}
    for chapter in chapters:
        if len(calls[chapter]) != 2:
            sys.exit(f"cargo called rustc {len(calls[chapter])} times for {chapter}, not for its library and its tests")
        found[chapter] = Package(calls[chapter])
        for extra in found[chapter].extras:
            for file in (target / "debug/deps").glob(f"*{extra}*"):
                file.unlink()
    return found


def find(folder, only):
    """The answers of a folder whose name contains one of `only`."""
    found = []
    for kind in ("right", "wrong"):
        for path in sorted((folder / kind).glob("*/*")):
            if path.suffix == ".rs" or path.is_dir():
                found.append(Answer(path, kind, path.parent.name))
    return [answer for answer in found if not only or any(text in answer.name for text in only)]


class Campaign:
    def __init__(self, options):
        self.through = shlex.split(options.through)
        self.end = time.monotonic() + options.seconds
        self.stopped = threading.Event()
        self.told = threading.Lock()
        self.running = {}
        self.reports = SCRATCH / "reports"

    def run(self, answer, number, core):
        """Runs an answer's tests once, on one core where `core` names one."""
        if self.stopped.is_set() or time.monotonic() > self.end:
            return
        reports = self.reports / f"{answer.name.replace('/', '-')}-{number}"
        package = ROOT / "solutions" / answer.chapter
        process = subprocess.Popen(
            [*self.through, str(answer.executable), *answer.arguments()],
            # As cargo runs it: in the package's folder, which it also names.
            cwd=package,
            env={**os.environ, "CARGO_MANIFEST_DIR": str(package), "CHECKS_REPORT": str(reports)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )
        self.running[process.pid] = process
        try:
            printed, _ = process.communicate(timeout=DEADLINE)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed, code = process.communicate()[0], "hangs"
        del self.running[process.pid]
        if self.stopped.is_set():
            return  # Whoever stops us may have stopped it, too.
        lines = reports.read_text().splitlines() if reports.exists() else []
        reports.unlink(missing_ok=True)
        statuses = {report["test"]: report["status"] for report in map(json.loads, lines)}
        verdict = f"still running after {DEADLINE} s" if code == "hangs" else answer.verdict(statuses, code)
        with answer.lock:
            answer.verdicts[verdict] += 1
            is_news = answer.verdicts[verdict] == 1 and (len(answer.verdicts) > 1 or not answer.is_just(verdict))
        if is_news:
            how = "all cores" if core is None else "one core"
            with self.told:
                print(f"--- {answer.name}, run {number + 1} ({how}, load {os.getloadavg()[0]:.1f}): {verdict}\n{printed if verdict != 'passed' else ''}", flush=True)


def prepare(answers, options):
    """Compiles all answers, many at a time."""
    through = shlex.split(options.through)
    output([*through, "cargo", "build", "--quiet", "--package", "grader", "--example", "patch"], cwd=ROOT)
    built = packages(sorted({answer.chapter for answer in answers}), through)

    def compile(answer):
        answer.lay(ROOT / "target/debug/examples/patch")
        built[answer.chapter].compile(answer, through)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            # `output` exits where one doesn't compile: its message is the end of all.
            for _ in pool.map(compile, answers):
                pass
        finally:
            pool.shutdown(cancel_futures=True)


def run_all(answers, options):
    campaign = Campaign(options)
    campaign.reports.mkdir()
    rng = random.Random(options.seed)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = []
        for number in range(options.times):
            order = list(enumerate(answers))
            rng.shuffle(order)
            for place, answer in order:
                # Of an answer every second run, of a round every second answer; each core in turn.
                pinned = CORES and (number + place) % 2
                core = CORES[(number + place) // 2 % len(CORES)] if pinned else None
                runs.append(pool.submit(campaign.run, answer, number, core))
        try:
            left = set(runs)
            while left:
                _, left = concurrent.futures.wait(left, PROGRESS)
                done = sum(answer.verdicts.total() for answer in answers)
                print(f"{time.monotonic() - begin:5.0f} s: {done} runs of {len(runs)}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
            for run in runs:
                run.result()
        finally:
            campaign.stopped.set()
            for process in list(campaign.running.values()):
                os.killpg(process.pid, signal.SIGKILL)
            pool.shutdown(cancel_futures=True)
    return time.monotonic() - begin


def tell(answers, seconds, options):
    """Prints the counts; returns how many answers were judged differently or wrongly."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{options.jobs} runs at a time, {os.cpu_count()} processors, {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of computing")
    bad = []
    for answer in answers:
        unjust = [verdict for verdict in answer.verdicts if not answer.is_just(verdict)]
        if len(answer.verdicts) > 1 or unjust:
            bad.append(answer)
            counts = "; ".join(f"{count} times {verdict}" for verdict, count in answer.verdicts.most_common())
            print(f"  {answer.name}: {counts}")
    print(f"\n{'chapter':24} {'answers':>7} {'runs':>6} {'least':>5} {'changed':>7} {'misjudged':>9}")
    for group in sorted({(answer.chapter, answer.kind) for answer in answers}):
        mine = [answer for answer in answers if (answer.chapter, answer.kind) == group]
        counts = [answer.verdicts.total() for answer in mine]
        changed = sum(len(answer.verdicts) > 1 for answer in mine)
        misjudged = sum(len(answer.verdicts) == 1 and answer in bad for answer in mine)
        print(f"{' '.join(group):24} {len(mine):7} {sum(counts):6} {min(counts):5} {changed:7} {misjudged:9}")
    rounds = min(answer.verdicts.total() for answer in answers)
    print(f"{rounds} rounds of {options.times} done")
    return len(bad)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=24, help="how often each answer is judged (24)")
    parser.add_argument("--only", nargs="*", default=[], metavar="TEXT", help="answers whose name contains one of these")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no run after that time")
    parser.add_argument("--jobs", type=int, default=2 * os.cpu_count(), help="how many runs share the machine (two per processor)")
    parser.add_argument("--set", type=pathlib.Path, default=ROOT / "tests", metavar="DIR", help="the folder of the answers (tests)")
    parser.add_argument("--through", default="", metavar="COMMAND", help="what starts each compiler and each run")
    parser.add_argument("--seed", type=int, default=1, help="of the order in which answers are judged")
    options = parser.parse_args()
    # Through `finally`: what runs ends, and the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))

    answers = find(options.set.resolve(), options.only)
    if not answers:
        print(f"no answer in {options.set} is called like that; nothing ran")
        return 2
    SCRATCH.parent.mkdir(exist_ok=True)
    with open(f"{SCRATCH}.lock", "w") as alone, contextlib.ExitStack() as stack:
        fcntl.flock(alone, fcntl.LOCK_EX)
        shutil.rmtree(SCRATCH, ignore_errors=True)
        stack.callback(shutil.rmtree, SCRATCH)
        begin = time.monotonic()
        SCRATCH.mkdir()
        prepare(answers, options)
        print(f"{len(answers)} answers compiled in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        seconds = run_all(answers, options)
    if not any(answer.verdicts for answer in answers):
        print("nothing ran")
        return 2
    return 1 if tell(answers, seconds, options) else 0


if __name__ == "__main__":
    sys.exit(main())

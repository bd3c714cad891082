#!/usr/bin/env python3
"""Fairness: does everybody who deserves full marks get them, each time, on a machine that is busy?

Run it from anywhere: python3 tests/measure/fairness.py [--times N] [--level L3] [--only TEXT…] [--seconds S]

Grades the reference solution and the right answers of every chapter as one class, as an instructor would, over and over, while
every processor is kept busy by something else. Each submission has to get every test passed, each time. A test that could not be
judged counts as a miss, too: here nothing of ours may fail.

--level names the sandbox that has to have been at work (L3 needs root; L2 is what everybody else gets, and root by
`--as-user NAME`; L1 where the grader has it, by its --level). Results at another level are a failure.
--seconds ends the campaign after that time, between two submissions; what was judged by then counts.

Prints each miss with its message, then the number of full marks of all. The exit code is 1 if there was a miss, 2 if nothing was
judged.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Ends by itself, should this script be killed: when its parent has gone.
SPIN = "import os\nwhile os.getppid() == PARENT:\n    for _ in range(10**6): pass"
# A chunk of the class is graded by one command. Afterwards the time is looked at.
CHUNK = 12


def cargo(*arguments):
    subprocess.run(["cargo", *arguments], cwd=ROOT, check=True)


def keep_busy():
    """Starts a process that spins for each processor."""
    code = SPIN.replace("PARENT", str(os.getpid()))
    return [subprocess.Popen([sys.executable, "-c", code]) for _ in range(os.cpu_count())]


def grade(course, submissions, output, options):
    """Grades some submissions; returns the records of each, and what the grader told."""
    command = [str(course), "grade", "--root", str(ROOT), "--output", str(output), *map(str, submissions)]
    if options.pass_level:
        command += ["--level", options.level]
    if options.as_user:
        command = ["runuser", "--user", options.as_user, "--", *command]
    done = subprocess.run(command, cwd=output.parent, stdin=subprocess.DEVNULL, text=True, errors="replace", capture_output=True)
    records = collections.defaultdict(list)
    if output.exists():
        for line in output.read_text().splitlines():
            record = json.loads(line)
            records[record["submission"]].append(record)
        output.unlink()
    # Kept where something could not be judged; here each round judges all.
    pathlib.Path(f"{output}.partial").unlink(missing_ok=True)
    return records, done


def misses(records, level):
    """What kept a submission from full marks."""
    for record in records:
        if record["status"] != "passed":
            yield f"{record['test'] or 'all'}: {record['status']} ({record['seconds']:.1f} s): {record['message']}"
        elif record["sandbox"] != level:
            yield f"{record['test']}: judged at level {record['sandbox']}, not {level}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100, help="how often each is graded (100)")
    parser.add_argument("--level", default="L3" if os.geteuid() == 0 else "L2", help="the sandbox that has to be at work")
    parser.add_argument("--as-user", metavar="NAME", help="grade as this user, who must be able to write into target")
    parser.add_argument("--only", nargs="*", default=[], metavar="TEXT", help="submissions whose name contains one of these")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after that time")
    parser.add_argument("--idle", action="store_true", help="keep the processors free, for comparison")
    parser.add_argument("--seed", type=int, default=1, help="of the order in which submissions are graded")
    options = parser.parse_args()

    cargo("build", "--quiet", "--package", "course", "--package", "grader", "--bins", "--examples")
    course = ROOT / "target/debug/course"
    usage = subprocess.run([course, "grade", "--help"], capture_output=True, text=True, check=True).stdout
    options.pass_level = "--level" in usage

    with tempfile.TemporaryDirectory(prefix="fairness-", dir="/var/tmp") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        (folder / "class").mkdir()
        subprocess.run([ROOT / "target/debug/examples/right_answers", folder / "class"], cwd=ROOT, check=True)
        names = sorted(path.name for path in (folder / "class").iterdir())
        names = [name for name in names if not options.only or any(text in name for text in options.only)]
        (folder / "out").mkdir()
        if options.as_user:
            shutil.chown(folder / "out", options.as_user)
        rng = random.Random(options.seed)
        judged, full, told = collections.Counter(), collections.Counter(), 0
        begin = time.monotonic()
        busy = [] if options.idle else keep_busy()
        try:
            for turn in range(options.times):
                rng.shuffle(names)
                for at in range(0, len(names), CHUNK):
                    if time.monotonic() - begin > options.seconds:
                        break
                    chunk = names[at : at + CHUNK]
                    records, done = grade(
                        course, [folder / "class" / name for name in chunk], folder / "out" / "results.jsonl", options
                    )
                    for name in chunk:
                        judged[name] += 1
                        why = list(misses(records[name], options.level)) or ([] if records[name] else [f"no record: {done.stderr}"])
                        full[name] += not why
                        for one in why:
                            told += 1
                            print(f"MISS {name}, time {turn + 1}: {one}", flush=True)
                    print(
                        f"{sum(full.values())} full marks of {sum(judged.values())}"
                        f" after {time.monotonic() - begin:.0f} s, load {os.getloadavg()[0]:.1f}",
                        file=sys.stderr,
                        flush=True,
                    )
        finally:
            for process in busy:
                process.kill()

        print(f"\nlevel {options.level}, {'idle' if options.idle else 'busy'}, {os.cpu_count()} processors, seed {options.seed}")
        for slug in sorted({name.split("-")[0] for name in names}):
            mine = [name for name in names if name.split("-")[0] == slug]
            print(f"{slug}: {len(mine)} submissions, {sum(full[n] for n in mine)} full marks of {sum(judged[n] for n in mine)}")
        for name in sorted(names):
            if full[name] < judged[name]:
                print(f"  {name}: {full[name]} of {judged[name]}")
        missed = sum(judged.values()) - sum(full.values())
        least = min((judged[name] for name in names), default=0)
        print(f"{sum(full.values())} full marks of {sum(judged.values())}; each submission at least {least} times")
    if not sum(judged.values()):
        return 2
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

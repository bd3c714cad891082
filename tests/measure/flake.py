#!/usr/bin/env python3
"""Flake check: runs the test suites many times, half of them with every core kept busy.

Run it from the repository's root: python3 tests/measure/flake.py [runs] [suite…]
A suite is a package's test binary, as `memory/memory` (the chapter's tests on the reference solution),
`checks/judge` or `checks/gate`; without one, all but the gate, which compiles thirty submissions, run.
Prints each failure whole, and closes with how many runs passed.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

root = pathlib.Path(__file__).resolve().parents[2]
runs = int(sys.argv[1]) if len(sys.argv) > 1 else 50
chosen = set(sys.argv[2:])


def test_binaries(workspace):
    built = subprocess.run(
        ["cargo", "test", "--no-run", "--message-format=json"],
        cwd=workspace, stdout=subprocess.PIPE, text=True, check=True,
    )
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["profile"]["test"]:
            package = pathlib.Path(message["manifest_path"]).parent
            # `path+file:///…/tests#checks@0.1.0`; without a name where the folder has it.
            named = re.search(r"#(.+)@", message["package_id"])
            name = f"{named[1] if named else package.name}/{message['target']['name']}"
            if message["target"]["kind"] != ["test"]:
                name += " (unit tests)"
            yield name, message["executable"], package


suites = []
for workspace in (root, root / "solutions"):
    for name, executable, package in test_binaries(workspace):
        listed = subprocess.run([executable, "--list"], capture_output=True, text=True).stdout
        if ": test" in listed and (name in chosen if chosen else name != "checks/gate"):
            suites.append((name, executable, package))
missing = chosen - {name for name, _, _ in suites}
if missing or not suites:
    sys.exit(f"no suite {', '.join(sorted(missing)) or 'at all'}: nothing was run")

signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # through `finally`: the load goes too
passed = failed = 0
for run in range(runs):
    busy = run % 2 == 1
    # Each loop ends by itself too, should this script be killed.
    spin = "import time\nend = time.time() + 900\nwhile time.time() < end: pass"
    load = [
        subprocess.Popen([sys.executable, "-c", spin])
        for _ in range(os.cpu_count() if busy else 0)
    ]
    begin = time.monotonic()
    try:
        for name, executable, package in suites:
            # As cargo runs it: in the package's folder, which it names as well.
            as_cargo = {**os.environ, "CARGO_MANIFEST_DIR": str(package)}
            done = subprocess.run(
                [executable], cwd=package, env=as_cargo, capture_output=True, text=True
            )
            if done.returncode == 0:
                passed += 1
            else:
                failed += 1
                print(f"--- {name}, run {run + 1}{', busy' if busy else ''}:\n{done.stdout}{done.stderr}")
    finally:
        for process in load:
            process.kill()
            process.wait()
    seconds = time.monotonic() - begin
    print(f"run {run + 1} of {runs}{' (cores busy)' if busy else ''}: {seconds:.1f} s, {failed} failures so far", flush=True)
print(f"{', '.join(name for name, _, _ in suites)}: {runs} runs each")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)

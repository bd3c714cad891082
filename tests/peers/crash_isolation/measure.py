"""Measures the reference pool beside its peers, interleaved, and writes records/bench/crash_isolation.json.

Each figure comes from a process of its own, in a session of its own, under a watchdog: whatever hangs or stays behind is killed with its session.
"""

import json
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BINARY = HERE / "target/release/crash_isolation_peers"
BUDGET = 320  # seconds
HANG = "hang"


def python():
    for name in ("python3.14", "python3.15", "python3"):
        if path := shutil.which(name):
            return path
    sys.exit("no python3 on the PATH")


PYTHON = python()


def ask(words, seconds=20):
    """One measurement: its number, or HANG."""
    command = [BINARY, *words] if words[0] in ("ours", "procspawn") else [PYTHON, HERE / "peers.py", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True
    )
    # The first line is the answer. Workers that outlive it keep the pipe open, so its end is not awaited.
    result = HANG
    deadline = time.monotonic() + seconds
    text = b""
    while select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
        more = os.read(process.stdout.fileno(), 4096)
        text += more
        if text.endswith(b"\n") or not more:
            result = float(text.split()[0]) if text.split() else None
            break
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    if result is None:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{process.stderr.read().decode()[-2000:]}")
    return result


def interleaved(contenders, rounds, seconds=20):
    """For each contender its numbers, one in each round."""
    numbers = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, words in contenders.items():
            numbers[name].append(ask(words, seconds))
    return numbers


def summary(name, numbers):
    known = [number for number in numbers if number != HANG]
    low, median, high = statistics.quantiles(known, n=4) if len(known) > 1 else [known[0]] * 3
    return {"name": name, "median": round(median, 3), "low": round(low, 3), "high": round(high, 3), "samples": len(known)}


def timed_row(id, what, unit, contenders, rounds, goals, note=""):
    """Ours against each peer: `goals` has, for a peer, the greatest ratio and its words."""
    # A/A first: ours against ours, in the same rhythm.
    both = interleaved({"a": contenders["ours"], "b": contenders["ours"]}, rounds)
    same = statistics.median(a / b for a, b in zip(both["a"], both["b"]))
    trusted = 0.9 <= same <= 1.1
    if not trusted:
        note = f"No verdict: two runs of ours differ by a factor of {same:.2f}. {note}".strip()
    numbers = interleaved(contenders, rounds)
    ours = numbers.pop("ours")
    peers = []
    for name, theirs in numbers.items():
        ratio = statistics.median(a / b for a, b in zip(ours, theirs) if HANG not in (a, b))
        most, words = goals.get(name, (None, None))
        met = None if most is None or not trusted else ratio <= most
        peers.append({**summary(name, theirs), "ratio": round(ratio, 4), "goal": words, "met": met})
        print(f"{id:10} {name:22} {ratio:8.4f}  {words or ''}  {met}", flush=True)
    return {"id": id, "what": what, "unit": unit, "better": "less", "ours": summary("the solution", ours), "peers": peers, "note": note}


def counted_row(id, what, unit, ours, peers, goal, note=""):
    """Counts: no ratio, since ours is to be the least there can be. `peers` has the numbers of each."""
    least, words = goal
    listed = []
    for name, numbers in peers.items():
        listed.append({**summary(name, numbers), "ratio": None, "goal": None, "met": None})
        print(f"{id:10} {name:22} {numbers}", flush=True)
    met = all(number == least for number in ours)
    print(f"{id:10} ours {ours}  {words}  {met}", flush=True)
    text = f"Goal for ours: {words}: {'met' if met else 'missed'}. {note}".strip()
    return {"id": id, "what": what, "unit": unit, "better": "less", "ours": summary("the solution", ours), "peers": listed, "note": text}


def main():
    begin = time.monotonic()
    executor, pool, spawned = "ProcessPoolExecutor", "mp.Pool", "procspawn"
    rows = [
        timed_row(
            "pipelined", "a tiny task, many at once, 2 workers", "µs",
            {"ours": ["ours", "pipelined", "20000"], executor: ["executor", "pipelined", "1500"],
             pool: ["pool", "pipelined", "3000"], spawned: ["procspawn", "pipelined", "1000"]},
            9, {executor: (1 / 40, "a fortieth"), pool: (1 / 8, "an eighth"), spawned: (0.4, "0.4 times")},
            "Ours includes the start of its workers, theirs doesn't. Chunks of 1.",
        ),
        timed_row(
            "serial", "a tiny task, one at a time, 1 worker", "µs",
            {"ours": ["ours", "serial", "2000"], executor: ["executor", "serial", "300"],
             pool: ["pool", "serial", "500"], spawned: ["procspawn", "serial", "300"]},
            9, {spawned: (0.4, "0.4 times")},
        ),
        timed_row(
            "crash", "from a crash to the next task in the replacement", "µs",
            {"ours": ["ours", "crash", "50"], "mp fork, by hand": ["fork", "crash", "50"],
             spawned: ["procspawn", "crash", "50"], pool: ["pool", "crash", "5"]},
            9, {"mp fork, by hand": (1 / 15, "a fifteenth"), spawned: (1 / 5, "a fifth")},
            "Each sample is the median of 50 crashes in one process, of 5 for mp.Pool, which looks for dead workers every 100 ms.",
        ),
    ]
    lost = {name: [ask([who, "lost"], 30) for _ in range(3)] for name, who in [(executor, "executor"), (pool, "pool"), (spawned, "procspawn")]}
    rows.append(counted_row(
        "lost", "tasks lost of 1,000 when one kills its worker", "tasks",
        [ask(["ours", "lost"]) for _ in range(9)], lost, (1, "only the culprit"),
        "mp.Pool never answers the lost task; whoever waits for it waits for ever.",
    ))
    runs = [ask(["ours", "kills", "100"], 30) for _ in range(10)]
    hung = [1.0 if run == HANG else run for run in runs]
    idle = {}
    for _ in range(15):
        for name, who in [(executor, "executor"), (pool, "pool")]:
            answer = ask([who, "kill_idle"], 6)
            idle.setdefault(name, []).append(1.0 if answer == HANG else answer)
    rows.append(counted_row(
        "kills", "pools that hang or fail, of those whose workers were killed", "share",
        hung, {name: [statistics.mean(numbers)] for name, numbers in idle.items()}, (0, "none in 1,000 random SIGKILLs"),
        "Ours: ten runs, 100 kills at random moments each, busy and idle workers. Theirs: one idle worker of two killed, 15 trials each; "
        "a failure is a later task without an answer after 2 s.",
    ))
    left = {}
    for _ in range(9):
        for name, who in [("ours", "ours"), (executor, "executor"), (pool, "pool")]:
            left.setdefault(name, []).append(ask([who, "orphans"], 15))
    ours = left.pop("ours")
    rows.append(counted_row(
        "orphans", "busy workers, of 2, that live 100 ms after their caller was killed", "processes",
        ours, left, (0, "none"), "",
    ))
    version = subprocess.run([PYTHON, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True).stdout.strip()
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()[1]
    models = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    record = {
        "slug": "crash_isolation",
        "command": "bash tests/peers/crash_isolation/run.sh",
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"kernel": platform.release(), "cpus": os.cpu_count(), "cpu": models[0] if models else platform.machine(), "rust": rust, "python": version},
        "rows": rows,
    }
    path = ROOT / "records/bench/crash_isolation.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    print(f"{path.relative_to(ROOT)}, after {time.monotonic() - begin:.0f} s of {BUDGET}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

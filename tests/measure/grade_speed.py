#!/usr/bin/env python3
"""What grading costs: `cargo course grade` on a class that is generated, against what cannot be done without.

Run it on a machine that does nothing else: python3 tests/measure/grade_speed.py WHAT [options]

  cpu         processor time per unit, against rustc (library, tests, link) and one run of the tests
  throughput  units per second, against the loop "copy the template, warm `cargo nextest run`"
  scale       seconds per unit and the grader's own memory as the class grows
  loopers     a class of which some never end, against the same class without them

A unit is one exercise of one submission. Each is the reference solution with another statement in every function, so that no
cache holds any of it. Processor time is the machine's, from /proc/stat: a sandbox's processes are nobody's children.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from rustc_calls import recorded

ROOT = pathlib.Path(__file__).resolve().parents[2]
COURSE = ROOT / "target/debug/course"
# What is built for the comparison, and stays for the next measurement: dependencies take a minute.
KEPT = ROOT / "target/measure"
# What takes longer hangs.
DEADLINE = 900
TICKS = os.sysconf("SC_CLK_TCK")

# What replaces the body of a function in a looper, in turn. Two compute, two wait.
LOOPS = {
    "spins": "loop { std::hint::spin_loop() }",
    "sleeps": "loop { std::thread::sleep(std::time::Duration::from_secs(3600)) }",
    "spins in four threads": "std::thread::scope(|s| { for _ in 0..4 { s.spawn(|| loop { std::hint::spin_loop() }); } }); loop {}",
    "waits for itself": "{ let m = std::sync::Mutex::new(()); let _a = m.lock(); let _b = m.lock(); } loop {}",
}
FUNCTION = re.compile(r"^\s*(?:pub(?:\(crate\))? )?fn (\w+)")


def processor_time():
    """Seconds that the machine's processors have worked: user, nice, system, interrupts, stolen."""
    fields = [int(word) for word in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


class Cost:
    """What a piece of work takes."""

    def __enter__(self):
        self.begin = time.monotonic(), processor_time()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = time.monotonic() - self.begin[0], processor_time() - self.begin[1]


def call(command, folder, allowed=(0,), **options):
    """Runs a command that must succeed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", timeout=DEADLINE, **options,
    )
    if done.returncode not in allowed:
        sys.exit(f"{' '.join(map(str, command))} failed in {folder}:\n{done.stdout}")
    return done.stdout


def vary(text, number, loop=None):
    """The source with a statement of its own in each function; with `loop`, public functions never end."""
    lines, inside = [], None
    for place, line in enumerate(text.split("\n")):
        lines.append(line)
        found = FUNCTION.match(line)
        inside = line if found else inside
        if inside and line.rstrip().endswith("{"):
            lines.append(f"    let _variant = std::hint::black_box({number}_u64 + {place});")
            if loop and inside.startswith("pub fn"):
                lines.append(f"    if std::hint::black_box(true) {{ {loop} }}")
            inside = None
        elif inside and line.rstrip().endswith((";", "}")):
            inside = None
    return "\n".join(lines)


def write_unit(folder, chapter, number, loop=None, step=None):
    """A submission's exercise; a looper's `step` never ends."""
    source = ROOT / "solutions" / chapter / "src"
    for file in source.rglob("*.rs"):
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        loops = loop if file.stem == step else None
        target.write_text(vary(file.read_text(), number, loops))


def steps(chapter):
    manifest = (ROOT / "exercises" / chapter / "Cargo.toml").read_text()
    return re.findall(r'"(\w+)"', re.search(r"^steps = \[(.*?)\]", manifest, re.M | re.S)[1])


class Class:
    """A folder of submissions."""

    numbers = iter(range(int(time.time()) % 1_000_000 * 10_000, 1 << 60))

    def __init__(self, scratch, chapter, size, loopers=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="class-", dir=scratch))
        self.chapter, self.size, self.loopers = chapter, size, loopers
        kinds, names = list(LOOPS.values()), steps(chapter)
        for index in range(size):
            loop, step = None, None
            # Spread over the class, over what a loop does and over the steps.
            if loopers and index % (size // loopers) == 0 and index // (size // loopers) < loopers:
                place = index // (size // loopers)
                loop, step = kinds[place % len(kinds)], names[place % len(names)]
            unit = self.folder / f"s{index:04}/exercises/{chapter}/src"
            write_unit(unit, chapter, next(self.numbers), loop, step)

    def grade(self, options):
        """Grades the class; the cost, and the most memory that the grader itself had, in MiB."""
        output = self.folder / "results.jsonl"
        command = [COURSE, "grade", self.folder, "--output", output, *options]
        with Cost() as cost, (self.folder / "log").open("w") as log:
            grader = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            cost.memory = peak_memory(grader)
        if grader.returncode:
            sys.exit(f"the grader returned {grader.returncode}:\n{(self.folder / 'log').read_text()[-4000:]}")
        self.check(output)
        shutil.rmtree(self.folder)
        return cost

    def check(self, output):
        """The results are whole: each unit is there, everything passed but what loops."""
        worst = {}
        for line in output.open():
            record = json.loads(line)
            worst.setdefault(record["submission"], set()).add(record["status"])
        wrong = [name for name, found in worst.items() if found != {"passed"}]
        timeouts = [name for name in wrong if "timeout" in worst[name] and worst[name] <= {"timeout", "passed"}]
        if len(worst) != self.size or len(wrong) != self.loopers or len(timeouts) != self.loopers:
            sys.exit(f"{len(worst)} of {self.size} units; not passed: {[(name, worst[name]) for name in wrong]}")


def peak_memory(process):
    """Waits for the end; VmHWM of the process itself, without its children, in MiB."""
    most = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            most = max(most, int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024)
        except (OSError, TypeError):
            pass
        time.sleep(0.05)
    return most


class Bare:
    """rustc as cargo calls it, without cargo, and the test binary that comes of it."""

    def __init__(self, chapter):
        self.chapter, self.home = chapter, KEPT / "bare"
        self.source = self.home / "solutions" / chapter / "src"
        shutil.rmtree(self.home, ignore_errors=True)
        (self.home / "solutions" / chapter).mkdir(parents=True)
        shutil.copy(ROOT / "Cargo.toml", self.home)
        for name in ("Cargo.toml", "Cargo.lock", f"{chapter}/Cargo.toml"):
            shutil.copy(ROOT / "solutions" / name, self.home / "solutions" / name)
        (self.home / "tests").symlink_to(ROOT / "tests")
        write_unit(self.source, chapter, 0)
        cargo = ["cargo", "test", "--no-run", "--locked", "--target-dir", KEPT / "target"]
        self.calls = recorded(lambda environment: call(cargo, self.source.parent, env=environment), self.home / "calls")
        if len(self.calls) != 2:
            sys.exit(f"cargo called rustc {len(self.calls)} times for the package")
        words, _ = self.calls[1]
        out = words[words.index("--out-dir") + 1]
        extra = next(word for word in words if word.startswith("extra-filename="))
        self.tests = f"{out}/{words[words.index('--crate-name') + 1]}{extra.split('=')[1]}"

    def compile(self, number):
        write_unit(self.source, self.chapter, number)
        with Cost() as cost:
            for words, environment in self.calls:
                call(words, self.home / "solutions", env=environment)
        return cost

    def run(self):
        with Cost() as cost:
            call([self.tests, "--test-threads", "4"], self.source.parent)
        return cost


class Nextest:
    """The loop that a course without a grader writes: put a submission into the template, run its tests, compiled before."""

    def __init__(self, chapter):
        self.folder, self.chapter = KEPT / "nextest", chapter
        shutil.rmtree(self.folder, ignore_errors=True)
        KEPT.mkdir(exist_ok=True)
        call(["git", "clone", "-q", ROOT, self.folder], KEPT)
        self.package = self.folder / "exercises" / chapter
        self.once(0)

    def once(self, number):
        shutil.rmtree(self.package / "src")
        write_unit(self.package / "src", self.chapter, number)
        call(["cargo", "nextest", "run", "--offline", "--no-fail-fast", "--target-dir", KEPT / "target"], self.package)


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def row(name, values, unit):
    low, middle, high = quartiles(values)
    print(f"{name:34} {middle:8.3f} {unit}  quartiles {low:.3f} to {high:.3f}, range {min(values):.3f} to {max(values):.3f}, {len(values)} runs")


def goal(text, met):
    print(f"goal: {text}: {'met' if met else 'MISSED'}")


def measure_cpu(arguments, scratch):
    bare = Bare(arguments.chapter)
    Class(scratch, arguments.chapter, 1).grade(arguments.options)
    units, compiling, running = [], [], []
    for run in range(arguments.runs):
        # What a start costs is taken off: the same with the fewest units.
        small = Class(scratch, arguments.chapter, 2).grade(arguments.options)
        large = Class(scratch, arguments.chapter, 2 + arguments.units).grade(arguments.options)
        units.append((large.cpu - small.cpu) / arguments.units)
        each = [(bare.compile(next(Class.numbers)), bare.run()) for _ in range(arguments.units)]
        compiling.append(statistics.mean(one.cpu for one, _ in each))
        running.append(statistics.mean(one.cpu for _, one in each))
    both = [sum(pair) for pair in zip(compiling, running)]
    row("rustc: library, tests, link", compiling, "CPU s")
    row("the tests' own run", running, "CPU s")
    row("both", both, "CPU s")
    row("the grader, for a unit", units, "CPU s")
    ratios = [one / other for one, other in zip(units, both)]
    row("ratio", ratios, "     ")
    goal("at most 1.3 times bare rustc and the tests' own run", statistics.median(ratios) <= 1.3)


def measure_throughput(arguments, scratch):
    loop = Nextest(arguments.chapter)
    Class(scratch, arguments.chapter, 1).grade(arguments.options)
    part = arguments.units // arguments.runs
    graded, looped = [], []
    for run in range(arguments.runs):
        graded.append(part / Class(scratch, arguments.chapter, part).grade(arguments.options).wall)
        with Cost() as cost:
            for _ in range(part):
                loop.once(next(Class.numbers))
        looped.append(part / cost.wall)
    row("the grader", graded, "units/s")
    row("copy, warm cargo nextest run", looped, "units/s")
    ratios = [one / other for one, other in zip(graded, looped)]
    row("ratio", ratios, "       ")
    goal(f"at least 1.5 times the loop, over {part * arguments.runs} units", statistics.median(ratios) >= 1.5)


def measure_scale(arguments, scratch):
    Class(scratch, arguments.chapter, 1).grade(arguments.options)
    found = {}
    for size in arguments.sizes:
        cost = Class(scratch, arguments.chapter, size).grade(arguments.options)
        found[size] = cost
        print(f"{size:5} units: {cost.wall:8.2f} s, {cost.wall / size:.3f} s and {cost.cpu / size:.3f} CPU s a unit, grader {cost.memory:.1f} MiB", flush=True)
    smallest, largest = min(found), max(found)
    if smallest < largest:
        per_unit = [found[size].wall / size for size in (smallest, largest)]
        goal(f"a unit of {largest} takes at most 1.1 times what one of {smallest} does", per_unit[1] <= 1.1 * per_unit[0])
    goal(f"memory under 100 MiB at {largest} units", found[largest].memory < 100)


def measure_loopers(arguments, scratch):
    Class(scratch, arguments.chapter, 1).grade(arguments.options)
    with_them, without = [], []
    for run in range(arguments.runs):
        without.append(Class(scratch, arguments.chapter, arguments.units).grade(arguments.options).wall)
        with_them.append(Class(scratch, arguments.chapter, arguments.units, arguments.loopers).grade(arguments.options).wall)
        print(f"without {without[-1]:.2f} s, with {with_them[-1]:.2f} s", flush=True)
    row("without", without, "s")
    row(f"{arguments.loopers} of {arguments.units} never end", with_them, "s")
    ratios = [one / other for one, other in zip(with_them, without)]
    row("ratio", ratios, " ")
    goal("at most 1.5 times", statistics.median(ratios) <= 1.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["cpu", "throughput", "scale", "loopers"])
    parser.add_argument("--chapter", default="memory")
    parser.add_argument("--units", type=int, help="how many units: 10 for cpu, 200 for throughput, 100 for loopers")
    parser.add_argument("--runs", type=int, help="how many runs, interleaved: 5 for cpu and throughput, 1 for loopers")
    parser.add_argument("--loopers", type=int, default=10, help="how many never end (default: 10)")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[10, 100, 300, 1000])
    parser.add_argument("options", nargs="*", help="for `cargo course grade`, after --: --jobs 4")
    arguments = parser.parse_args()
    arguments.units = arguments.units or {"cpu": 10, "throughput": 200}.get(arguments.what, 100)
    arguments.runs = arguments.runs or {"loopers": 1}.get(arguments.what, 5)
    call(["cargo", "build", "--package", "course"], ROOT)
    with tempfile.TemporaryDirectory(prefix="grade_speed.", dir=ROOT / "target") as scratch:
        version = call(["rustc", "--version"], scratch).strip()
        print(f"{version}, {os.cpu_count()} cores, chapter {arguments.chapter}", flush=True)
        globals()[f"measure_{arguments.what}"](arguments, pathlib.Path(scratch))
    print(f"load average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()

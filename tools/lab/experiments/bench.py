"""Shared by the experiments: reporting, a limited lifetime, and the kernel's accounts of memory.

An experiment is called as `python m1.py ROUNDS NAME`. It prints one JSON object per line: first what it was
given, `{"rounds": 11, "given": {"pages": 2560}}`, then one per round, `{"round": {"child_reads_faults": 3}}`.
A value that cannot be measured here is null. NAME is the only name it may use for shared memory: the lab removes
it afterwards, however the experiment ended.
"""

import contextlib
import ctypes
import json
import mmap
import os
import resource
import signal
import sys
import threading
import time

PAGE = mmap.PAGESIZE
LIMIT_SECONDS = 300
PR_SET_PDEATHSIG, PR_SET_THP_DISABLE = 1, 41
LINUX = sys.platform == "linux"

libc = ctypes.CDLL(None, use_errno=True)
clock = time.perf_counter_ns


def limit_lifetime():
    """Ends this process with its parent (PDEATHSIG, Linux), and by an alarm after 300 s."""
    signal.alarm(LIMIT_SECONDS)
    if LINUX:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def begin(given):
    """Reports what the experiment was given. Returns ROUNDS and NAME."""
    limit_lifetime()
    if LINUX:
        libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)  # pages are counted: none may be merged into a huge one
    rounds, name = int(sys.argv[1]), sys.argv[2]
    emit({"rounds": rounds, "given": given})
    return rounds, name


def emit(line):
    print(json.dumps(line), flush=True)


def micros(work):
    """Returns how long `work` takes, in microseconds."""
    start = clock()
    work()
    return (clock() - start) / 1000


def cpu_demand():
    """Returns how long the calling thread has run or was ready to run, in nanoseconds.

    The difference over a stretch of time, divided by its length, is 1 for a thread that computes, however busy the
    machine is, and 0 for one that waits for a lock or for I/O. Where the kernel keeps no such account, only the running
    counts.
    """
    try:
        with open("/proc/thread-self/schedstat") as file:
            ready = int(file.read().split()[1])  # for a CPU, in the run queue
    except OSError:
        ready = 0
    return ready + time.thread_time_ns()


def demand_of(works):
    """Runs each of `works` in a thread of its own.

    Returns how many of them run or could run, on average; the time in microseconds, from the first thread's beginning to
    the last one's end; and how many of them do run.
    """
    begin = threading.Barrier(len(works))
    spans = []

    def run(work):
        begin.wait()
        start, demand, ran = clock(), cpu_demand(), time.thread_time_ns()
        work()
        spans.append((start, clock(), cpu_demand() - demand, time.thread_time_ns() - ran))

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts, ends, demands, ran = zip(*spans)
    took = max(ends) - min(starts)
    return sum(demands) / took, took / 1000, sum(ran) / took


@contextlib.contextmanager
def switch_interval(seconds):
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def rotated(things, round):
    """Rotates a list so that each round begins with another element: being first is then no advantage."""
    at = round % len(things)
    return things[at:] + things[:at]


def pin(which):
    """Pins the calling thread to the first or the second of this process's CPUs, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cpus = sorted(CPUS)
        os.sched_setaffinity(0, {cpus[which % len(cpus)]})


CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def fork(work):
    """Forks a child that runs `work` and ends. Returns the read end of a pipe and the child's pid.

    The pipe carries what `work` returns, as JSON; `result` receives it.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return reader, pid
    code = 1
    try:
        os.close(reader)
        limit_lifetime()
        os.write(writer, json.dumps(work()).encode())
        code = 0
    except BaseException as problem:
        print(f"child: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def result(child):
    """Waits for a child made by `fork` and returns what its work returned."""
    reader, pid = child
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit(f"a child of the experiment failed (status {status})")
    return json.loads(text)


def in_child(work):
    return result(fork(work))


def faults():
    """Returns the number of minor page faults of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def own_pages():
    """Returns the number of pages that this process wrote to and no other process maps; None without /proc."""
    return sum_of("/proc/self/smaps_rollup", ["Private_Dirty:"])


def sum_of(file, fields, address=None):
    """Adds up fields of an smaps file, in pages: of all mappings, or of the one at `address`."""
    if not LINUX:
        return None
    total, inside = 0, address is None
    with open(file) as smaps:
        for line in smaps:
            first, *rest = line.split()
            if address is not None and "-" in first and not first.endswith(":"):
                start, end = (int(part, 16) for part in first.split("-"))
                inside = start <= address < end
            elif inside and first in fields:
                total += int(rest[0])
    return total * 1024 // PAGE


def minus(after, before):
    return None if after is None or before is None else after - before


class Pages:
    """Pages between two guard pages, so that the kernel accounts for them separately."""

    def __init__(self, count, shared=False):
        flags = mmap.MAP_ANONYMOUS | (mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE)
        self.count = count
        self.memory = mmap.mmap(-1, (count + 2) * PAGE, flags=flags)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory)) + PAGE
        for guard in (self.start - PAGE, self.start + count * PAGE):
            if libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(PAGE), 0) != 0:  # PROT_NONE
                raise OSError(ctypes.get_errno(), "mprotect")
        self.write(1)

    def read(self):
        for page in range(1, self.count + 1):
            self.memory[page * PAGE]

    def write(self, value):
        for page in range(1, self.count + 1):
            self.memory[page * PAGE] = value

    def holding(self, value):
        """Counts the pages that begin with `value`."""
        return sum(self.memory[page * PAGE] == value for page in range(1, self.count + 1))

    def own(self):
        return sum_of("/proc/self/smaps", ["Private_Dirty:"], self.start)

    def shared(self):
        return sum_of("/proc/self/smaps", ["Shared_Dirty:", "Shared_Clean:"], self.start)

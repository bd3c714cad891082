"""Shared by the experiments on crashes: ways to crash, and programs that may crash or hang and leave nothing behind."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
import traceback

import bench

DEADLINE_SECONDS = 20
ROOM = 256 << 20  # what a program may still allocate
TOO_MUCH = 1 << 30
PR_SET_DUMPABLE = 4

traceback.format_exc()  # used once here, so that no program has to import what it needs


def recurse(depth=0):
    return recurse(depth + 1) + 1


def overflow_the_c_stack():
    """Has the C library parse a million nested parentheses; it recurses for each one."""
    compiled = ctypes.create_string_buffer(256)
    bench.libc.regcomp(compiled, b"(" * 1_000_000, 1)


def raise_an_exception():
    raise ValueError("a bug")


def read_address_8():
    ctypes.c_char.from_address(8).value


CRASHES = {
    "exception": raise_an_exception,
    "recursion": recurse,
    "out_of_memory": lambda: bytearray(TOO_MUCH),
    "sys_exit": lambda: sys.exit(3),
    "exit": lambda: os._exit(3),
    "abort": os.abort,
    "sigsegv": read_address_8,
    "stack_overflow": overflow_the_c_stack,
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def expect(memory):
    """Prepares this process and those that it forks: no core files, no messages, a short life and, if wanted, little
    memory."""
    bench.limit_lifetime()
    signal.alarm(2 * DEADLINE_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if bench.LINUX:
        with open("/proc/self/statm") as statm:
            size = int(statm.read().split()[0]) * bench.PAGE
        bench.libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # no core through a pipe either
        if memory:
            limit_memory(size + ROOM)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)


def limit_memory(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def now(kind):
    CRASHES[kind]()


# Programs: each is a forked process with a group of its own, and nobody waits for it longer than the deadline.


def report(number):
    """Reports a number from within a scenario: it counts even if the program never gets to its end."""
    os.write(REPORT, b"%d " % number)


def measure(scenario, *args, patience=DEADLINE_SECONDS, memory=False):
    """Runs a scenario in a program of its own. Returns the numbers it reported, and whether it came to its end.

    The last number of a program that ends is what `scenario` returned. `patience` is how long it may take to its end once it
    has reported something; `memory` limits that.
    """
    global REPORT
    reader, REPORT = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            os.setpgid(0, 0)  # so that all that it starts can be ended together
            expect(memory)
            report(scenario(*args))
            os.write(REPORT, b"end ")
            code = 0
        except BaseException as problem:
            os.write(REPORT, f"{type(problem).__name__}:{problem}".replace(" ", "_").encode())
        finally:
            os._exit(code)
    os.close(REPORT)
    text, end = b"", time.monotonic() + DEADLINE_SECONDS
    while not text.endswith(b"end ") and not has_ended(pid):
        ready, _, _ = select.select([reader], [], [], 0.01)
        if ready and not text:
            end = time.monotonic() + patience
        text += os.read(reader, 4096) if ready else b""
        if time.monotonic() > end:
            break
    end_all_of(pid)
    while select.select([reader], [], [], 0)[0]:
        some = os.read(reader, 4096)
        if not some:
            break
        text += some
    os.close(reader)
    words = text.decode().split()
    if not all(word.isdecimal() or word == "end" for word in words):
        sys.exit(f"{scenario.__name__}{args}: {words[-1]}")
    return [int(word) for word in words if word != "end"], words[-1:] == ["end"]


def has_ended(pid):
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_all_of(group):
    """Kills a program and what it started, and waits until all of it is gone.

    Its leader is reaped last, so the group's id cannot come to mean another one. Resource trackers are spared: they end by
    themselves once all others are gone, after they have removed the names of semaphores.
    """
    if not bench.LINUX:
        os.killpg(group, signal.SIGKILL)
    end = time.monotonic() + DEADLINE_SECONDS
    while members := list(living(group)):
        for pid, is_tracker in members:
            if not is_tracker or time.monotonic() > end:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)
    os.waitpid(group, 0)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def living(group):
    """Lists the processes of a group that run, and which of them are resource trackers."""
    for entry in os.listdir("/proc") if bench.LINUX else []:
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(entry)}/stat") as stat:
                state, _, of_group, *_ = stat.read().rpartition(")")[2].split()
            if int(of_group) == group and state not in "ZX":
                with open(f"/proc/{entry}/cmdline", "rb") as command:
                    yield int(entry), b"resource_tracker" in command.read()

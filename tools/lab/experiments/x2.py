"""X2: crashes one thread of a program, then one process of a program, in every way there is.

Each program consists of a main flow and two workers. Worker A crashes. How many of the other two go on?
"""

import ctypes
import multiprocessing
import multiprocessing.popen_fork
import multiprocessing.resource_tracker
import os
import resource
import select
import signal
import sys
import threading
import traceback

import bench

DEADLINE_SECONDS = 20
ROOM = 256 << 20  # what a program may still allocate
TOO_MUCH = 1 << 30
PR_SET_DUMPABLE = 4

libc = bench.libc
traceback.format_exc()  # imported and used here once, not in each program again


def recurse(depth=0):
    return recurse(depth + 1) + 1


def overflow_the_c_stack():
    """Has the C library parse a million nested parentheses; it recurses for each one."""
    compiled = ctypes.create_string_buffer(256)
    libc.regcomp(compiled, b"(" * 1_000_000, 1)


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


def expect_crashes(memory=True):
    """Prepares this process and those that it forks: no core files, no messages, a short life and, unless `memory` is False,
    little memory."""
    bench.limit_lifetime()
    signal.alarm(2 * DEADLINE_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if bench.LINUX:
        with open("/proc/self/statm") as statm:
            size = int(statm.read().split()[0]) * bench.PAGE
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # no core through a pipe either
        if memory:
            limit_memory(size + ROOM)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)


def limit_memory(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def crash(kind):
    CRASHES[kind]()


def a_thread_crashes(kind, lives):
    asked = threading.Event()

    def other():
        asked.wait()
        os.write(lives, b"B")

    workers = [threading.Thread(target=crash, args=[kind]), threading.Thread(target=other)]
    for worker in reversed(workers):
        worker.start()
    workers[0].join()
    asked.set()
    workers[1].join()
    os.write(lives, b"M")


def a_process_crashes(kind, lives):
    context = multiprocessing.get_context("fork")
    asked, ask = os.pipe()

    def other():
        bench.limit_lifetime()
        os.read(asked, 1)
        os.write(lives, b"B")

    def first():
        bench.limit_lifetime()
        crash(kind)

    workers = [context.Process(target=first), context.Process(target=other)]
    for worker in reversed(workers):
        worker.start()
    workers[0].join()
    os.write(ask, b"?")
    workers[1].join()
    os.write(lives, b"M")


def survivors(program, kind):
    """Runs a program of three flows, and counts the ones besides the culprit that are alive afterwards."""
    reader, lives = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            expect_crashes()
            program(kind, lives)
        finally:
            os._exit(0)
    os.close(lives)
    alive = b""
    while True:
        ready, _, _ = select.select([reader], [], [], DEADLINE_SECONDS)
        if not ready:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            sys.exit(f"{program.__name__}, {kind}: still running after {DEADLINE_SECONDS} s")
        some = os.read(reader, 16)
        if not some:
            break
        alive += some
    os.close(reader)
    os.waitpid(pid, 0)
    return len(alive)


def one_round():
    programs = {"thread": a_thread_crashes, "process": a_process_crashes}
    return {
        f"{place}_{kind}": survivors(program, kind)
        for place, program in programs.items()
        for kind in CRASHES
        if bench.LINUX or kind != "out_of_memory"  # elsewhere the limit is not enforced
    }


def main():
    rounds, _ = bench.begin({"others": 2, "crashes": len(CRASHES)})
    nothing = {f"{place}_out_of_memory": None for place in ("thread", "process")}
    for _ in range(rounds):
        bench.emit({"round": {**nothing, **one_round()}})


if __name__ == "__main__":
    main()

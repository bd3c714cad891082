"""Crashes one of two workers, as a thread and as a process. Who is left?"""
# needs: python >= 3.9, linux

import ctypes
import os
import resource
import signal
import subprocess
import sys
from multiprocessing import get_context
from threading import Thread

Process = get_context("fork").Process

# region: shown
CRASHES = {
    "raise ValueError": lambda: int("three"),
    "RecursionError": lambda: recurse(),
    "sys.exit(3)": lambda: sys.exit(3),
    "os._exit(3)": lambda: os._exit(3),
    "os.abort()": os.abort,
    "SIGSEGV": lambda: ctypes.string_at(8),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def wait_and_print(asked):
    os.read(asked, 1)
    print("another worker")


def program(Worker, crash):
    asked, ask = os.pipe()
    culprit = Worker(target=CRASHES[crash])
    other = Worker(target=wait_and_print, args=[asked])
    other.start()
    culprit.start()
    culprit.join()
    os.write(ask, b"?")
    other.join()
    print("main")
# endregion


def recurse():
    recurse()


def survivors(kind, crash):
    """Runs the program in a Python of its own, and says what is left of it."""
    run = subprocess.run(
        [sys.executable, __file__, kind, crash],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    left = run.stdout.split("\n")
    left = [who for who in ("main", "another worker") if who in left]
    return ", ".join(left) or "nobody"


if len(sys.argv) == 3:
    program({"thread": Thread, "process": Process}[sys.argv[1]], sys.argv[2])
else:
    print(f"{'':18}{'in a thread':24}in a process")
    for crash in CRASHES:
        thread = survivors("thread", crash)
        print(f"{crash:18}{thread:24}{survivors('process', crash)}")

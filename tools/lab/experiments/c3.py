"""C3: how many threads run or could run at a time, in Python code and in C code that gives the GIL up? How long is a turn?"""

import hashlib
import json
import os
import threading
import time
import zlib

import bench

TURNS = 400_000  # of the loop below, some 15 ms
LARGE = os.urandom(1 << 20)
SMALL = LARGE[:1024]  # hashlib keeps the GIL below 2 KiB
NUMBERS = list(range(60_000))
TURN_MS = 150

rounds, _ = bench.begin({"turns": TURNS, "cpus": len(bench.CPUS) or os.cpu_count(), "large": len(LARGE), "small": len(SMALL)})


def python(turns=TURNS):
    total = 0
    for number in range(turns):
        total += number & 7


def sha256_large():
    for _ in range(20):
        hashlib.sha256(LARGE)


def sha256_small():
    for _ in range(15_000):
        hashlib.sha256(SMALL)


def zlib_large():
    zlib.compress(LARGE, 1)


def json_large():
    for _ in range(5):
        json.dumps(NUMBERS)


def ready(count, work):
    """Returns how many of `count` threads that do `work` run or could run, on average."""
    return bench.demand_of([work] * count)[0]


def turn(interval):
    """Returns the mean length of a turn, in microseconds, of two threads that only compute."""
    last, turns = None, 0

    def run():
        nonlocal last, turns
        me = threading.get_ident()
        end = time.monotonic() + TURN_MS / 1000
        while time.monotonic() < end:
            for _ in range(1000):
                if last != me:  # no switch can come before the end of this turn of the loop, since Python 3.10
                    last = me
                    turns += 1

    with bench.switch_interval(interval):
        _, took, _ = bench.demand_of([run, run])
    return took / turns


WAYS = {
    "one_thread": lambda: ready(1, python),
    "four_threads": lambda: ready(4, lambda: python(TURNS // 2)),
    "sha256_large": lambda: ready(2, sha256_large),
    "sha256_small": lambda: ready(2, sha256_small),
    "zlib_large": lambda: ready(2, zlib_large),
    "json_large": lambda: ready(2, json_large),
}


def one_round(number):
    with bench.switch_interval(1):  # on a busy machine, those that wake up only to ask for the GIL would count as ready
        line = {way: WAYS[way]() for way in bench.rotated(list(WAYS), number)}
        line["two_threads"], _, line["two_threads_run"] = bench.demand_of([python, python])
    line["turn_5_ms"] = turn(0.005)
    line["turn_1_ms"] = turn(0.001)
    return line


one_round(0)  # warm-up
for number in range(rounds):
    bench.emit({"round": one_round(number)})

"""M3: hands one object to a thread and back, and to a process and back, from 64 bytes to 16 MiB.

Is it still the same object? What does its size cost?
"""

import os
import queue
import threading
from multiprocessing import Pipe

import bench

SIZES = {"64_b": 64, "64_kib": 64 << 10, "1_mib": 1 << 20, "16_mib": 16 << 20}
# A single hand-over to a thread is too short to time well, so each sample is the mean of as many, for a process too.
HAND_OVERS = 5

rounds, _ = bench.begin({"sizes": len(SIZES), "largest_bytes": max(SIZES.values()), "hand_overs_per_sample": HAND_OVERS})
objects = {name: bytearray(size) for name, size in SIZES.items()}

here, there = Pipe()


def process():
    bench.pin(1)
    while True:
        thing = there.recv()
        thing[0] = 1
        there.send(thing)
        del thing  # now, not while the next one is received


child = bench.fork(process)  # before there is a second thread

to_thread, from_thread = queue.Queue(), queue.Queue()


def thread():
    bench.pin(1)
    while True:
        thing = to_thread.get()
        thing[0] = 1
        from_thread.put(thing)


threading.Thread(target=thread, daemon=True).start()
bench.pin(0)


def mean_of(hand_over):
    """Returns the mean time of some hand-overs, after one that brings both sides and their CPUs back to work."""
    hand_over()

    def all_of_them():
        for _ in range(HAND_OVERS):
            hand_over()

    return bench.micros(all_of_them) / HAND_OVERS


def by_thread(thing):
    """Returns how long it took, whether the same object came back, and whether the thread's write is on it."""
    back = None

    def hand_over():
        nonlocal back
        to_thread.put(thing)
        back = from_thread.get()

    time = mean_of(hand_over)
    return time, back is thing and id(back) == id(thing), thing[0] == 1


def by_process(thing):
    """Returns how long it took, and whether the process's write is seen on the object that was sent."""
    back = None

    def hand_over():
        nonlocal back
        here.send(thing)
        back = here.recv()

    time = mean_of(hand_over)
    if len(back) != len(thing) or back[0] != 1:
        raise ValueError("the process gave back something else")
    return time, thing[0] == 1


# 64 B twice: measured against itself, how far may two equal things lie apart?
by_thread_of = [*((f"thread_{name}", thing) for name, thing in objects.items()), ("thread_64_b_again", objects["64_b"])]
by_process_of = [(f"process_{name}", thing) for name, thing in objects.items()]


def one_round(number):
    line = {"thread_same_object": 0, "thread_write_seen": 0, "process_write_seen": 0}
    for which, thing in bench.rotated(by_thread_of, number):
        thing[0] = 0
        line[which], same, seen = by_thread(thing)
        if which != "thread_64_b_again":
            line["thread_same_object"] += same
            line["thread_write_seen"] += seen
    for which, thing in bench.rotated(by_process_of, number):
        thing[0] = 0
        line[which], seen = by_process(thing)
        line["process_write_seen"] += seen
    return line


try:
    one_round(0)  # warm-up
    for number in range(rounds):
        bench.emit({"round": one_round(number)})
finally:
    os.kill(child[1], 9)
    os.waitpid(child[1], 0)

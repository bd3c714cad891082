"""M3: hand one object to a thread and to a process, from 64 bytes to 16 MiB. Is it the same object? What does size cost?"""

import os
import queue
import threading
from multiprocessing import Pipe

import bench

SIZES = {"64_b": 64, "64_kib": 64 << 10, "1_mib": 1 << 20, "16_mib": 16 << 20}
HAND_OVERS = 20  # per sample for a thread: a single one is too short to time well

rounds, _ = bench.begin({"sizes": len(SIZES), "largest_bytes": max(SIZES.values()), "hand_overs_per_sample": HAND_OVERS})
objects = {name: bytearray(size) for name, size in SIZES.items()}

here, there = Pipe()


def process():
    bench.pin(1)
    while True:
        thing = there.recv()
        thing[0] = 1
        there.send(b"has it")
        del thing  # now, not while the next hand-over is timed
        there.send(b"has forgotten it")


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


def by_thread(thing):
    """One object goes to the thread and comes back; the time is that of going and coming back once."""
    back = None

    def hand_over():
        nonlocal back
        for _ in range(HAND_OVERS):
            to_thread.put(thing)
            back = from_thread.get()

    hand_over()  # whatever ran before, both threads and both CPUs are at it again
    time = bench.micros(hand_over) / HAND_OVERS
    return time, back is thing and id(back) == id(thing), thing[0] == 1


def by_process(thing):
    """One object goes to the process, which answers as soon as it has it."""

    def hand_over():
        here.send(thing)
        here.recv()

    hand_over()  # as above
    here.recv()
    time = bench.micros(hand_over)
    here.recv()
    return time, thing[0] == 1


# 64 B twice: measured against itself, how far may two equal things lie apart?
by_thread_of = [*((f"thread_{name}", thing) for name, thing in objects.items()), ("thread_64_b_again", objects["64_b"])]
by_process_of = [(f"process_{name}", thing) for name, thing in objects.items()]


def turned(things, number):
    """The things, each round beginning with another one: to be first is no advantage then, and no disadvantage."""
    at = number % len(things)
    return things[at:] + things[:at]


def one_round(number):
    line = {"thread_same_object": 0, "thread_write_seen": 0, "process_write_seen": 0}
    for which, thing in turned(by_thread_of, number):
        thing[0] = 0
        line[which], same, seen = by_thread(thing)
        if which != "thread_64_b_again":
            line["thread_same_object"] += same
            line["thread_write_seen"] += seen
    for which, thing in turned(by_process_of, number):
        thing[0] = 0
        line[which], seen = by_process(thing)
        line["process_write_seen"] += seen
    return line


try:
    for _ in range(3):
        one_round(0)  # warm-up
    for number in range(rounds):
        bench.emit({"round": one_round(number)})
finally:
    os.kill(child[1], 9)
    os.waitpid(child[1], 0)

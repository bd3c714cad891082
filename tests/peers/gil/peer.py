"""CPython's side of the benchmark: does what main.rs does, and prints one line of JSON."""

import json
import os
import struct
import sys
import threading
import time


def uncontended():
    """Nanoseconds for giving the GIL up and taking it back: CDLL does that around a call, PyDLL doesn't.

    A second thread sleeps meanwhile: in a process with one thread, glibc's mutexes do without atomic instructions. The second
    number is without that thread.
    """
    import ctypes

    with_gil, without = ctypes.PyDLL(None).abs, ctypes.CDLL(None).abs
    loop = range(10_000)

    def time_of(function):
        start = time.perf_counter_ns()
        for _ in loop:
            function(1)
        return (time.perf_counter_ns() - start) / len(loop)

    def median():
        times = sorted(time_of(without) - time_of(with_gil) for _ in range(15))
        return times[len(times) // 2]

    alone = median()
    over = threading.Event()
    sleeper = threading.Thread(target=over.wait)
    sleeper.start()
    beside = median()
    over.set()
    sleeper.join()
    return [beside, alone]


def compute(threads, seconds, interval):
    """Threads that compute: when each of them held the GIL. A gap in its clock is time without the GIL."""
    sys.setswitchinterval(interval)
    barrier = threading.Barrier(threads + 1)
    slices = [[] for _ in range(threads)]

    def run(mine):
        clock = time.perf_counter_ns
        barrier.wait()
        end = clock() + int(seconds * 1e9)
        least = int(interval * 1e9 / 2)
        begin = last = clock()
        while last < end:
            now = clock()
            if now - last > least:
                mine.append((begin, last))
                begin = now
            last = now
        mine.append((begin, last))

    workers = [threading.Thread(target=run, args=(mine,)) for mine in slices]
    for worker in workers:
        worker.start()
    barrier.wait()
    for worker in workers:
        worker.join()
    return slices


def serve(threads, seconds_of_requests, descriptor):
    """One thread that reads requests, each the moment at which it was due, beside threads that compute."""
    stop = False
    counts = [0] * threads
    latencies = []

    def run(place):
        count = 0
        while not stop:
            count += 1
            counts[place] = count

    workers = [threading.Thread(target=run, args=(place,)) for place in range(threads)]
    for worker in workers:
        worker.start()
    print("ready", flush=True)
    start = time.monotonic_ns()
    if seconds_of_requests:
        end = start + int(seconds_of_requests * 1e9)
        while time.monotonic_ns() < end:
            data = os.read(descriptor, 8)
            if not data:
                break
            latencies.append(time.monotonic_ns() - struct.unpack("=q", data)[0])
    else:
        time.sleep(3)
    seconds = (time.monotonic_ns() - start) / 1e9
    stop = True
    progress = sum(counts) / seconds
    for worker in workers:
        worker.join()
    # What is unanswered has waited for so long at least.
    now = start + int(seconds * 1e9)
    while seconds_of_requests and (data := os.read(descriptor, 8)):
        latencies.append(now - struct.unpack("=q", data)[0])
    return {"latencies": latencies, "progress": progress}


what, *rest = sys.argv[1:]
if what == "uncontended":
    print(json.dumps(uncontended()))
elif what == "compute":
    print(json.dumps(compute(int(rest[0]), float(rest[1]), float(rest[2]))))
elif what == "serve":
    print(json.dumps(serve(int(rest[0]), float(rest[1]), 0)))
elif what == "version":
    print(json.dumps(sys.version.split()[0]))

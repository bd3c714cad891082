"""M4: threads add to one number: bare, with a call between the read and the write, and under a lock.

How many additions are lost?
"""

import threading

import bench

THREADS, TIMES = 4, 200_000
n = 0
lock = threading.Lock()

rounds, _ = bench.begin({"threads": THREADS, "additions": THREADS * TIMES})


def one_more(value):
    return value + 1


def bare():
    global n
    for _ in range(TIMES):
        n += 1


def call():
    global n
    for _ in range(TIMES):
        n = one_more(n)


def locked():
    global n
    for _ in range(TIMES):
        with lock:
            n = one_more(n)


def lost(work):
    """Counts the additions that are missing after all threads have done `work`."""
    global n
    n = 0
    ready = threading.Barrier(THREADS)

    def run():
        ready.wait()
        work()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return THREADS * TIMES - n


def one_round():
    return {"lost_bare": lost(bare), "lost_call": lost(call), "lost_locked": lost(locked)}


one_round()  # warm-up
for _ in range(rounds):
    bench.emit({"round": one_round()})

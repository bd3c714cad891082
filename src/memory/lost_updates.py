"""Threads add to one number. `n += 1` loses nothing; with a call it does."""
# needs: python >= 3.10, gil

import threading

THREADS, TIMES = 4, 200_000
n = 0
lock = threading.Lock()


def one_more(value):
    return value + 1


def bare():
    global n
    for _ in range(TIMES):
        n += 1


def with_a_call():
    global n
    for _ in range(TIMES):
        n = one_more(n)  # read n, call, write n: the switch comes at the call


def with_a_lock():
    global n
    for _ in range(TIMES):
        with lock:
            n = one_more(n)


def lost_some(work, rounds):
    """Whether an addition was lost in any of up to `rounds` rounds."""
    global n
    for _ in range(rounds):
        n = 0
        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if n != THREADS * TIMES:
            return "yes"
    return "no"


print("n += 1               lost some:", lost_some(bare, 20))
print("n = f(n)             lost some:", lost_some(with_a_call, 20))
print("with lock: n = f(n)  lost some:", lost_some(with_a_lock, 1))

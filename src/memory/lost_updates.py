"""Threads add to one number. `n += 1` loses nothing; with a call it does."""
# needs: python >= 3.10, gil

import threading

THREADS, TIMES = 4, 200_000
n = 0
lock = threading.Lock()


class Counter:
    value = 0

    @property
    def n(self):
        return self.value

    @n.setter
    def n(self, value):
        self.value = value


counter = Counter()


# region: shown
def f(value):
    return value + 1


def bare():
    global n
    for _ in range(TIMES):
        n += 1


def with_a_call():
    global n
    for _ in range(TIMES):
        n = f(n)  # reads n, calls, writes n: the switch comes at the call


def with_a_property():
    for _ in range(TIMES):
        counter.n += 1  # a property's getter and setter are calls too


def with_a_lock():
    global n
    for _ in range(TIMES):
        with lock:
            n = f(n)
# endregion


def lost_some(work, rounds):
    """Returns whether any of up to `rounds` rounds lost an addition."""
    global n
    for _ in range(rounds):
        n = counter.n = 0
        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if n + counter.n != THREADS * TIMES:
            return "yes"
    return "no"


print("n += 1               lost some:", lost_some(bare, 20))
print("n = f(n)             lost some:", lost_some(with_a_call, 20))
print("counter.n += 1       lost some:", lost_some(with_a_property, 20))
print("with lock: n = f(n)  lost some:", lost_some(with_a_lock, 1))

"""C4: threads that wait, threads that compute, and a thread that waits for replies while others compute."""

import hashlib
import os
import threading
import time

import bench

WAITS, WAIT_MS = 4, 10
TURNS = 400_000  # of the loop below, some 15 ms
REPLY_MS = 1
REPLIES = 4
LARGE = os.urandom(1 << 20)

rounds, _ = bench.begin(
    {"waits": WAITS, "wait_ms": WAIT_MS, "sums": 2, "turns": TURNS, "replies": REPLIES, "reply_ms": REPLY_MS}
)

there, ask = os.pipe()
answered, answer = os.pipe()
lane, start = os.pipe()
begun, begin = os.pipe()


def echo():
    while os.read(there, 1):
        time.sleep(REPLY_MS / 1000)
        os.write(answer, b"!")


def computing_process():
    """Computes from the first byte that comes, until the second."""
    while os.read(lane, 1):
        os.set_blocking(lane, False)
        os.write(begin, b"!")
        while True:
            python(10_000)
            try:
                os.read(lane, 1)
                break
            except BlockingIOError:
                pass
        os.set_blocking(lane, True)


def python(turns=TURNS):
    total = 0
    for number in range(turns):
        total += number & 7


def wait():
    time.sleep(WAIT_MS / 1000)


def one_after_the_other(count, work):
    for _ in range(count):
        work()


def in_threads(count, work):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


children = [bench.fork(echo), bench.fork(computing_process)]  # before there is a second thread


def reply():
    """Returns how long another process takes to reply: a millisecond, and whatever the GIL adds."""

    def all_of_them():
        for _ in range(REPLIES):
            os.write(ask, b"?")
            os.read(answered, 1)

    return bench.micros(all_of_them) / REPLIES


def reply_beside(count, work):
    """The same, while threads do `work` again and again. Each has done it once before the first question."""
    done = threading.Event()
    begun = threading.Semaphore(0)

    def again_and_again():
        work()
        begun.release()
        while not done.is_set():
            work()

    threads = [threading.Thread(target=again_and_again) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in threads:
        begun.acquire()
    try:
        return reply()
    finally:
        done.set()
        for thread in threads:
            thread.join()


def reply_beside_short():
    with bench.switch_interval(0.0005):
        return reply_beside(1, lambda: python(1000))


def reply_beside_process():
    os.write(start, b"!")
    os.read(begun, 1)
    try:
        return reply()
    finally:
        os.write(start, b"!")


WAYS = {
    "waits_serial": lambda: bench.micros(lambda: one_after_the_other(WAITS, wait)),
    "waits_threads": lambda: bench.micros(lambda: in_threads(WAITS, wait)),
    "sums_serial": lambda: bench.micros(lambda: one_after_the_other(2, python)),
    "sums_threads": lambda: bench.micros(lambda: in_threads(2, python)),
    "sums_serial_again": lambda: bench.micros(lambda: one_after_the_other(2, python)),
    "reply_alone": reply,
    "reply_beside_1": lambda: reply_beside(1, lambda: python(1000)),
    "reply_beside_4": lambda: reply_beside(4, lambda: python(1000)),
    "reply_beside_short": reply_beside_short,
    "reply_beside_sha256": lambda: reply_beside(1, lambda: hashlib.sha256(LARGE)),
    "reply_beside_process": reply_beside_process,
}


def one_round(number):
    return {way: WAYS[way]() for way in bench.rotated(list(WAYS), number)}


try:
    one_round(0)  # warm-up
    for number in range(rounds):
        bench.emit({"round": one_round(number)})
finally:
    for _, pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)

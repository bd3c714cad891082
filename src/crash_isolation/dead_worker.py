"""A worker is killed in the middle of six tasks. What do the standard library's pools lose?"""
# needs: python >= 3.9, linux

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

METHOD = get_context("fork")


# region: shown
def task(n):
    if n == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return n * n


def with_executor():
    executor = ProcessPoolExecutor(1, METHOD)
    answers = [executor.submit(task, n) for n in range(6)]
    wait(answers)
    print("executor:", [a.result() if not a.exception() else type(a.exception()).__name__ for a in answers])
    try:
        executor.submit(task, 9)
    except BrokenProcessPool as error:
        print("executor, a new task:", error)


def with_pool():
    pool = METHOD.Pool(1)
    answers = [pool.apply_async(task, [n]) for n in range(6)]
    answers[5].wait()  # the last one: all others are done, or never will be
    print("Pool:", [a.get() if a.ready() else "no answer" for a in answers])
    print("Pool, a new task:", pool.apply(task, [9]))
# endregion


if __name__ == "__main__":
    signal.alarm(60)
    with_executor()
    with_pool()
    sys.stdout.flush()
    os._exit(0)  # Pool.terminate() may hang after a worker was killed

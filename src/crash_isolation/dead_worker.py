"""A worker is killed in the middle of six tasks. What do the pools lose?"""
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
    for n, answer in enumerate(answers):
        error = answer.exception()
        got = type(error).__name__ if error else answer.result()
        print(f"executor, task {n}:", got)
    try:
        executor.submit(task, 9)
    except BrokenProcessPool as error:
        print("executor, a new task:", type(error).__name__)


def with_pool():
    pool = METHOD.Pool(1)
    answers = [pool.apply_async(task, [n]) for n in range(6)]
    answers[5].wait()  # the last one: all others are done, or never will be
    for n, answer in enumerate(answers):
        is_there = answer.ready()
        print(f"Pool, task {n}:", answer.get() if is_there else "no answer")
    print("Pool, a new task:", pool.apply(task, [9]))
# endregion


if __name__ == "__main__":
    signal.alarm(60)
    with_executor()
    with_pool()
    sys.stdout.flush()
    os._exit(0)  # Pool.terminate() may hang after a worker was killed

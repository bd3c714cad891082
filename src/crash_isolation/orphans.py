"""A parent is killed. Do the workers of its pool end with it?"""
# needs: python >= 3.9, linux

import os
import select
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

fork = get_context("fork")


def still_alive(workers):
    """Returns the workers that have not ended within a second."""
    end = time.monotonic() + 1
    while workers and time.monotonic() < end:
        ended, _, _ = select.select(workers, [], [], end - time.monotonic())
        workers = [worker for worker in workers if worker not in ended]
    return workers


# region: shown
def with_executor(tell):
    executor = ProcessPoolExecutor(2, fork, signal.alarm, [60])
    list(executor.map(time.sleep, [0.1] * 4))
    tell.send(list(executor._processes))
    time.sleep(60)


def with_pool(tell):
    pool = fork.Pool(2, signal.alarm, [60])
    tell.send([worker.pid for worker in pool._pool])
    time.sleep(60)


for parent in with_executor, with_pool:
    told, tell = fork.Pipe()
    process = fork.Process(target=parent, args=[tell])
    process.start()
    workers = [os.pidfd_open(pid) for pid in told.recv()]
    process.kill()  # SIGKILL: no handler and no `finally` runs
    left = still_alive(workers)
    print(f"{parent.__name__}: {len(left)} of 2 workers live on")
# endregion
    for worker in left:
        signal.pidfd_send_signal(worker, signal.SIGKILL)

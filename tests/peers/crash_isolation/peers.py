"""One measurement of CPython's process pools. Prints one number.

    peers.py executor|pool|fork  pipelined|serial|crash|lost|kill_idle|orphans  [COUNT]

Whoever starts this has a watchdog: a pool may hang, and so may its `terminate()`.
"""

import multiprocessing as mp
import os
import signal
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, wait

WORKERS = 2
FORK = mp.get_context("fork")  # the cheapest start method, and the one that our pool uses


def tiny(task):
    return task + 1


def poisoned(task):
    if task == 500:
        os.kill(os.getpid(), signal.SIGKILL)
    return task + 1


def stamp(_):
    return time.monotonic_ns()


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def forever(path):
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")
    while True:
        pass


def executor(workers=WORKERS):
    made = ProcessPoolExecutor(workers, mp_context=FORK)
    list(made.map(tiny, range(10 * workers)))  # warm: all workers exist
    return made


def pool(workers=WORKERS):
    made = FORK.Pool(workers)
    made.map(tiny, range(10 * workers), chunksize=1)
    return made


def timed(count, run):
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) * 1e6 / count


def executor_pipelined(count):
    made = executor()
    return timed(count, lambda: list(made.map(tiny, range(count), chunksize=1)))


def executor_serial(count):
    made = executor(1)
    return timed(count, lambda: [made.submit(tiny, task).result() for task in range(count)])


def executor_lost():
    made = executor()
    futures = [made.submit(poisoned, task) for task in range(1000)]
    wait(futures, timeout=20)
    return sum(not future.done() or future.exception() is not None for future in futures)


def pool_pipelined(count):
    made = pool()
    return timed(count, lambda: made.map(tiny, range(count), chunksize=1))


def pool_serial(count):
    made = pool(1)
    return timed(count, lambda: [made.apply(tiny, (task,)) for task in range(count)])


def pool_lost():
    made = pool()
    results = [made.apply_async(poisoned, (task,)) for task in range(1000)]
    lost, deadline = 0, time.monotonic() + 3
    for result in results:
        try:
            result.get(max(0, deadline - time.monotonic()))
        except mp.TimeoutError:
            lost += 1
    return lost


def echo(connection):
    while True:
        connection.send((time.monotonic_ns(), connection.recv()))


def fork_crash(count):
    """A worker by hand: killed, waited for, and another one started, which takes the next task. The median of many."""

    def start():
        ours, theirs = FORK.Pipe()
        process = FORK.Process(target=echo, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return process, ours

    process, connection = start()
    connection.send(1)
    connection.recv()
    times = []
    for task in range(count):
        begin = time.monotonic_ns()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        process, connection = start()
        connection.send(task)
        began, _ = connection.recv()
        times.append((began - begin) / 1e3)
    return statistics.median(times)


def pool_crash(count):
    """Until the pool, which looks every 100 ms, has replaced its only worker and that one has begun a task. The median of many."""
    made = pool(1)
    times = []
    for _ in range(count):
        begin = time.monotonic_ns()
        made.apply_async(die, (0,))
        result = made.apply_async(stamp, (0,))
        times.append((result.get(10) - begin) / 1e3)
    return statistics.median(times)


def kill_idle(made, submit, processes):
    """A worker is killed while it waits for a task. 1 if a task that was submitted later has no answer after 2 s, or fails."""
    time.sleep(0.05)  # to hit it in the wait; it is a measurement, no test
    os.kill(processes(made)[0], signal.SIGKILL)
    time.sleep(0.2)
    try:
        results = [submit(made, task) for task in range(10)]
        deadline = time.monotonic() + 2
        for result in results:
            get = result.result if hasattr(result, "result") else result.get
            get(max(0, deadline - time.monotonic()))
        return 0
    except Exception:
        return 1


def executor_kill_idle():
    return kill_idle(executor(), lambda made, task: made.submit(tiny, task), lambda made: list(made._processes))


def pool_kill_idle():
    submit = lambda made, task: made.apply_async(tiny, (task,))
    return kill_idle(pool(), submit, lambda made: [process.pid for process in made._pool])


def orphans(start):
    """The caller of a pool is killed in the middle of two tasks. How many workers live on after 100 ms?"""
    path = f"/tmp/peers-{os.getpid()}"
    caller = os.fork()
    if caller == 0:
        start(path)
        time.sleep(60)
        os._exit(0)
    try:
        deadline = time.monotonic() + 10
        pids = []
        while len(pids) < WORKERS and time.monotonic() < deadline:
            time.sleep(0.005)
            if os.path.exists(path):
                with open(path) as file:
                    pids = [int(line) for line in file]
        handles = [os.pidfd_open(pid) for pid in pids]
        os.kill(caller, signal.SIGKILL)
        os.waitpid(caller, 0)
        time.sleep(0.1)
        alive = 0
        for handle in handles:
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                alive += 1  # it could still be killed; an ended one that nobody reaped yet counts as well
            except ProcessLookupError:
                pass
        return alive
    finally:
        if os.path.exists(path):
            os.unlink(path)


def executor_orphans():
    def start(path):
        made = ProcessPoolExecutor(WORKERS, mp_context=FORK)
        global kept
        kept = [made, [made.submit(forever, path) for _ in range(WORKERS)]]

    return orphans(start)


def pool_orphans():
    def start(path):
        made = FORK.Pool(WORKERS)
        global kept
        kept = [made, [made.apply_async(forever, (path,)) for _ in range(WORKERS)]]

    return orphans(start)


if __name__ == "__main__":
    who, what, *count = sys.argv[1:]
    print(globals()[f"{who}_{what}"](*map(int, count)), flush=True)
    os._exit(0)  # without the pools' own end, which may hang

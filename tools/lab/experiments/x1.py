"""X1: kills a worker of a pool, a holder of a lock, and a parent. What do the others lose?

In each pool, two workers get ten tasks. Tasks 0 and 1 answer; then, once all have been submitted, task 2 fails while task 3
runs and six more wait. A task is lost when it gives neither its own result nor its own exception.
"""

import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import select
import signal
import sys
import time

import bench
import crash

TASKS, WORKERS = 10, 2
DEADLINE_SECONDS = crash.DEADLINE_SECONDS
FROZEN_SECONDS = 0.5  # for how long nothing happens where nothing ever will
METHODS = ["fork", "forkserver", "spawn"]
FAILURES = ["exception", "sys_exit", "exit", "sigsegv", "sigkill"]
PR_SET_CHILD_SUBREAPER = 36
KEPT = []  # an end of a program by os._exit finalizes nothing; a pool that is collected terminates itself, and may hang in it


def limit_worker():
    bench.limit_lifetime()
    signal.alarm(2 * DEADLINE_SECONDS)


def prepare(*ends):
    """Initializes a worker: how its tasks 2 and 3 hear and are heard."""
    limit_worker()
    prepare_threads(*ends)


def prepare_threads(*ends):
    global begun, fail, go
    begun, fail, go = ends


def task(number, failure):
    """Task 2 fails when it is told to. Task 3 says that it has begun, and ends when it is told to."""
    if number == 2:
        fail.recv_bytes()
        crash.now(failure)
    if number == 3:
        begun.send_bytes(b"3")
        go.recv_bytes()
    return number


def nothing():
    return None


# The scenarios. Each runs in a program of its own, which reports a number.


class Ends:
    """How the program steers tasks 2 and 3: `theirs` is for the workers."""

    def __init__(self, context):
        (self.has_begun, begun), (fail, self.let_fail), (go, self.let_go) = (context.Pipe(duplex=False) for _ in range(3))
        self.theirs = begun, fail, go

    def fail(self):
        """Lets task 2 fail while task 3 runs."""
        if not self.has_begun.poll(DEADLINE_SECONDS):
            sys.exit(f"task 3: not begun within {DEADLINE_SECONDS} s")
        self.let_fail.send_bytes(b"fail")

    def go(self):
        with contextlib.suppress(OSError):  # task 3 may have died
            self.let_go.send_bytes(b"go")


def lost_futures(futures):
    def has_own_answer(future):
        if not future.done():
            return False
        return not isinstance(future.exception(), concurrent.futures.BrokenExecutor)

    return sum(not has_own_answer(future) for future in futures)


def futures_lost(executor, ends, failure):
    first = [executor.submit(task, number, failure) for number in (0, 1)]
    concurrent.futures.wait(first)
    crash.report(len(first))
    futures = first + [executor.submit(task, number, failure) for number in range(2, TASKS)]
    ends.fail()
    concurrent.futures.wait([futures[2]])
    ends.go()
    concurrent.futures.wait(futures)
    return lost_futures(futures)


def executor_loses(method, failure):
    context = multiprocessing.get_context(method)
    ends = Ends(context)
    with concurrent.futures.ProcessPoolExecutor(WORKERS, context, prepare, ends.theirs) as executor:
        return futures_lost(executor, ends, failure)


def threads_lose(failure):
    ends = Ends(multiprocessing.get_context("fork"))
    with concurrent.futures.ThreadPoolExecutor(WORKERS, initializer=prepare_threads, initargs=ends.theirs) as executor:
        return futures_lost(executor, ends, failure)


def interpreters_lose():
    """An interpreter that ends its process takes the program along, as a thread does."""
    with concurrent.futures.InterpreterPoolExecutor(WORKERS) as executor:
        futures = [executor.submit(os.getpid) for _ in range(2)]
        concurrent.futures.wait(futures)
        crash.report(len(futures))
        futures += [executor.submit(os._exit, 3)] + [executor.submit(os.getpid) for _ in range(3, TASKS)]
        concurrent.futures.wait(futures)
        return lost_futures(futures)


def idle_executor_loses():
    """Kills an idle worker, and gives the executor ten tasks."""
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(WORKERS, context, limit_worker) as executor:
        executor.submit(nothing).result()
        worker = next(iter(executor._processes.values()))
        manager = executor._executor_manager_thread
        os.kill(worker.pid, signal.SIGKILL)
        manager.join(DEADLINE_SECONDS)  # it ends once it has seen the death
        lost = 0
        for _ in range(TASKS):
            try:
                executor.submit(nothing).result()
            except concurrent.futures.BrokenExecutor:
                lost += 1
        return lost


class Pool:
    """A multiprocessing.Pool of two workers, whose tasks are known to have an answer or never to get one."""

    def __init__(self, method):
        KEPT.append(self)
        context = multiprocessing.get_context(method)
        self.ends = Ends(context)
        self.pool = context.Pool(WORKERS, prepare, self.ends.theirs)
        self.first = {worker.pid for worker in self.pool._pool}

    def submit(self, number, failure):
        return self.pool.apply_async(task, (number, failure))

    def loses(self, failure):
        results = [self.submit(number, failure) for number in (0, 1)]
        for result in results:
            result.get(DEADLINE_SECONDS)
        results += [self.submit(number, failure) for number in range(2, TASKS)]
        self.ends.fail()
        wait_until(lambda: results[2].ready() or self.has_replaced())
        self.ends.go()
        wait_until(lambda: all(result.ready() for number, result in enumerate(results) if number != 2))
        self.is_in_order()
        return sum(not result.ready() for result in results)

    def map_loses(self, failure):
        result = self.pool.starmap_async(task, [(number, failure) for number in range(TASKS)], chunksize=1)
        self.ends.fail()
        wait_until(self.has_replaced)
        self.ends.go()
        wait_until(lambda: result._number_left == 1)  # all others have answered
        self.is_in_order()
        return 0 if result.ready() else TASKS

    def has_replaced(self):
        return {worker.pid for worker in self.pool._pool} - self.first

    def is_in_order(self):
        """Returns once the pool has carried out later tasks: whatever was before them in the queue is done or lost."""
        for _ in range(TASKS):
            self.pool.apply_async(nothing).get(DEADLINE_SECONDS)

    def idle_loses(self, holder):
        """Kills the idle worker that holds the queue's lock, or the other one, and gives the pool ten tasks."""
        waits = {worker.pid: None for worker in self.pool._pool}

        def both_sleep():
            for pid in waits:
                waits[pid] = sleeps_in(pid)
            return set(waits.values()) == {"read", "lock"}

        wait_until(both_sleep)
        culprit = next(pid for pid, where in waits.items() if (where == "read") == holder)
        os.kill(culprit, signal.SIGKILL)
        wait_until(self.has_replaced)
        results = [self.pool.apply_async(nothing) for _ in range(TASKS)]
        if not holder:
            for result in results:
                result.wait(DEADLINE_SECONDS)
        elif self.pool._inqueue._rlock.acquire(block=False):
            sys.exit("the dead worker's lock is free")
        else:
            results[0].wait(FROZEN_SECONDS)
        return sum(not result.ready() for result in results)


def terminate_hangs():
    pool = Pool("fork")
    pool.idle_loses(holder=True)
    crash.report(1)  # what is reported if it never returns
    pool.pool.terminate()
    return 0


def sleeps_in(pid):
    """Tells what an idle worker sleeps in: the read of the queue, or the lock before it."""
    with open(f"/proc/{pid}/wchan") as file:
        where = file.read()
    return "read" if "pipe_read" in where else "lock" if "futex" in where else None


def wait_until(happened):
    end = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        if time.monotonic() > end:
            sys.exit(f"{happened.__name__}: not within {DEADLINE_SECONDS} s")
        time.sleep(0.001)


def die_with(lock):
    """Forks a child that takes a lock and is killed, and waits for its end."""
    pid = os.fork()
    if pid == 0:
        limit_worker()
        lock()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def lock_stays():
    lock = multiprocessing.get_context("fork").Lock()
    die_with(lock.acquire)
    return int(not lock.acquire(block=False))


def flock_stays():
    import fcntl
    import tempfile

    with tempfile.NamedTemporaryFile() as file:

        def take():
            own = open(file.name)
            fcntl.flock(own, fcntl.LOCK_EX)
            os.kill(os.getpid(), signal.SIGKILL)  # before `own` is closed

        die_with(take)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 1
        return 0


def record_is_torn():
    """A record in shared memory is a value, twice. Its writer is killed between the two writes."""
    record = multiprocessing.get_context("fork").RawArray(ctypes.c_long, [1, 1])

    def write():
        record[0] = 2

    die_with(write)
    return int(record[0] != record[1])


def event_set_hangs():
    """A process is killed while it waits for an event. Does set() return?"""
    event = multiprocessing.get_context("fork").Event()
    waiter = multiprocessing.get_context("fork").Process(target=lambda: (limit_worker(), event.wait()))
    waiter.start()
    wait_until(lambda: event._cond._sleeping_count._semlock._get_value() == 1 and sleeps_in(waiter.pid) == "lock")
    waiter.kill()
    waiter.join()
    crash.report(1)
    event.set()
    return 0


# Orphans: a parent with two workers is killed. Which of them are left?


def rest():
    """An orphan's life is short, but no death signal ends it with its parent."""
    signal.alarm(DEADLINE_SECONDS // 2)


def rest_long():
    rest()
    time.sleep(2 * DEADLINE_SECONDS)


def own_an_executor(method, tell):
    executor = concurrent.futures.ProcessPoolExecutor(WORKERS, multiprocessing.get_context(method), rest)
    list(executor.map(time.sleep, [0.05] * 4))
    tell(list(executor._processes))
    return executor


def own_a_pool(method, tell):
    pool = multiprocessing.get_context(method).Pool(WORKERS, rest)
    pool.map(time.sleep, [0.05] * 4)
    tell([worker.pid for worker in pool._pool])
    return pool


def own_processes(method, tell):
    workers = [multiprocessing.get_context(method).Process(target=rest_long, daemon=True) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    tell([worker.pid for worker in workers])
    return workers


def orphans(own, method):
    """Counts the workers that are alive half a second after their parent was killed, and ends them."""
    bench.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        limit_worker()
        owned = own(method, lambda pids: os.write(writer, " ".join(map(str, pids)).encode()))
        time.sleep(DEADLINE_SECONDS)
        os._exit(1 if owned else 2)
    pids = [int(pid) for pid in os.read(reader, 4096).split()]
    handles = [os.pidfd_open(pid) for pid in pids]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    end = time.monotonic() + FROZEN_SECONDS
    alive = list(handles)
    while alive and time.monotonic() < end:
        ended, _, _ = select.select(alive, [], [], max(0, end - time.monotonic()))
        alive = [handle for handle in alive if handle not in ended]
    for handle in alive:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    return len(alive)


# What the scenarios report.


def of(scenario, *args):
    """What a scenario reports at its end."""
    numbers, ended = crash.measure(scenario, *args)
    if not ended:
        sys.exit(f"{scenario.__name__}{args}: no end within {DEADLINE_SECONDS} s")
    return numbers[-1]


def hangs(scenario):
    numbers, ended = crash.measure(scenario, patience=FROZEN_SECONDS)
    if not numbers:
        sys.exit(f"{scenario.__name__}: it did not come to the point")
    return int(not ended)


def dies(scenario, *args):
    """Tasks lost by a program that dies itself: all but those that it reported before."""
    numbers, ended = crash.measure(scenario, *args)
    if ended:
        sys.exit(f"{scenario.__name__}{args}: the program did not die")
    return TASKS - numbers[-1]


def pool_loses(method, failure):
    return Pool(method).loses(failure)


def pool_map_loses(method, failure):
    return Pool(method).map_loses(failure)


def idle_pool_loses(holder):
    return Pool("fork").idle_loses(holder)


def one_round():
    line = {
        "interpreters_exit": dies(interpreters_lose) if sys.version_info >= (3, 14) else None,
        "executor_idle": of(idle_executor_loses),
        "pool_map_sigkill": of(pool_map_loses, "fork", "sigkill"),
        "lock_stays": of(lock_stays),
        "flock_stays": of(flock_stays),
        "record_torn": of(record_is_torn),
    }
    for failure in FAILURES:
        ends_threads = failure not in ("exception", "sys_exit")
        line[f"threads_{failure}"] = dies(threads_lose, failure) if ends_threads else of(threads_lose, failure)
        line[f"executor_{failure}"] = of(executor_loses, "fork", failure)
        line[f"pool_{failure}"] = of(pool_loses, "fork", failure)
    for method in ["forkserver", "spawn"]:
        line[f"executor_sigkill_{method}"] = of(executor_loses, method, "sigkill")
        line[f"pool_sigkill_{method}"] = of(pool_loses, method, "sigkill")
    if bench.LINUX:
        line["pool_idle_holder"] = of(idle_pool_loses, True)
        line["pool_idle_other"] = of(idle_pool_loses, False)
        line["terminate_hangs"] = hangs(terminate_hangs)
        line["event_set_hangs"] = hangs(event_set_hangs)
        for method in METHODS:
            line[f"orphans_executor_{method}"] = of(orphans, own_an_executor, method)
            line[f"orphans_pool_{method}"] = of(orphans, own_a_pool, method)
        line["orphans_daemon"] = of(orphans, own_processes, "fork")
    return line


def main():
    rounds, _ = bench.begin({"tasks": TASKS, "workers": WORKERS})
    if bench.LINUX:
        bench.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for _ in range(rounds):
        bench.emit({"round": one_round()})


if __name__ == "__main__":
    main()

"""C2: four threads, four processes, four asyncio tasks. What does the kernel see?"""

import asyncio
import os
import threading

import bench

WORKERS = 4

rounds, _ = bench.begin({"workers": WORKERS})


def added(ids):
    """Counts those of `ids` that the kernel schedules as threads of this process, besides the main one; None without /proc."""
    if not bench.LINUX:
        return None
    listed = {int(name) for name in os.listdir("/proc/self/task")}
    return len(listed & set(ids) - {threading.main_thread().native_id})


def of_processes():
    """Counts the pids of four processes, and the threads that they add to this one. Forks, so it comes first."""
    children = [bench.fork(os.getpid) for _ in range(WORKERS)]
    adds = added(pid for _, pid in children)
    return {"process_pids": len({bench.result(child) for child in children}), "process_adds": adds}


def of_threads():
    """Counts what four threads add, while one of them is blocked in a read and the others wait for an event."""
    pids, ids = set(), set()
    go, ready = threading.Event(), threading.Barrier(WORKERS + 1)
    reader, writer = os.pipe()

    def wait(how):
        pids.add(os.getpid())
        ids.add(threading.get_native_id())
        ready.wait()
        how()

    blocked = threading.Thread(target=wait, args=(lambda: os.read(reader, 1),))
    others = [threading.Thread(target=wait, args=(go.wait,)) for _ in range(WORKERS - 1)]
    for thread in [blocked, *others]:
        thread.start()
    ready.wait()
    adds = added(ids)
    go.set()
    for thread in others:
        thread.join()
    went_on = len(others) if blocked.is_alive() else 0
    os.write(writer, b"!")
    blocked.join()
    os.close(reader)
    os.close(writer)
    return {"thread_pids": len(pids), "thread_ids": len(ids), "thread_adds": adds, "went_on": went_on}


def of_coroutines():
    ids = set()

    async def wait(go):
        ids.add(threading.get_native_id())
        await go.wait()

    async def all_of_them():
        go = asyncio.Event()
        waiting = [asyncio.create_task(wait(go)) for _ in range(WORKERS)]
        await asyncio.sleep(0)  # each runs up to its wait
        adds = added(ids)
        go.set()
        await asyncio.gather(*waiting)
        return adds

    return {"coroutine_adds": asyncio.run(all_of_them()), "coroutine_ids": len(ids)}


for _ in range(rounds):
    bench.emit({"round": {**of_processes(), **of_threads(), **of_coroutines()}})

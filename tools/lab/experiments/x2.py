"""X2: crashes one thread of a program, then one process of a program, in every way there is.

Each program consists of a main flow and two workers. Worker A crashes. How many of the other two go on?
"""

import multiprocessing
import multiprocessing.popen_fork
import multiprocessing.resource_tracker
import os
import threading

import bench
import crash

MAIN, OTHER = 1, 2  # what the flows report that are alive


def a_thread_crashes(kind):
    asked = threading.Event()

    def other():
        asked.wait()
        crash.report(OTHER)

    return crash_first(threading.Thread, kind, other, asked.set)


def a_process_crashes(kind):
    asked, ask = os.pipe()

    def other():
        bench.limit_lifetime()
        os.read(asked, 1)
        crash.report(OTHER)

    return crash_first(multiprocessing.get_context("fork").Process, kind, other, lambda: os.write(ask, b"?"))


def crash_first(Worker, kind, other, ask):
    """Starts two workers, waits until the one that crashes is gone, and asks the other one whether it is alive."""
    first, second = Worker(target=crash.now, args=[kind]), Worker(target=other)
    second.start()
    first.start()
    first.join()
    ask()
    second.join()
    return MAIN


def survivors(program, kind):
    alive, _ = crash.measure(program, kind, memory=True)
    return len(alive)


def one_round():
    programs = {"thread": a_thread_crashes, "process": a_process_crashes}
    return {
        f"{place}_{kind}": survivors(program, kind)
        for place, program in programs.items()
        for kind in crash.CRASHES
        if bench.LINUX or kind != "out_of_memory"  # elsewhere the limit is not enforced
    }


def main():
    rounds, _ = bench.begin({"others": 2, "crashes": len(crash.CRASHES)})
    nothing = {f"{place}_out_of_memory": None for place in ("thread", "process")}
    for _ in range(rounds):
        bench.emit({"round": {**nothing, **one_round()}})


if __name__ == "__main__":
    main()

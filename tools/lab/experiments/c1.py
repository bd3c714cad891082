"""C1: two equal computations: one after the other, in two threads, two processes, two interpreters. Do they overlap?

And the price of a process: starting one, by start method, and sending it what it is to work on.
"""

import os
from multiprocessing import get_context

import bench

TURNS = 600_000  # of the loop below, some 20 ms
RECORDS = 20_000

try:
    from concurrent import interpreters  # Python 3.14
except ImportError:
    interpreters = None

SOURCE = """
def work(turns):
    total = 0
    for number in range(turns):
        total += number & 7
    return total
"""
exec(SOURCE)


def nothing():
    pass


def total_of(records):
    return sum(record["score"] for record in records)


def serve(requests):
    """Runs in a worker process: computes, or adds up what it is sent. Answers with the result and its demand for a CPU."""
    bench.limit_lifetime()
    while True:
        thing = requests.recv()
        before = bench.cpu_demand()
        answer = work(thing) if isinstance(thing, int) else total_of(thing)
        requests.send((answer, bench.cpu_demand() - before))


def main():
    rounds, _ = bench.begin({"turns": TURNS, "pieces": 2, "cpus": len(bench.CPUS) or os.cpu_count(), "records": RECORDS})
    context = get_context("fork")  # before there is a second thread
    workers = []
    for _ in range(2):
        here, there = context.Pipe()
        worker = context.Process(target=serve, args=(there,), daemon=True)
        worker.start()
        there.close()
        workers.append(here)
    records = [{"id": number, "name": f"user {number:06}", "score": number / 7} for number in range(RECORDS)]
    others = [interpreters.create() for _ in workers] if interpreters else []
    for other in others:
        other.exec(SOURCE)

    def serial():
        work(TURNS)
        work(TURNS)

    def in_processes():
        """Returns how many of the workers run or could run, on average, and the time."""
        demand = 0

        def ask():
            nonlocal demand
            for worker in workers:
                worker.send(TURNS)
            for worker in workers:
                demand += worker.recv()[1]

        took = bench.micros(ask)
        return demand / 1000 / took, took

    def started(method):
        """Returns how long it takes to start a process that does nothing, and to wait for its end."""

        def start():
            process = get_context(method).Process(target=nothing)
            process.start()
            process.join()

        return bench.micros(start)

    def there():
        workers[0].send(records)
        return workers[0].recv()[0]

    ways = {
        "serial": None,
        "threads": lambda: bench.demand_of([lambda: work(TURNS)] * 2),
        "processes": in_processes,
        "serial_again": None,
    }
    if others:
        ways["interpreters"] = lambda: bench.demand_of(
            [lambda other=other: other.exec(f"work({TURNS})") for other in others]
        )

    def one_round(number):
        line = {"interpreters": None, "interpreters_ready": None}
        for way in bench.rotated(list(ways), number):
            if ways[way]:
                line[f"{way}_ready"], line[way] = ways[way]()[:2]
                if way == "threads":  # without those that wake up only to ask for the GIL: on a busy machine they wait for a CPU
                    with bench.switch_interval(1):
                        line["threads_ready"] = ways[way]()[0]
            else:
                line[way] = bench.micros(serial)
        for method in "fork", "forkserver", "spawn":
            line[f"start_{method}"] = started(method)
        line["total_here"] = bench.micros(lambda: total_of(records))
        line["total_there"] = bench.micros(there)
        return line

    one_round(0)  # warm-up; it starts the fork server too
    for number in range(rounds):
        bench.emit({"round": one_round(number)})


if __name__ == "__main__":
    main()

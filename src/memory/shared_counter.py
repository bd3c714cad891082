"""Two processes add to one number. Sharing does not make an addition whole."""
# needs: python >= 3.9

from multiprocessing import Process, Value

TIMES = 50_000


def add(counter):
    for _ in range(TIMES):
        counter.value += 1  # locks twice: to read, and to write


def add_locked(counter):
    for _ in range(TIMES):
        with counter.get_lock():
            counter.value += 1


def lost_some(work, rounds):
    """Whether an addition was lost in any of up to `rounds` rounds."""
    for _ in range(rounds):
        counter = Value("Q", 0)
        workers = [Process(target=work, args=(counter,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if counter.value != 2 * TIMES:
            return "yes"
    return "no"


if __name__ == "__main__":
    print("counter.value += 1  lost some:", lost_some(add, 20))
    print("the lock around it  lost some:", lost_some(add_locked, 3))

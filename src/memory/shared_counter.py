"""Two processes add to one number. Sharing it doesn't make that atomic."""
# needs: python >= 3.9

from multiprocessing import Process, Value

TIMES = 50_000


# region: shown
def add(counter):
    for _ in range(TIMES):
        counter.value += 1  # locks twice: once to read, once to write


def add_locked(counter):
    for _ in range(TIMES):
        with counter.get_lock():
            counter.value += 1
# endregion


def lost_some(work, rounds):
    """Returns whether any of up to `rounds` rounds lost an addition."""
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

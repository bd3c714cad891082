"""Two processes add to one number in shared memory: sharing alone does not make an addition whole."""
# needs: python >= 3.9

from multiprocessing import Process, Value

TIMES = 50_000


def add(counter):
    for _ in range(TIMES):
        counter.value += 1  # takes the lock twice: once to read, once to write


def add_locked(counter):
    for _ in range(TIMES):
        with counter.get_lock():
            counter.value += 1


def lost_some(work, rounds):
    """Whether additions were lost in one of `rounds` rounds."""
    for _ in range(rounds):
        counter = Value("Q", 0)
        workers = [Process(target=work, args=(counter,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if counter.value != 2 * TIMES:
            return True
    return False


if __name__ == "__main__":
    print("counter.value += 1             lost some:", "yes" if lost_some(add, 20) else "no")
    print("with the lock around the whole lost some:", "yes" if lost_some(add_locked, 3) else "no")

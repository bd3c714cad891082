"""A process dies while it holds a lock. Who gives the lock back?"""
# needs: python >= 3.9, linux

import fcntl
import os
import tempfile
from multiprocessing import Lock, Pipe, Process


# region: shown
def hold_both(lock, path, ready):
    lock.acquire()
    file = open(path)
    fcntl.flock(file, fcntl.LOCK_EX)
    ready.send("holding both")
    ready.recv()  # forever


def main():
    lock, (here, there) = Lock(), Pipe()
    with tempfile.NamedTemporaryFile() as file:
        holder = Process(target=hold_both, args=(lock, file.name, there))
        holder.start()
        there.close()
        print("child            :", here.recv())
        holder.kill()
        holder.join()

        fcntl.flock(file, fcntl.LOCK_EX)  # waits for its turn
        print("file lock        : ours")
        print("the pipe         :", "EOF" if at_end(here) else "silent")
        taken = lock.acquire(timeout=2)
        print("multiprocessing's:", "ours" if taken else "gave up after 2 s")
# endregion


def at_end(connection):
    try:
        connection.recv()
    except EOFError:
        return True
    return False


if __name__ == "__main__":
    main()

"""A process is killed while it holds a lock. What do the others find?"""
# needs: python >= 3.9, linux

import fcntl
import os
import signal
import tempfile
from multiprocessing import get_context

context = get_context("fork")
file = tempfile.NamedTemporaryFile()

# region: shown
lock = context.Lock()
accounts = context.RawArray("q", [100, 0])  # shared; the sum is always 100


def transfer():
    handle = open(file.name)
    fcntl.flock(handle, fcntl.LOCK_EX)  # a lock that the kernel keeps
    lock.acquire()  # a semaphore in shared memory
    accounts[0] -= 30
    os.kill(os.getpid(), signal.SIGKILL)
    accounts[1] += 30


process = context.Process(target=transfer)
process.start()
process.join()

fcntl.flock(file, fcntl.LOCK_EX)
print("the file's lock: free, its holder is gone")
is_free = lock.acquire(timeout=1)
print("multiprocessing.Lock:", "free" if is_free else "still locked")
print("accounts:", list(accounts), "sum", sum(accounts))
# endregion

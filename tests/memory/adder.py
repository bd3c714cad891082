# Makes a block and adds 1 to it a few times, under its lock, while somebody else adds to it too.
import fcntl
import os
import select
import sys
import time
from multiprocessing import resource_tracker, shared_memory

# This script unlinks what it makes: spare it the tracker, which is a second Python.
resource_tracker.register = resource_tracker.unregister = lambda name, kind: None

name, start, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
block = shared_memory.SharedMemory(name=name, create=True, size=8)
lock = open("/dev/shm/" + name, "rb")
inode = os.fstat(lock.fileno()).st_ino


def read():
    return int.from_bytes(bytes(block.buf[:8]), sys.byteorder)


def write(value):
    block.buf[:8] = value.to_bytes(8, sys.byteorder)


def somebody_waits():
    # A waiter's line: `1: -> FLOCK  ADVISORY  WRITE 4242 00:1b:17 0 EOF`, with the inode after the colons.
    with open("/proc/locks") as locks:
        return any(
            "->" in words and words[6].endswith(f":{inode}")
            for words in map(str.split, locks)
            if len(words) > 6
        )


def told():
    return bool(select.select([sys.stdin], [], [], 0)[0])


try:
    write(start)
    for turn in range(rounds):
        fcntl.flock(lock, fcntl.LOCK_EX)
        seen = read()
        if turn == 0:
            print("holding")
        # In the first round the other side has not begun yet: wait for it, however long it takes.
        patience = time.monotonic() + (8 if turn == 0 else 0.02)
        while not somebody_waits() and read() == seen and not told():
            if time.monotonic() > patience:
                break
            time.sleep(0.0002)
        write(seen + 1)
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(0.0002)
    input()
    print(read())
finally:
    block.close()
    block.unlink()

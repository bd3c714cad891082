"""Any process of the same user that knows a block's name can open it."""
# needs: python >= 3.9, linux

import fcntl
import os
import struct
from multiprocessing import Process
from multiprocessing.shared_memory import SharedMemory


def run(workers):
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


# region: shown
U64 = struct.Struct("=Q")  # an unsigned 64-bit number, native byte order


def add(name, amounts):
    block = SharedMemory(name=name)
    with open(f"/dev/shm/{name}", "rb") as lock:
        for amount in amounts:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (value,) = U64.unpack_from(block.buf, 0)
            U64.pack_into(block.buf, 0, value + amount)
            fcntl.flock(lock, fcntl.LOCK_UN)
    block.close()


def main():
    block = SharedMemory(create=True, size=U64.size)
    path = f"/dev/shm/{block.name}"
    try:
        work = (block.name, [1] * 10_000)
        run([Process(target=add, args=work) for _ in range(2)])
        print("total                :", U64.unpack_from(block.buf, 0)[0])
        print("a file while it lives:", os.path.exists(path))
    finally:
        block.close()
        block.unlink()  # without this it outlives every process
    print("after unlink         :", os.path.exists(path))
# endregion


if __name__ == "__main__":
    main()

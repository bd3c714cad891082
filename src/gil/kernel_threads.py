"""Three threads block, and the kernel lists each of them."""
# needs: python >= 3.9, linux

import os
from pathlib import Path

# region: shown
from threading import Barrier, Thread, get_native_id

ids = []
met = Barrier(4)


def wait():
    ids.append((os.getpid(), get_native_id()))
    met.wait()  # until all four are here
    met.wait()  # until main has looked


threads = [Thread(target=wait, name=f"worker {n}") for n in range(3)]
for thread in threads:
    thread.start()
met.wait()
tasks = {int(path.name): path for path in Path("/proc/self/task").iterdir()}
names = {(tasks[tid] / "comm").read_text().strip() for _, tid in ids}
print("pids:", len({pid for pid, _ in ids}))
print("kernel ids:", len({tid for _, tid in ids}))
print("all in the kernel's list:", all(tid in tasks for _, tid in ids))
python_names = {thread.name for thread in threads}
print("under their Python names:", names == python_names)
met.wait()
# endregion

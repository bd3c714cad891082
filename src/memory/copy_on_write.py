"""A forked child shares its pages with its parent until one of them writes."""
# needs: python >= 3.9, linux

import mmap
import os

PAGE = mmap.PAGESIZE
PAGES = 4096


def private_dirty():
    """Returns how many pages only this process maps and somebody wrote to."""
    with open("/proc/self/smaps_rollup") as smaps:
        for line in smaps:
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024 // PAGE
    raise RuntimeError("no Private_Dirty in /proc/self/smaps_rollup")


# region: shown
def read(memory):
    for page in range(PAGES):
        memory[page * PAGE]


def write(memory):
    for page in range(PAGES):
        memory[page * PAGE] = 2


def in_child(work, memory):
    pid = os.fork()
    if pid == 0:
        before = private_dirty()
        work(memory)
        copied = private_dirty() - before
        about = round(copied, -2)  # the interpreter copies a few for itself
        name = work.__name__
        print(f"child, {name}: about {about} pages copied", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(f"parent: the first byte is still {memory[0]}", flush=True)
# endregion


private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
memory = mmap.mmap(-1, PAGES * PAGE, flags=private)
for page in range(PAGES):
    memory[page * PAGE] = 1  # an untouched page has no frame to share
print(f"{PAGES} pages, fork, and then:", flush=True)
# region: shown
in_child(read, memory)
in_child(write, memory)
# endregion

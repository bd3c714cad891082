"""CPython writes when it reads: counts and marks live inside the objects."""
# needs: python >= 3.9, linux

import gc
import os


class Record:
    __slots__ = ("name",)


def private_dirty():
    """KiB that belong to this process alone and were written to."""
    with open("/proc/self/smaps_rollup") as smaps:
        for line in smaps:
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1])
    raise RuntimeError("no Private_Dirty in /proc/self/smaps_rollup")


def looks_at_each():
    for record in records:
        pass  # takes a reference and gives it back: two writes


def collects():
    gc.collect()  # marks every object that it visits


def in_child(what, work):
    pid = os.fork()
    if pid == 0:
        before = private_dirty()
        work()
        copied = (private_dirty() - before) / size
        little = "almost none" if copied < 0.1 else "some"
        print(f"{what:32} {'most' if copied > 0.6 else little}", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)


gc.disable()  # no collection but those below
before = private_dirty()
records = [Record() for _ in range(400_000)]
size = private_dirty() - before

print("of the parent's memory, copied for a child that", flush=True)
in_child("  looks at each record:", looks_at_each)
in_child("  runs the collector:", collects)
gc.freeze()
in_child("  runs the collector, frozen:", collects)
in_child("  looks at each record, frozen:", looks_at_each)

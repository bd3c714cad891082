"""CPython writes when it reads: counts and marks live with the objects."""
# needs: python >= 3.9, linux

import gc
import os


class Record:
    __slots__ = ("name",)


def private_dirty():
    """Returns how many KiB only this process maps and somebody wrote to."""
    with open("/proc/self/smaps_rollup") as smaps:
        for line in smaps:
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1])
    raise RuntimeError("no Private_Dirty in /proc/self/smaps_rollup")


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


# region: shown
def look_at_each():
    for record in records:
        pass  # takes a reference and drops it: two writes


def collect():
    gc.collect()  # marks every object that it visits


gc.disable()  # no collection except those below
before = private_dirty()
records = [Record() for _ in range(400_000)]
size = private_dirty() - before

print("of the parent's memory, copied for a child that", flush=True)
in_child("  looks at each record:", look_at_each)
in_child("  runs the collector:", collect)
gc.freeze()
in_child("  runs the collector, frozen:", collect)
in_child("  looks at each record, frozen:", look_at_each)
# endregion

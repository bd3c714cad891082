"""M1: a child reads 10 MiB that it inherited, another writes them. Who sees the writes, and which pages are copied?"""

import gc

import bench

PAGES = 2560  # 10 MiB of 4 KiB pages
LISTS = 163_840  # empty lists of 64 bytes each, collector's header included: 10 MiB as well

rounds, _ = bench.begin({"pages": PAGES, "page_bytes": bench.PAGE, "lists": LISTS})


def child_of(memory, work):
    """Counts what a child does to `memory` during `work`: faults, pages of its own, pages shared."""

    def counted():
        before = bench.faults()
        work()
        faults = bench.faults() - before
        return {"faults": faults, "private_dirty": memory.own(), "shared": memory.shared()}

    return bench.in_child(counted)


def copied_by(work):
    """Counts the pages of the whole interpreter that become a child's own during `work`."""

    def counted():
        gc.disable()  # else the collector's own writes count too
        before = bench.own_pages()
        work()
        return bench.minus(bench.own_pages(), before)

    return bench.in_child(counted)


def read_lists():
    for _ in lists:
        pass  # a reference is taken and given back: two writes to the list's count


private = bench.Pages(PAGES)
mapping = bench.Pages(PAGES, shared=True)

gc.disable()
lists = [[] for _ in range(LISTS)]
gc.enable()
lists_pages = len({id(one) // bench.PAGE for one in lists})  # CPython's id is the address


def one_round():
    reads = child_of(private, private.read)
    writes = child_of(private, lambda: private.write(2))
    bench.in_child(lambda: mapping.write(2))
    seen = {"parent_sees_private": private.holding(2), "parent_sees_shared": mapping.holding(2)}
    mapping.write(1)

    idle = copied_by(lambda: None)  # by the interpreter itself: subtracted from the others
    objects = {
        "lists_pages": lists_pages,
        "lists_idle": idle,
        "lists_read": bench.minus(copied_by(read_lists), idle),
        "lists_collect": bench.minus(copied_by(gc.collect), idle),
    }
    gc.freeze()
    objects["lists_read_frozen"] = bench.minus(copied_by(read_lists), idle)
    objects["lists_collect_frozen"] = bench.minus(copied_by(gc.collect), idle)
    gc.unfreeze()
    return {
        **{f"child_reads_{what}": count for what, count in reads.items()},
        **{f"child_writes_{what}": count for what, count in writes.items()},
        **seen,
        **objects,
    }


one_round()  # warm-up
for _ in range(rounds):
    bench.emit({"round": one_round()})

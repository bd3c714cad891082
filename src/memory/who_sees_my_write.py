"""One list, one append: made by a thread, then by a process. Who sees it?"""
# needs: python >= 3.9

from multiprocessing import Process
from threading import Thread


def append(where, seen):
    seen.append(where)
    print(f"  in the {where}: {seen}")


def main():
    seen = []
    for kind, where in (Thread, "thread"), (Process, "process"):
        worker = kind(target=append, args=(where, seen))
        worker.start()
        worker.join()
        print(f"afterwards, outside: {seen}")


if __name__ == "__main__":
    main()

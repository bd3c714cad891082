"""A thread and three kinds of process append to one list. Who sees it?"""
# needs: python >= 3.9, linux

from multiprocessing import get_context
from threading import Thread

# region: shown
seen = []


def append(name):
    seen.append(name)
    print(f"  in the {name}: {seen}")


def main():
    seen.append("main")
    workers = {"thread": Thread}
    for method in "fork", "forkserver", "spawn":
        workers[f"{method} child"] = get_context(method).Process
    for name, Worker in workers.items():
        worker = Worker(target=append, args=(name,))
        worker.start()
        worker.join()
        print(f"main, after the {name}: {seen}")
# endregion


if __name__ == "__main__":
    main()

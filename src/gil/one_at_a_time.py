"""Two threads count. How often do they take turns?"""
# needs: python >= 3.10, gil

import sys
import time

# region: shown
from threading import Thread

turns = []


def count(name):
    for _ in range(1_000_000):
        if turns[-1:] != [name]:
            turns.append(name)


def both(interval):
    sys.setswitchinterval(interval)
    turns.clear()
    threads = [Thread(target=count, args=(name,)) for name in "AB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return turns
# endregion


print("switch interval of 1 minute:", both(60))
print("switch interval of 5 ms: more than two turns:", len(both(0.005)) > 2)

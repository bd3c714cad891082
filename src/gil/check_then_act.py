"""Two threads check, then act. Each step is safe; the two together are not."""
# needs: python >= 3.9

# region: shown
from threading import Barrier, Lock, Thread

cache, computed = {}, []
both_checked = Barrier(2)
lock = Lock()


def compute(key):
    computed.append(key)
    return key.upper()


def get(key):
    if key not in cache:
        both_checked.wait()  # a switch between check and act
        cache[key] = compute(key)
    return cache[key]


def get_locked(key):
    with lock:
        if key not in cache:
            cache[key] = compute(key)
        return cache[key]


def times_computed(get):
    cache.clear()
    computed.clear()
    threads = [Thread(target=get, args=("answer",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(computed)
# endregion


print("check, then act:", times_computed(get), "times computed")
print("with a lock around both:", times_computed(get_locked), "times computed")

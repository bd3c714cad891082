"""While one thread is in a call, can another one run?"""
# needs: python >= 3.9, gil

import hashlib
import json
import sqlite3
import sys
import time
import zlib
from threading import Lock, Thread

data = bytes(range(256)) * 40_000  # 10 MB
numbers = list(range(1_000_000))
database = sqlite3.connect(":memory:")
COUNT = """with recursive n(i) as (select 1 union all select i + 1 from n
           where i < 2000000) select count(*) from n"""


def query():
    return database.execute(COUNT).fetchall()


def sha256_of_little_data():
    for _ in range(100_000):
        hashlib.sha256(data[:1000])


# region: shown
sys.setswitchinterval(60)  # nobody is forced to give up the GIL


def lets_others_run(call):
    gate = Lock()
    gate.acquire()
    ran = []

    def other():
        gate.acquire()  # waits here, without the GIL
        ran.append(True)

    thread = Thread(target=other)
    thread.start()
    gate.release()  # from now on, the other thread needs only the GIL
    call()
    answer = bool(ran)
    thread.join()
    return answer
# endregion


def show(name, call):
    print(f"{name:<26}", "yes" if lets_others_run(call) else "no")


show("time.sleep", lambda: time.sleep(0.5))
show("sha256, 10 MB", lambda: [hashlib.sha256(data) for _ in range(20)])
show("zlib.compress, 10 MB", lambda: zlib.compress(data, 9))
show("SQLite query", query)
show("sha256, 1 kB", sha256_of_little_data)
show("json.dumps", lambda: json.dumps(numbers))
show("sorted", lambda: sorted(numbers, key=str))
show("Python code", lambda: [number + 1 for number in numbers])

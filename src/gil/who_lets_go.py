"""While one thread is in a call, can another one run?"""
# needs: python >= 3.9

import hashlib
import json
import re
import sqlite3
import sys
import time
import zlib
from threading import Lock, Thread

data = bytes(range(256)) * 4096  # 1 MiB
numbers = list(range(100_000))
database = sqlite3.connect(":memory:")
COUNT = """with recursive n(i) as (select 1 union all select i + 1 from n
           where i < 100000) select count(*) from n"""

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
    end = time.monotonic() + 1
    while not ran and time.monotonic() < end:
        call()
    answer = bool(ran)
    thread.join()
    return answer
# endregion


def show(name, call):
    print(f"{name:<26}", "yes" if lets_others_run(call) else "no")


show("time.sleep", lambda: time.sleep(0.01))
show("sha256, 1 MiB", lambda: hashlib.sha256(data))
show("zlib.compress, 1 MiB", lambda: zlib.compress(data))
show("SQLite query", lambda: database.execute(COUNT).fetchall())
show("sha256, 1 KiB", lambda: hashlib.sha256(data[:1024]))
show("json.dumps", lambda: json.dumps(numbers))
show("re.match, backtracking", lambda: re.match("(a+)+b", "a" * 16))
show("Python code", lambda: [number + 1 for number in numbers])

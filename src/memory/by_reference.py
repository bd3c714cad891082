"""A queue between threads carries references: the object stays in place."""
# needs: python >= 3.9

import queue
import threading
import tracemalloc

# region: shown
requests = queue.Queue()
answers = queue.Queue()


def stamp():
    message = requests.get()
    message["stamps"].append("thread")
    answers.put(message)


thread = threading.Thread(target=stamp)
thread.start()
message = {
    "stamps": ["main"],
    "payload": bytes(64 << 20),
    "lock": threading.Lock(),
}

tracemalloc.start()
requests.put(message)
answer = answers.get()
# endregion
peak = tracemalloc.get_traced_memory()[1]
thread.join()

print("what was sent     :", message["stamps"])
print("the same came back:", answer is message)
print("payload           : 64 MiB")
print("allocated to send :", "< 64 KiB" if peak < 1 << 16 else "more")

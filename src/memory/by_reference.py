"""What goes to another thread is a reference: the object stays where it is."""
# needs: python >= 3.9

import queue
import threading
import tracemalloc

letters = queue.Queue()
answers = queue.Queue()


def reader():
    letter = letters.get()
    letter["stamps"].append("thread")
    answers.put(letter)


thread = threading.Thread(target=reader)
thread.start()
letter = {
    "stamps": ["main"],
    "payload": bytes(64 << 20),
    "lock": threading.Lock(),
}

tracemalloc.start()
letters.put(letter)
back = answers.get()
peak = tracemalloc.get_traced_memory()[1]
thread.join()

print("sent and changed there:", letter["stamps"])
print("came back the same one:", back is letter)
print("payload               : 64 MiB")
print("allocated to hand over:", "< 64 KiB" if peak < 1 << 16 else "more")

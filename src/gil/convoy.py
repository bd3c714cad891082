"""A thread waits for a reply while another one computes. Who is done first?"""
# needs: python >= 3.9

import sys

# region: shown
from threading import Lock, Thread

reply = Lock()
events = []


def ask():
    reply.acquire()  # blocks, without the GIL, until the reply arrives
    events.append("the reply is read")  # needs the GIL again


def compute():
    reply.release()  # the reply arrives right now
    total = 0
    for number in range(20_000_000):
        total += number
        if events:
            return  # the reply has been read: no need to go on
    events.append("the computation ends")


def first_event(interval):
    sys.setswitchinterval(interval)
    events.clear()
    reply.acquire()
    threads = [Thread(target=ask), Thread(target=compute)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reply.release()
    return events[0]
# endregion


print("switch interval of 1 minute:", first_event(60))
print("switch interval of 5 ms:    ", first_event(0.005))

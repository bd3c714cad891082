"""A queue between two interpreters of one process copies too."""
# needs: python >= 3.14, linux

import os
from concurrent import interpreters


# region: shown
def work(jobs, results, pid):
    import os

    job = jobs.get()
    job.append("worker")
    results.put((job, os.getpid() == pid))
    jobs.get()[0] = 1  # writes through a memoryview


jobs, results = interpreters.create_queue(), interpreters.create_queue()
worker = interpreters.create()
thread = worker.call_in_thread(work, jobs, results, os.getpid())

sent = ["main"]
jobs.put(sent)
back, same_process = results.get()
buffer = bytearray(1 << 20)
jobs.put(memoryview(buffer))
thread.join()

print("same process       :", same_process)
print("what was sent      :", sent)
print("what came back     :", back)
print("the worker's write :", buffer[0])
# endregion
worker.close()

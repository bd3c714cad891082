"""A queue pickles later, in a thread of its own; a pipe, in your call."""
# needs: python >= 3.9

import contextlib
import io
import threading
from multiprocessing import Pipe, Queue


# region: shown
class Job:
    def __reduce__(self):  # called when the job is pickled
        return str, (f"pickled in {threading.current_thread().name}",)


here, there = Pipe()
here.send(Job())
print("Pipe :", there.recv())
try:
    here.send(lambda: None)
except Exception:  # which one depends on the Python version
    print("Pipe : send refuses a lambda")

queue = Queue()
queue.put(Job())
print("Queue:", queue.get())
complaint = io.StringIO()
with contextlib.redirect_stderr(complaint):
    queue.put(lambda: None)  # no exception here
    queue.put("the next one")
    print("Queue:", queue.get())
print("Queue: a traceback on stderr:", "Traceback" in complaint.getvalue())
# endregion

"""Wait for a message and for the death of its sender at the same time."""
# needs: python >= 3.9

import os
import signal
from multiprocessing import Pipe, Process
from multiprocessing.connection import wait


# region: shown
def work(outbox):
    outbox.send("a result")
    os.kill(os.getpid(), signal.SIGKILL)


def main():
    inbox, outbox = Pipe(duplex=False)
    worker = Process(target=work, args=(outbox,))
    worker.start()  # our own copy of outbox keeps EOF from coming
    while True:
        ready = wait([inbox, worker.sentinel])
        if inbox in ready:  # first, what it sent before it died
            print("message:", inbox.recv())
        else:
            worker.join()
            print("it died:", signal.Signals(-worker.exitcode).name)
            break
# endregion


if __name__ == "__main__":
    main()

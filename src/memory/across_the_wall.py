"""The receiver of a pipe never gets the object itself, but a new one."""
# needs: python >= 3.9

import threading
from multiprocessing import Pipe, Process


def compare(sent, back):
    print("what was sent   :", sent["stamps"])
    print("what came back  :", back["stamps"])
    print("equal payloads  :", back["payload"] == sent["payload"])
    print("the same payload:", back["payload"] is sent["payload"])


def try_to_send(connection, thing):
    try:
        connection.send(thing)
    except Exception:  # which one depends on the Python version
        return "cannot be sent"
    return "sent"


# region: shown
def stamp(connection):
    message = connection.recv()
    message["stamps"].append("child")
    connection.send(message)


def main():
    here, there = Pipe()
    child = Process(target=stamp, args=(there,))
    child.start()
    message = {"stamps": ["parent"], "payload": bytes(1 << 20)}
    here.send(message)
    compare(message, here.recv())
    child.join()

    print("a lock          :", try_to_send(here, threading.Lock()))
    print("a lambda        :", try_to_send(here, lambda: None))
    print("a generator     :", try_to_send(here, (n for n in ())))
# endregion


if __name__ == "__main__":
    main()

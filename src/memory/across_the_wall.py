"""What goes to another process goes as bytes, and is built anew there."""
# needs: python >= 3.9

import threading
from multiprocessing import Pipe, Process


def twin(end):
    """Changes what it was sent, and sends it back."""
    letter = end.recv()
    letter["stamps"].append("child")
    end.send(letter)


def main():
    here, there = Pipe()
    child = Process(target=twin, args=(there,))
    child.start()

    letter = {"stamps": ["parent"], "payload": bytes(1 << 20)}
    here.send(letter)
    back = here.recv()
    child.join()

    print("sent and changed there:", letter["stamps"])
    print("came back             :", back["stamps"])
    print("payload equal         :", back["payload"] == letter["payload"])
    print("payload the same one  :", back["payload"] is letter["payload"])
    for name, thing in {
        "a lock": threading.Lock(),
        "a lambda": lambda: None,
        "a generator": (n for n in ()),
    }.items():
        try:
            here.send(thing)
        except Exception as problem:
            print(f"{name:22}: cannot be sent ({type(problem).__name__})")


if __name__ == "__main__":
    main()

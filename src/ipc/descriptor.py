"""A Unix socket can carry an open file to another process."""
# needs: python >= 3.9, linux

import os
import socket
import tempfile
from multiprocessing import get_context


# region: shown
def read_word(channel):
    message, fds, _, _ = socket.recv_fds(channel, 100, maxfds=1)
    print(f"child : got {message!r} and {len(fds)} descriptor")
    print("child : reads", os.read(fds[0], 6))


def main():
    with tempfile.TemporaryFile() as file:  # it has no name any more
        file.write(b"first second")
        file.seek(0)
        here, there = socket.socketpair()
        child = get_context("spawn").Process(target=read_word, args=(there,))
        child.start()
        socket.send_fds(here, [b"a file"], [file.fileno()])
        child.join()
        print("parent: reads", os.read(file.fileno(), 6))
# endregion


if __name__ == "__main__":
    main()

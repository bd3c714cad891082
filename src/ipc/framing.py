"""A pipe carries bytes. A length before each message makes it whole again."""
# needs: python >= 3.9

import os
import struct
from multiprocessing import Pipe

here, there = Pipe()  # two Connection objects, on a pair of Unix sockets
fd = here.fileno()

# region: shown
os.write(fd, b"tick")
os.write(fd, b"tock")
print("one read :", os.read(there.fileno(), 100))


def read_exactly(fd, count):
    data = b""
    while len(data) < count:
        part = os.read(fd, count - len(data))  # may bring fewer
        if not part:
            raise EOFError("the stream ended inside a message")
        data += part
    return data


def recv(fd):
    (length,) = struct.unpack("!i", read_exactly(fd, 4))
    return read_exactly(fd, length)


there.send_bytes(b"tick")
there.send_bytes(b"tock")
print("one frame:", os.read(fd, 8))
print("our recv :", recv(fd))

os.write(fd, struct.pack("!i", 5) + b"hello")
print("theirs   :", there.recv_bytes())
# endregion

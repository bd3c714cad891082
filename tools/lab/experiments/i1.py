"""I1: sends messages through each kind of channel, and counts in how many reads they arrive.

Ten small messages are written before the reader comes. One large message is written while the reader reads.
"""

import os
import socket
from multiprocessing import get_context

import bench

SMALL, MESSAGES = 64, 10
LARGE = 1 << 20
# What the reader is ready to take at once: more than was sent.
ROOM = 2 << 20
context = get_context("fork" if bench.LINUX else "spawn")

messages = [bytes([number]) * SMALL for number in range(MESSAGES)]
large = os.urandom(LARGE)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def reads_until(fd, expected):
    """Reads until as many bytes have come as are expected. Returns the number of reads, None if other bytes came."""
    parts, missing = [], len(expected)
    while missing > 0:
        part = os.read(fd, ROOM)
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return len(parts) if b"".join(parts) == expected else None


def pipe():
    return os.pipe()


def stream():
    return detached(socket.socketpair())


def packets():
    """A socket that keeps each message whole; None where the system has no such Unix socket."""
    try:
        return detached(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    except (AttributeError, OSError):
        return None


def detached(sockets):
    return tuple(one.detach() for one in sockets)


def small_by(ends):
    """Counts the reads in which ten small messages arrive."""
    if ends is None:
        return None
    reader, writer = ends
    for message in messages:
        os.write(writer, message)
    count = reads_until(reader, b"".join(messages))
    os.close(reader)
    os.close(writer)
    return count


def large_by(ends):
    """Counts the reads in which one large message arrives from another process."""
    reader, writer = ends
    child = bench.fork(lambda: write_all(writer, large))
    os.close(writer)
    count = reads_until(reader, large)
    os.close(reader)
    bench.result(child)
    return count


def framed_small():
    reader, writer = context.Pipe()
    for message in messages:
        writer.send_bytes(message)
    arrived = [reader.recv_bytes() for _ in messages]
    reader.close()
    writer.close()
    return len(arrived) if arrived == messages else None


def framed_large():
    reader, writer = context.Pipe()
    child = bench.fork(lambda: writer.send_bytes(large))
    writer.close()
    arrived = reader.recv_bytes()
    reader.close()
    bench.result(child)
    return 1 if arrived == large else None


rounds, _ = bench.begin({"messages": MESSAGES, "small_bytes": SMALL, "large_bytes": LARGE})


def one_round():
    return {
        "pipe_small": small_by(pipe()),
        "socket_small": small_by(stream()),
        "packets_small": small_by(packets()),
        "framed_small": framed_small(),
        "pipe_large": large_by(pipe()),
        "socket_large": large_by(stream()),
        "framed_large": framed_large(),
    }


for _ in range(rounds):
    bench.emit({"round": one_round()})

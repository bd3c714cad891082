"""I2: sends 64 bytes and 1 MiB to another process and back, through each kind of channel."""

import os
import socket
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from statistics import median

import bench

SIZES = SMALL, LARGE = 64, 1 << 20
# A sample is the median of so many batches, and a batch the mean of so many round trips: one trip of 64 bytes is too short
# to time well, and a busy machine may interrupt a batch or two.
BATCHES = {SMALL: (5, 8), LARGE: (3, 1)}
context = get_context("fork" if bench.LINUX else "spawn")
payloads = {size: os.urandom(size) for size in BATCHES}


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_all(fd, size):
    part = os.read(fd, size)
    if len(part) == size:
        return part
    parts = [part]
    while part and sum(map(len, parts)) < size:
        part = os.read(fd, size - sum(map(len, parts)))
        parts.append(part)
    if not part:
        raise EOFError("the channel was closed early")
    return b"".join(parts)


class Descriptors:
    """One end of a channel of bytes. Both sides know the size of the next message."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, data):
        write_all(self.writer, data)

    def recv(self, size):
        return read_all(self.reader, size)


def pipes():
    (a, b), (c, d) = os.pipe(), os.pipe()
    return Descriptors(c, b), Descriptors(a, d)


def sockets():
    here, there = (one.detach() for one in socket.socketpair())
    return Descriptors(here, here), Descriptors(there, there)


class Shared:
    """One end of two areas of shared memory, each with a semaphore that says when a message is in it."""

    def __init__(self, mine, full, theirs, filled):
        self.mine, self.full, self.theirs, self.filled = mine, full, theirs, filled

    def send(self, data):
        block.buf[self.mine : self.mine + len(data)] = data
        self.full.release()

    def recv(self, size):
        self.filled.acquire()
        return bytes(block.buf[self.theirs : self.theirs + size])


def shared():
    one, other = context.Semaphore(0), context.Semaphore(0)
    return Shared(0, one, LARGE, other), Shared(LARGE, other, 0, one)


class Bytes:
    """One end of a `multiprocessing.Pipe`, for bytes as they are."""

    def __init__(self, end):
        self.send, self.take = end.send_bytes, end.recv_bytes

    def recv(self, _):
        return self.take()


class Objects(Bytes):
    """One end of a `multiprocessing.Pipe`, for objects: each is pickled."""

    def __init__(self, end):
        self.send, self.take = end.send, end.recv


class Queues(Bytes):
    """One end of two `multiprocessing.Queue`."""

    def __init__(self, there, back):
        self.send, self.take = there.put, back.get


def queues():
    there, back = context.Queue(), context.Queue()
    return Queues(there, back), Queues(back, there)


class Peer:
    """A process that sends back what it gets. A pipe of its own says of which size that will be, and how often."""

    def __init__(self, here, there):
        self.here = here
        orders, self.go = os.pipe()
        self.child = bench.fork(lambda: self.serve(orders, there))

    def serve(self, orders, there):
        bench.pin(1)
        while True:
            which, trips = read_all(orders, 2)
            size = SIZES[which]
            for _ in range(trips):
                there.send(there.recv(size))

    def time(self, size):
        """Returns the time of a round trip, after one that brings both sides and their CPUs back to work."""
        data, here = payloads[size], self.here
        batches, trips = BATCHES[size]
        os.write(self.go, bytes([SIZES.index(size), 1 + batches * trips]))
        here.send(data)
        if here.recv(size) != data:
            raise ValueError("something else came back")

        def batch():
            for _ in range(trips):
                here.send(data)
                here.recv(size)

        return median(bench.micros(batch) / trips for _ in range(batches))


rounds, name = bench.begin(
    {
        "small_bytes": SMALL,
        "large_bytes": LARGE,
        "trips_64_b": BATCHES[SMALL][0] * BATCHES[SMALL][1],
        "trips_1_mib": BATCHES[LARGE][0] * BATCHES[LARGE][1],
    }
)
block = SharedMemory(name, create=True, size=2 * LARGE)
try:
    peers = {
        "pipe": Peer(*pipes()),
        "socket": Peer(*sockets()),
        "shared": Peer(*shared()),
        "mp_bytes": Peer(*map(Bytes, context.Pipe())),
        "mp_objects": Peer(*map(Objects, context.Pipe())),
        "queue": Peer(*queues()),  # last: the first put starts a thread here, and then nobody should fork
    }
    names = ["pipe", "socket", "shared", "mp_bytes", "mp_objects", "queue"]
    # One of each twice: measured against itself, how far may two equal things lie apart?
    small = {f"{name}_64_b": peers[name] for name in names} | {"pipe_64_b_again": peers["pipe"]}
    large = {f"{name}_1_mib": peers[name] for name in names} | {"shared_1_mib_again": peers["shared"]}
    bench.pin(0)

    def one_round(number):
        line = {}
        # All small ones first: a large one may use up this process's share of a busy CPU.
        for size, metrics in (SMALL, small), (LARGE, large):
            for which in bench.rotated(list(metrics), number):
                line[which] = metrics[which].time(size)
        return line

    one_round(0)  # warm-up
    for number in range(rounds):
        bench.emit({"round": one_round(number)})
finally:
    for peer in peers.values():
        os.kill(peer.child[1], 9)
        os.waitpid(peer.child[1], 0)
    block.close()
    block.unlink()

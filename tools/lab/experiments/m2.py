"""M2: hands 1 MiB to another process through each kind of channel, and measures how much of the time is pickling."""

import os
import pickle
import socket
import zlib
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from multiprocessing.shared_memory import SharedMemory

import bench

SIZE = 1 << 20
context = get_context("fork" if bench.LINUX else "spawn")

payload = os.urandom(SIZE)
# An int above 65,535 is pickled as five bytes, so both of these are about 1 MiB when pickled.
ints = list(range(1 << 16, (1 << 16) + SIZE // 5))
records = [{"id": 1 << 20 | number, "name": f"user {number:06}", "score": number / 7} for number in range(SIZE // 38)]


def checksum(thing):
    """Returns a number that differs if what arrived is not what was sent."""
    if isinstance(thing, (bytes, bytearray)):
        return zlib.crc32(thing)
    if isinstance(thing[0], int):
        return sum(thing) & 0xFFFFFFFF
    return zlib.crc32(repr(thing).encode())


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_all(fd, size):
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 16))
        if not part:
            raise EOFError("the channel was closed early")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class PipeChannel:
    """A pipe of the operating system."""

    def __init__(self):
        self.reader, self.writer = os.pipe()

    def send(self, data):
        write_all(self.writer, data)

    def recv(self):
        return read_all(self.reader, SIZE)


class SocketChannel:
    """A pair of Unix sockets."""

    def __init__(self):
        self.here, self.there = socket.socketpair()

    def send(self, data):
        self.here.sendall(data)

    def recv(self):
        return read_all(self.there.fileno(), SIZE)


class SharedChannel:
    """A block of shared memory, and a pipe that signals when it is filled."""

    def __init__(self):
        self.bell, self.ring = os.pipe()

    def send(self, data):
        block.buf[:SIZE] = data
        os.write(self.ring, b"!")

    def recv(self):
        read_all(self.bell, 1)
        return bytes(block.buf[:SIZE])


class ConnectionChannel:
    """`multiprocessing.Pipe`, as it comes: duplex, on a pair of Unix sockets."""

    def __init__(self):
        self.here, self.there = context.Pipe()

    def send(self, thing):
        self.here.send(thing)

    def recv(self):
        return self.there.recv()


class QueueChannel:
    """`multiprocessing.Queue`."""

    def __init__(self):
        self.queue = context.Queue()

    def send(self, thing):
        self.queue.put(thing)

    def recv(self):
        return self.queue.get()


class Peer:
    """A process at the other end of a channel. It answers one byte as soon as it has the thing, then its checksum."""

    def __init__(self, channel, thing):
        self.channel, self.thing, self.expected = channel, thing, checksum(thing)
        self.answers, self.answer = os.pipe()
        self.child = bench.fork(self.serve)

    def serve(self):
        bench.pin(1)
        while True:
            thing = self.channel.recv()
            os.write(self.answer, b"!")
            arrived = checksum(thing).to_bytes(4, "little")
            del thing  # now, not while the next hand-over is timed
            os.write(self.answer, arrived)

    def hand_over(self):
        """Returns how long one hand-over took, and whether the thing arrived intact."""

        def send():
            self.channel.send(self.thing)
            read_all(self.answers, 1)

        time = bench.micros(send)
        arrived = int.from_bytes(read_all(self.answers, 4), "little")
        return time, arrived == self.expected


def pickle_and_back(thing):
    """Returns how long it takes to pickle and unpickle a thing, as Connection and Queue do."""
    back = None

    def work():
        nonlocal back
        back = pickle.loads(ForkingPickler.dumps(thing))

    return bench.micros(work)


def seen_without():
    """Counts the bytes of a bytearray that the parent sees changed after a child overwrote all of them."""
    data = bytearray(SIZE)

    def overwrite():
        data[:] = b"\1" * SIZE

    bench.in_child(overwrite)
    return data.count(1)


rounds, name = bench.begin(
    {
        "payload_bytes": SIZE,
        "pickled_bytes": len(ForkingPickler.dumps(payload)),
        "pickled_ints": len(ForkingPickler.dumps(ints)),
        "pickled_records": len(ForkingPickler.dumps(records)),
        "ints": len(ints),
        "records": len(records),
    }
)
unsent = [seen_without() for _ in range(rounds)]  # first: the queue below starts a thread, and then nobody should fork
block = SharedMemory(name, create=True, size=SIZE)
try:
    dicts = Peer(ConnectionChannel(), records)
    peers = {
        "pipe": Peer(PipeChannel(), payload),
        "socket": Peer(SocketChannel(), payload),
        "shared_memory": Peer(SharedChannel(), payload),
        "mp_pipe_bytes": Peer(ConnectionChannel(), payload),
        "mp_queue_bytes": Peer(QueueChannel(), payload),
        "mp_pipe_ints": Peer(ConnectionChannel(), ints),
        "mp_pipe_records": dicts,
        "mp_pipe_records_again": dicts,  # measured against itself: how far may two equal things lie apart?
    }
    pickled = {
        "pickle_bytes": payload,
        "pickle_ints": ints,
        "pickle_records": records,
    }
    bench.pin(0)

    def one_round(number):
        line = {"channels": len(peers), "delivered": 0, "seen_without_channel": unsent[number]}
        for which in bench.rotated(list(peers), number):
            line[which], intact = peers[which].hand_over()
            line["delivered"] += intact
        for which, thing in pickled.items():
            line[which] = pickle_and_back(thing)
        return line

    for _ in range(3):
        one_round(0)  # warm-up
    for number in range(rounds):
        bench.emit({"round": one_round(number)})
finally:
    for peer in set(peers.values()):
        os.kill(peer.child[1], 9)
        os.waitpid(peer.child[1], 0)
    block.close()
    block.unlink()

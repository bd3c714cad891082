# CPython as the peer: does what it is told on standard input, a line at a time, and answers. The other side connects to
# a socket with an abstract name, so that nothing is left behind.
import array
import os
import socket
import struct
import sys
import zlib
from multiprocessing import reduction
from multiprocessing.connection import Connection, Listener


def body(size):
    """Bytes that both sides can make."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def summary(data):
    return f"{len(data)}:{zlib.adler32(data)}"


def received(connection):
    try:
        return summary(connection.recv_bytes())
    except (EOFError, OSError) as error:
        return f"{type(error).__name__}:{error}".replace(" ", "_")


def listen(name):
    """Accepts the next connection to an abstract socket."""
    global listener
    listener = Listener("\0" + name, "AF_UNIX")
    return "listening"


def accept():
    global connection
    connection = listener.accept()
    listener.close()
    return "accepted"


def recv(count):
    return " ".join(received(connection) for _ in range(int(count)))


def send(*sizes):
    for size in sizes:
        connection.send_bytes(body(int(size)))
    connection.close()
    return "sent"


def send_large(*sizes):
    """Sends frames with the large form of the header, as CPython itself does beyond 2 GiB."""
    for size in map(int, sizes):
        for part in (struct.pack("!i", -1), struct.pack("!Q", size), body(size)):
            while part:
                part = part[os.write(connection.fileno(), part) :]
    connection.close()
    return "sent"


class Probe(Connection):
    """Reads headers as CPython does, from bytes in memory, and notes how much it would read after them."""

    def __init__(self, data):
        self.data = data

    def __del__(self):
        pass

    def _recv(self, size, read=None):
        import io

        if not self.data:
            raise LookupError(size)
        part, self.data = self.data[:size], self.data[size:]
        if len(part) < size:
            raise EOFError(f"a header of {len(part)} bytes")
        return io.BytesIO(part)


def announced(*headers):
    """What these headers, in hexadecimal, announce."""
    found = []
    for header in headers:
        try:
            Probe(bytes.fromhex(header))._recv_bytes()
            found.append("more")
        except LookupError as size:
            found.append(str(size))
        except EOFError:
            found.append("short")
    return " ".join(found)


def call(request, path, offset):
    """Sends a request and an open file, as `multiprocessing.reduction` does, and returns the answer."""
    with open(path, "rb") as file:
        file.seek(int(offset))
        connection.send_bytes(request.encode())
        reduction.send_handle(connection, file.fileno(), None)
        answer = connection.recv_bytes().decode()
        return f"{answer}|{os.lseek(file.fileno(), 0, os.SEEK_CUR)}"


def serve(count):
    """Answers requests with an open file by the request and what the file holds from where it is."""
    for _ in range(int(count)):
        request = connection.recv_bytes()
        handle = reduction.recv_handle(connection)
        with os.fdopen(handle, "rb") as file:
            connection.send_bytes(request + b"=" + file.read())
    return "served"


def send_two(request):
    """Sends a request and two descriptors at once."""
    connection.send_bytes(request.encode())
    with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        reduction.sendfds(sock, [0, 1])
    return "sent"


def close():
    connection.close()
    return "closed"


COMMANDS = {
    name: globals()[name]
    for name in "listen accept recv send send_large announced call serve send_two close".split()
}

while line := sys.stdin.readline():
    command, *words = line.split()
    try:
        answer = COMMANDS[command](*words)
    except (EOFError, OSError) as error:  # the other side is gone: the judge asks it why
        answer = f"{type(error).__name__}:{error}".replace(" ", "_")
    print(answer, flush=True)

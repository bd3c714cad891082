"""I3: kills the process at the other end with SIGKILL, and measures when this end notices."""

import fcntl
import os
import queue
import select
import signal
import socket
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory

import bench

# How long this end waits for a sign that does not come.
LIMIT = 0.1
context = get_context("fork" if bench.LINUX else "spawn")


def victim(prepare=lambda: None):
    """Forks a process that prepares itself, says so, and then sleeps until it is killed. Returns its pid."""
    ready, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        bench.limit_lifetime()
        try:
            prepare()
            os.write(say, b"!")
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(say)
    if os.read(ready, 1) != b"!":
        raise RuntimeError("the process that is to die could not prepare itself")
    os.close(ready)
    return pid


def until_noticed(pid, notice):
    """Kills a process. Returns how long it takes until `notice` returns, and whether it returned true."""
    noticed = None

    def kill_and_wait():
        nonlocal noticed
        os.kill(pid, signal.SIGKILL)
        noticed = notice()

    time = bench.micros(kill_and_wait)
    os.waitpid(pid, 0)
    return time, bool(noticed)


def pipe_read():
    reader, writer = os.pipe()
    pid = victim(lambda: os.close(reader))
    os.close(writer)  # or this end would hold the pipe open itself
    try:
        return until_noticed(pid, lambda: os.read(reader, 1) == b"")
    finally:
        os.close(reader)


def pipe_write():
    reader, writer = os.pipe()
    pid = victim(lambda: os.close(writer))
    os.close(reader)
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writer, True)

    def notice():
        try:
            os.write(writer, b"!")  # waits for room, as the pipe is full
        except BrokenPipeError:
            return True
        return False

    try:
        return until_noticed(pid, notice)
    finally:
        os.close(writer)


def socket_read():
    here, there = socket.socketpair()
    pid = victim(here.close)
    there.close()
    try:
        return until_noticed(pid, lambda: here.recv(1) == b"")
    finally:
        here.close()


def connection():
    here, there = context.Pipe()
    pid = victim(here.close)
    there.close()

    def notice():
        try:
            here.recv()
        except EOFError:
            return True
        return False

    try:
        return until_noticed(pid, notice)
    finally:
        here.close()


def pidfd():
    if not hasattr(os, "pidfd_open"):
        return None, None
    pid = victim()
    fd = os.pidfd_open(pid)
    try:
        return until_noticed(pid, lambda: select.select([fd], [], [])[0])
    finally:
        os.close(fd)


def flock():
    if not bench.LINUX:
        return None, None
    path = f"/dev/shm/{name}"

    def prepare():
        fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)

    pid = victim(prepare)
    own = os.open(path, os.O_RDONLY)

    def notice():
        fcntl.flock(own, fcntl.LOCK_EX)
        return True

    try:
        return until_noticed(pid, notice)
    finally:
        os.close(own)


def mp_lock():
    lock = context.Lock()
    pid = victim(lock.acquire)
    return until_noticed(pid, lambda: lock.acquire(timeout=LIMIT))


def mp_queue():
    waiting = context.Queue()
    pid = victim()

    def notice():
        try:
            waiting.get(timeout=LIMIT)
        except queue.Empty:
            return False
        except (EOFError, OSError):
            return True
        return True

    return until_noticed(pid, notice)


def inherited():
    """The read end of a pipe whose write end a sibling of the victim holds as well."""
    reader, writer = os.pipe()
    pid = victim(lambda: os.close(reader))
    sibling = victim()  # inherits `writer`, and doesn't know
    os.close(writer)
    try:
        return until_noticed(pid, lambda: select.select([reader], [], [], LIMIT)[0])
    finally:
        os.close(reader)
        os.kill(sibling, signal.SIGKILL)
        os.waitpid(sibling, 0)


TELLING = {
    "pipe_read": pipe_read,
    "pipe_write": pipe_write,
    "socket_read": socket_read,
    "connection": connection,
    "pidfd": pidfd,
    "flock": flock,
}
SILENT = {"lock": mp_lock, "queue": mp_queue, "inherited": inherited}

rounds, name = bench.begin({"limit_ms": round(LIMIT * 1000), "silent": len(SILENT)})
block = SharedMemory(name, create=True, size=1)
bench.pin(0)


def one_round(number):
    line = {"told": 0, "told_of": 0, "silent_told": 0}
    for which, measure in bench.rotated(list(TELLING.items()), number):
        line[which], noticed = measure()
        line["told_of"] += noticed is not None
        line["told"] += noticed is True
    for which, measure in SILENT.items():
        line[which], noticed = measure()
        line["silent_told"] += noticed
    return line


try:
    one_round(0)  # warm-up
    for number in range(rounds):
        bench.emit({"round": one_round(number)})
finally:
    block.close()
    block.unlink()

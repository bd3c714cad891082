# Makes a block, and reads it when told.
import sys
from multiprocessing import resource_tracker, shared_memory

# This script unlinks what it makes: spare it the tracker, which is a second Python.
resource_tracker.register = resource_tracker.unregister = lambda name, kind: None

name, start = sys.argv[1], int(sys.argv[2])
block = shared_memory.SharedMemory(name=name, create=True, size=8)
try:
    block.buf[:8] = start.to_bytes(8, sys.byteorder)
    print("made")
    input()
    print(int.from_bytes(bytes(block.buf[:8]), sys.byteorder))
finally:
    block.close()
    block.unlink()

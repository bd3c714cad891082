# Attaches to a block that somebody else made, and reads its first word.
import sys
from multiprocessing import resource_tracker, shared_memory

if sys.version_info >= (3, 13):
    block = shared_memory.SharedMemory(name=sys.argv[1], track=False)
else:
    block = shared_memory.SharedMemory(name=sys.argv[1])
    # Else Python would unlink at its end what it did not make (python/cpython#82300).
    resource_tracker.unregister(block._name, "shared_memory")
print(int.from_bytes(bytes(block.buf[:8]), sys.byteorder))
block.close()

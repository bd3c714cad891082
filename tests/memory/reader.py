# Attaches to a block that somebody else made, and reads its first word.
import sys
from multiprocessing import resource_tracker, shared_memory

# Else Python before 3.13 would unlink at its end what it did not make (python/cpython#82300).
resource_tracker.register = lambda name, kind: None

block = shared_memory.SharedMemory(name=sys.argv[1])
print(int.from_bytes(bytes(block.buf[:8]), sys.byteorder))
block.close()

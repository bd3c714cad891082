"""Writing to a pipe that nobody reads: an exception, or a deadly signal."""
# needs: python >= 3.9

import os
import signal
import subprocess
import sys

PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGPIPE, getattr(signal, sys.argv[1]))
reader, writer = os.pipe()
os.close(reader)
try:
    os.write(writer, b"hello")
except OSError as problem:
    print(type(problem).__name__, flush=True)
"""

# region: shown
print("Python's setting:", signal.getsignal(signal.SIGPIPE).name)
for setting in "SIG_IGN", "SIG_DFL":
    command = [sys.executable, "-c", PROGRAM, setting]  # writes to a pipe
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode < 0:
        print(f"{setting}: killed by", signal.Signals(-done.returncode).name)
    else:
        print(f"{setting}: got {done.stdout.strip()}, and went on")
# endregion

"""A program dies of SIGSEGV. What does it say, with faulthandler?"""
# needs: python >= 3.9, linux

import re
import resource
import subprocess
import sys


def run(flags):
    return subprocess.run(
        [sys.executable, *flags, "-c", PROGRAM],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )


# region: shown
PROGRAM = """
import ctypes, threading

def parse(header):
    return ctypes.string_at(8)  # a bad pointer

threading.Thread(target=parse, args=["x"]).start()
"""

for flags in [], ["-X", "faulthandler"]:
    program = run(flags)
    print(flags, "returncode", program.returncode)
    for line in program.stderr.splitlines():
        if re.search("Fatal|in parse", line):
            print("   ", line.strip())
# endregion

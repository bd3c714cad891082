"""How a process ended, as its parent sees it."""
# needs: python >= 3.9, linux

import os
import resource
import signal
import sys
from multiprocessing import get_context



def quiet(end):
    """Runs `end` without tracebacks and core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stderr = open(os.devnull, "w")
    end()


# region: shown
ENDS = {
    "return": lambda: None,
    "raise": lambda: int("three"),
    "sys.exit(3)": lambda: sys.exit(3),
    "sys.exit('no disk')": lambda: sys.exit("no disk"),
    "os._exit(256)": lambda: os._exit(256),
    "os.abort()": os.abort,
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def describe(code):
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


for name, end in ENDS.items():
    process = get_context("fork").Process(target=quiet, args=[end])
    process.start()
    process.join()
    code = process.exitcode
    print(f"{name:20} exitcode {code:3}: {describe(code)}")
# endregion

"""A thread, an interpreter and a process look at one global."""
# needs: python >= 3.14

import os
from concurrent.futures import (
    InterpreterPoolExecutor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)

# region: shown
def look(main_pid):
    import __main__
    from concurrent import interpreters

    process = "main's" if os.getpid() == main_pid else "its own"
    interpreter = interpreters.get_current().id
    sees_it = hasattr(__main__, "set_at_run_time")
    seen = f"interpreter: {interpreter}  global: {sees_it}"
    return f"process: {process:<8} {seen}"


def main():
    import __main__

    __main__.set_at_run_time = True
    pools = ThreadPoolExecutor, InterpreterPoolExecutor, ProcessPoolExecutor
    for Pool in pools:
        with Pool(1) as pool:
            saw = pool.submit(look, os.getpid()).result()
        print(f"{Pool.__name__:<24} {saw}")
# endregion


if __name__ == "__main__":
    main()

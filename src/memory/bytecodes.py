"""`n += 1` is one line, and several steps for the interpreter."""
# needs: python >= 3.11

import dis

n = 0


# region: shown
def add():
    global n
    n += 1


for step in dis.get_instructions(add):
    if step.argrepr in ("n", "+="):  # the steps that touch n
        print(f"{step.opname:13}{step.argrepr}")
# endregion

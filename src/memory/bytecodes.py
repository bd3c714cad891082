"""`n += 1` is one line, and several steps: what another thread may get in between."""
# needs: python >= 3.11, python < 3.14

import dis

n = 0


def add():
    global n
    n += 1


for step in dis.get_instructions(add):
    if step.opname not in ("RESUME", "RETURN_CONST", "RETURN_VALUE") and step.argval is not None:
        print(f"{step.opname:13}{step.argrepr}")

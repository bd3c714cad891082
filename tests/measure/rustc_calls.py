"""How cargo calls rustc for a package, recorded while it builds, to be repeated without cargo."""
import os

RECORDER = """#!/bin/sh
if [ "$CARGO_PRIMARY_PACKAGE" ]; then
    printf '%s\\0' "$@" >"$RECORDED_CALLS/$$.call"
    env -0 >"$RECORDED_CALLS/$$.env"
fi
exec "$@"
"""


def recorded(build, folder):
    """Calls `build` with the environment for a cargo; returns the words and the environment of each call of rustc for a package that
    this cargo was asked for. `folder` is for the records, and is made here."""
    folder.mkdir()
    recorder = folder / "recorder"
    recorder.write_text(RECORDER)
    recorder.chmod(0o755)
    build(os.environ | {"RUSTC_WRAPPER": str(recorder), "RECORDED_CALLS": str(folder), "CARGO_INCREMENTAL": "0"})
    calls = []
    for file in folder.glob("*.call"):
        environment = dict(line.split("=", 1) for line in file.with_suffix(".env").read_text().split("\0") if "=" in line)
        calls.append((file.read_text().split("\0")[:-1], environment))
    # A library's call comes before that of its tests.
    return sorted(calls, key=lambda call: "--crate-type" not in call[0])

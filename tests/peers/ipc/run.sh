#!/usr/bin/env bash
# Measures the reference answers of the chapter on IPC beside other ways to do the same, and writes records/bench/ipc.json.
# The first build takes some minutes (iceoryx2); a run takes about one. PYTHON names the CPython; otherwise python3.14, or else
# python3.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
# A shim that starts another Python would be measured, too: ask for the real one.
python=${PYTHON:-$(command -v python3.14 || command -v python3 || true)}
python=$("${python:-false}" -c 'import sys; print(sys.executable)' || true)
cargo build --release --locked --target-dir "$root/target/peers"
mkdir -p "$root/records/bench"
"$root/target/peers/release/ipc_peers" ${python:+"$python"} > "$root/records/bench/ipc.json.new"
mv "$root/records/bench/ipc.json.new" "$root/records/bench/ipc.json"
echo "written: records/bench/ipc.json"

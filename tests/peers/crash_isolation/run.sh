#!/usr/bin/env bash
# Measures the reference pool beside CPython's and procspawn's, and writes records/bench/crash_isolation.json.
# Needs Linux and python3.14 (or another python3) on the PATH. Ends within 6 minutes after its build.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --locked --quiet
exec python3 measure.py

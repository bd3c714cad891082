#!/usr/bin/env bash
# Measures the exercise's locks beside CPython's GIL, std::sync::Mutex and parking_lot, and writes records/bench/gil.json.
# Takes about four minutes after its build. PYTHON names the CPython; otherwise python3.14, or else python3.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --quiet --locked
root=../../..
mkdir -p "$root/records/bench"
python=${PYTHON:-$(command -v python3.14 || command -v python3)}
./target/release/gil_peers "$python" >"$root/records/bench/.gil.json.new"
mv "$root/records/bench/.gil.json.new" "$root/records/bench/gil.json"

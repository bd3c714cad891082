#!/usr/bin/env bash
# Builds a free-threaded CPython 3.13 into FOLDER: bash tests/measure/free_threaded_python.sh FOLDER
#
# From the source package of Debian 13 (trixie), which any Debian or Ubuntu with a compiler can fetch and build: about 5 minutes on
# two cores, 600 MB. Start it as FOLDER/bin/python3.13t. Not optimized by profile, so compare ratios with other builds, not times.
#
# Exit code 3, with the reason: this machine cannot have it (no apt, no network).
set -euo pipefail
suite=trixie
package=python3.13
root=$(realpath -m "${1:?usage: free_threaded_python.sh FOLDER}")
python=$root/bin/python3.13t

give_up() {
  echo "a free-threaded Python cannot be built: $1" >&2
  exit 3
}

complete() { "$python" -c 'import sys, ssl, sqlite3, multiprocessing; assert not sys._is_gil_enabled(); print(sys.executable, sys.version.split()[0])'; }

if complete 2>/dev/null; then exit; fi
command -v apt-get >/dev/null || give_up "it takes Debian's source package, and there is no apt-get"
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq || give_up "apt-get update failed"
"${as_root[@]}" apt-get install -qq --no-install-recommends debian-archive-keyring gcc libc6-dev make xz-utils \
  libbz2-dev libffi-dev liblzma-dev libsqlite3-dev libssl-dev zlib1g-dev >/dev/null || give_up "apt-get install failed"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The mirror that this machine uses, if it is Debian's; its lists stay in the scratch folder.
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1 | tr -d ' ' || true)
mkdir -p "$work/lists/partial" "$work/build"
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" >"$work/sources.list"
options=(-qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists"
  -o 'Acquire::Check-Valid-Until=false' -o 'APT::Sandbox::User=root')
cd "$work"
apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only $package >/dev/null || give_up "Debian's archive cannot be used, see above"
tar xf ./*.orig.tar.xz
cd "$work/build"
"$(echo "$work"/Python-*)"/configure --quiet --disable-gil --without-ensurepip --prefix="$root" >"$work/log" 2>&1 &&
  make -s -j"$(nproc)" >>"$work/log" 2>&1 && make -s install >>"$work/log" 2>&1 || { tail -20 "$work/log" >&2; give_up "the build failed, see above"; }
rm -rf "$root"/lib/python*/test
complete || give_up "it does not start, see above"

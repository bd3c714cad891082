#!/usr/bin/env bash
# Runs a command as an ordinary user of a kernel of its own, in a copy of this tree: tests/measure/user_mode_linux.sh COMMAND…
#
# For level L2 of the grader's sandbox on machines where nobody but root makes namespaces, or nobody gets a /proc inside, as in most containers.
# The kernel is User-Mode Linux, which is a program like any other and needs no virtual hardware: Debian's package user-mode-linux, at
# least 6.13, or what UML names. The machine's files are in sight for reading. The copy holds target, so build in this tree before, with
# CARGO_INCREMENTAL=0. There is one processor. Computing takes no longer than outside, but a system call ten and a fork twenty times as long.
#
# Ends with the command's exit code.
set -euo pipefail
cd "$(dirname "$0")/../.."
uml=${UML:-$(command -v linux.uml)} || { echo "linux.uml is missing (Debian: user-mode-linux); UML may name one" >&2; exit 2; }
command -v mkfs.ext4 >/dev/null || { echo "mkfs.ext4 is missing (Debian: e2fsprogs)" >&2; exit 2; }
[ $# -gt 0 ] || { sed -n '2,3p' "$0" >&2; exit 2; }

scratch=$(mktemp -d /var/tmp/user-mode-linux-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
# Sparse: as large as it is filled.
truncate --size "$(($(du --summarize --block-size=1M . | cut --fields=1) + 8192))M" "$scratch/tree"
mkfs.ext4 -q -d . "$scratch/tree"

cargo=${CARGO_HOME:-$HOME/.cargo} rustup=${RUSTUP_HOME:-$HOME/.rustup}
cat >"$scratch/init" <<INIT
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /dev/shm /dev/pts
mount -t devpts pts /dev/pts
for folder in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o mode=1777 none \$folder; done
# A home may be closed to others.
mount -t tmpfs -o mode=755 home $(printf %q "$HOME")
for folder in $(printf '%q ' "$cargo" "$rustup"); do
  mkdir -p "\$folder"
  mount -t hostfs none "\$folder" -o "ro,\$folder"
done
mkdir -p $(printf %q "$PWD")
mount -t ext4 /dev/ubda $(printf %q "$PWD")
chown -R 1234:1234 $(printf %q "$PWD")
install -d -o 1234 -g 1234 /tmp/home
ip link set lo up
cd $(printf %q "$PWD")
export HOME=/tmp/home CARGO_HOME=$(printf %q "$cargo") RUSTUP_HOME=$(printf %q "$rustup") PATH=$(printf %q "$PATH")
export CARGO_NET_OFFLINE=true CARGO_INCREMENTAL=0
setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all $(printf '%q ' "$@")
echo "\$?" >/dev/ubdb
sync
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod +x "$scratch/init"
truncate --size 4096 "$scratch/code"
TMPDIR=$scratch "$uml" seccomp=on mem="${MEMORY:-8G}" ubd0="$scratch/tree" ubd1="$scratch/code" rootfstype=hostfs rootflags=/ ro init="$scratch/init" \
  quiet con=null con0=fd:0,fd:1 </dev/null || true
code=$(head --lines=1 "$scratch/code" | tr -d '\0')
[ -n "$code" ] || { echo "the kernel ended before the command did" >&2; exit 2; }
exit "$code"

#!/usr/bin/env bash
# Installs CPython 3.14 and 3.15 into FOLDER, beside the system's own: bash tests/measure/newest_python.sh FOLDER
#
# They are Debian sid's, unpacked with their own loader and libraries, so an older Debian or Ubuntu can run them. Start
# them as FOLDER/bin/python3.14 and FOLDER/bin/python3.15; don't move FOLDER. Takes about 10 s and 90 MB.
# fork, spawn, forkserver, ssl and subinterpreters work. Debian has no free-threaded build.
#
# Exit code 3, with the reason: this machine cannot have them (no apt, no network).
set -euo pipefail
versions=(3.14 3.15)
root=$(realpath -m "${1:?usage: newest_python.sh FOLDER}")

give_up() {
  echo "Python ${versions[*]} cannot be installed: $1" >&2
  exit 3
}

complete() {
  local version
  for version in "${versions[@]}"; do
    "$root/bin/python$version" -c 'import sys, ssl, multiprocessing; print(sys.executable, sys.version.split()[0])' || return
  done
}

if complete 2>/dev/null; then exit; fi
if [ -e "$root" ]; then
  # Left by a run that was interrupted; a folder with anything else in it is not ours to delete.
  [ -e "$root/.newest_python" ] || { echo "$root exists and is not from this script: name another folder" >&2; exit 2; }
  rm -rf "$root"
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
for tool in mmdebstrap patchelf; do
  command -v $tool >/dev/null && continue
  command -v apt-get >/dev/null || give_up "it takes $tool, and there is no apt-get"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq || give_up "apt-get update failed"
  "${as_root[@]}" apt-get install -qq --no-install-recommends mmdebstrap patchelf debian-archive-keyring >/dev/null ||
    give_up "apt-get install failed"
  break
done

# The mirror that this machine uses, if it is Debian.
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1 | tr -d ' ' || true)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$root"
touch "$root/.newest_python"
packages=$(printf ',python%s' "${versions[@]}")
# A mirror may lag behind the date until which its index is valid.
"${as_root[@]}" mmdebstrap --quiet --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
  --aptopt='APT::Sandbox::User "root"' --keyring=$keyring --include="${packages#,}" \
  sid "$root/root" "deb ${mirror:-http://deb.debian.org/debian} sid main" || give_up "Debian's archive cannot be used, see above"
[ ${#as_root[@]} -eq 0 ] || "${as_root[@]}" chown -R "$(id -u)" "$root/root"

for name in bin sbin lib lib64; do
  if [ -e "$root/root/usr/$name" ] && [ ! -e "$root/root/$name" ]; then ln -s "usr/$name" "$root/root/$name"; fi
done
mkdir "$root/bin"
for version in "${versions[@]}"; do
  program=$root/root/usr/bin/python$version
  libraries=$(dirname "$(find "$root/root/usr/lib" -name libc.so.6 | head -1)")
  patchelf --set-interpreter "$root/root$(patchelf --print-interpreter "$program")" \
    --force-rpath --set-rpath "$libraries" "$program"
  ln -s "../root/usr/bin/python$version" "$root/bin/python$version"
done
complete || give_up "it does not start, see above"

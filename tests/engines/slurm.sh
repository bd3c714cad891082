#!/usr/bin/env bash
# Tries tools/grader/engines/slurm.sh on a real Slurm of one node: bash tests/engines/slurm.sh
#
# The daemons are Debian's, unpacked into a temporary folder: nothing is installed, and a munge or Slurm of this machine is not
# touched. They listen on loopback. At the end they are stopped and the folder is gone.
#
# Exit code 3, with the reason: this machine cannot run it (no apt, no network, no sandbox for submissions).
set -euo pipefail
shopt -s nullglob
course=$(realpath "$(dirname "$0")/../..")
engine=$course/tools/grader/engines/slurm.sh

# slurmctld binds to the address of the host's name. In a container that isn't loopback: Slurm gets a UTS namespace with another.
if [ "$(getent ahostsv4 "$(hostname -s)" | awk 'NR == 1 {print $1}')" != 127.0.0.1 ]; then
  if [ "$(hostname -s)" = localhost ] || ! unshare --uts true 2>/dev/null; then
    echo "the Slurm engine cannot be tried here: $(hostname -s) is not 127.0.0.1, and only root can change that for Slurm alone" >&2
    exit 3
  fi
  exec unshare --uts bash -c 'hostname localhost && exec bash "$0"' "$(realpath "$0")"
fi

work=$(mktemp -d)
daemons=()
passed=0

# stop PID…: ends daemons that this script started, and waits until they are gone.
stop() {
  local pid
  kill "$@" 2>/dev/null || true
  for pid in "$@"; do
    timeout 10 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

finish() {
  local code=$?
  trap - EXIT
  if [ -e "$work/conf/up" ]; then scancel --quiet --user="$(id -un)" || true; await "" 30 || true; fi
  # slurmd and slurmctld before munged, which they talk to.
  local index
  for ((index = ${#daemons[@]} - 1; index >= 0; index--)); do stop "${daemons[index]}"; done
  if [ "$code" -ne 0 ] && [ "$code" -ne 3 ]; then
    for log in "$work"/log/* "$work"/results*/*.log; do printf -- '--- %s\n' "${log#"$work"/}" >&2; tail -n 20 "$log" >&2; done
  fi
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

give_up() { echo "the Slurm engine cannot be tried here: $1" >&2; exit 3; }
fail() { echo "FAILED: $1" >&2; exit 1; }
ok() { passed=$((passed + 1)); echo "ok: $1"; }

# await JOBS SECONDS: waits until none of these jobs (or none at all) is queued or runs.
await() {
  local end=$((SECONDS + $2)) only=()
  [ -z "$1" ] || only=(--jobs="$1")
  # squeue fails for a job that the controller has forgotten: that one has ended, too.
  while [ -n "$(squeue --noheader "${only[@]}" 2>/dev/null || true)" ]; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.3
  done
}

state() { scontrol show job "$1" | sed -nE 's/.*JobState=([A-Z_]+).*/\1/p' | sort -u | tr '\n' ' '; }

# What is judged, without what differs from run to run.
verdicts() { python3 -c '
import json, sys
for line in sorted(json.dumps([r[k] for k in ("submission", "exercise", "test", "status", "sandbox")]) for r in map(json.loads, open(sys.argv[1]))):
    print(line)' "$1"; }

unpack() {
  local packages package
  command -v apt-get >/dev/null || give_up "there is no apt-get"
  command -v bwrap >/dev/null || give_up "bubblewrap is missing"
  # Only what is not installed. `|| true`: before an update apt may know none of them.
  packages() { apt-get install --simulate --no-install-recommends slurm-wlm munge 2>/dev/null | awk '/^Inst /{print $2}'; }
  mkdir "$work/deb"
  packages=$(packages) || true
  if [ -z "$packages" ]; then
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    "${as_root[@]}" apt-get update -qq || give_up "apt-get update failed"
    packages=$(packages) || true
    [ -n "$packages" ] || command -v slurmctld >/dev/null || give_up "apt knows no slurm-wlm"
  fi
  # shellcheck disable=SC2086 # a list of names
  [ -z "$packages" ] || (cd "$work/deb" && apt-get download -qq $packages 2>"$work/apt") || give_up "$(cat "$work/apt")"
  for package in "$work"/deb/*.deb; do dpkg -x "$package" "$work/root"; done
}

# free_ports N: ports that nobody listens on.
free_ports() { python3 -c '
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*[one.getsockname()[1] for one in held])' "$1"; }

find_program() { compgen -c "$1" >/dev/null && type -P "$1-wlm" "$1" | head -n 1; }

start() {
  local lib=$work/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch) ports plugins
  export PATH=$work/root/usr/bin:$work/root/usr/sbin:$PATH:/usr/sbin SLURM_CONF=$work/conf/slurm.conf
  export LD_LIBRARY_PATH=$lib:$lib/slurm-wlm${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  plugins=$lib/slurm-wlm
  [ -d "$plugins" ] || plugins=/${plugins#"$work/root/"}
  # munge asks that nobody else can write to the folders of its key and its socket.
  mkdir -m 700 "$work"/{conf,log,state,spool,key}
  head -c 128 /dev/urandom >"$work/key/munge.key"
  chmod 400 "$work/key/munge.key"
  read -ra ports < <(free_ports 2)
  cat >"$SLURM_CONF" <<END
ClusterName=course
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
# Without these the daemons listen on every address.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/key/munge.socket
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/conf/slurmctld.pid
SlurmdPidFile=$work/conf/slurmd.pid
PluginDir=$plugins
# No cgroups of its own: the grader makes those of the submissions.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/^MemTotal/{print int($2 / 1024)}' /proc/meminfo) State=UNKNOWN
PartitionName=class Nodes=$(hostname -s) Default=YES MaxTime=INFINITE State=UP
END
  munged --foreground --socket="$work/key/munge.socket" --key-file="$work/key/munge.key" --pid-file="$work/key/munged.pid" \
    --seed-file="$work/key/munged.seed" --log-file="$work/log/munged" --num-threads=2 --force >"$work/log/munged.out" 2>&1 &
  daemons+=($!)
  "$(find_program slurmctld)" -D -c -f "$SLURM_CONF" >"$work/log/slurmctld" 2>&1 &
  daemons+=($!)
  "$(find_program slurmd)" -D -f "$SLURM_CONF" -d "$(find_program slurmstepd)" >"$work/log/slurmd" 2>&1 &
  daemons+=($!)
  local end=$((SECONDS + 60))
  until sinfo --noheader --format=%T 2>/dev/null | grep -qx idle; do
    local pid
    for pid in "${daemons[@]}"; do kill -0 "$pid" 2>/dev/null || fail "a daemon of Slurm did not start"; done
    [ $SECONDS -lt $end ] || fail "the node is not idle after a minute: $(sinfo 2>&1)"
    sleep 0.3
  done
  touch "$work/conf/up"
}

# Six submissions, of which each shard gets one at least (a shard depends on the name alone).
make_class() {
  local name
  for name in ada bob cyd dee eve fay; do
    mkdir -p "$work/class/$name/exercises/memory"
    cp -r "$course/solutions/memory/src" "$work/class/$name/exercises/memory/"
  done
  cp "$course"/exercises/memory/src/*.rs "$work/class/bob/exercises/memory/src/"                   # nothing solved
  echo 'fn broken( {' >>"$work/class/eve/exercises/memory/src/lib.rs"                              # does not compile
}

# submit …: calls the engine, and sets `shards` and `merge` to the ids of the jobs.
submit() {
  local said
  said=$(bash "$engine" "$@")
  shards=$(sed -nE 's/^shards: ([0-9]+), merge: ([0-9]+)$/\1/p' <<<"$said")
  merge=$(sed -nE 's/^shards: ([0-9]+), merge: ([0-9]+)$/\2/p' <<<"$said")
  [ -n "$merge" ] || fail "submitting printed: $said"
}

unpack
start
echo "Slurm $(sinfo --version | cut -d' ' -f2) on $(hostname -s), $(nproc) processors, as $(id -un)"
# Both daemons, and on 127.0.0.1 (0100007F) alone. The second column is address:port, the fourth 0A for a listening socket.
ports=$(sed -nE 's/^Slurm(ctld|d)Port=//p' "$SLURM_CONF" | while read -r port; do printf ':%04X|' "$port"; done)
listening=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" {print $2}' | grep -E "(${ports%|})$" || true)
[ "$(grep -c '^0100007F:' <<<"$listening")" -eq 2 ] && [ "$(wc -l <<<"$listening")" -eq 2 ] ||
  fail "the daemons listen on: $listening"
ok "the daemons listen on loopback alone"

make_class
export GRADE_OPTIONS="--exercise memory"
# The clone of this commit would compile the course anew, for minutes: this checkout stands in for it.
export COURSE_CLONES=${COURSE_CLONES:-$work/clones}
mkdir -p -m 700 "$COURSE_CLONES"
ln -sfn "$course" "$COURSE_CLONES/$(git -C "$course" rev-parse HEAD)"
code=0
(cd "$course" && cargo course grade "$work/class" --exercise memory --output "$work/whole.jsonl") >"$work/log/whole" 2>&1 || code=$?
[ $code -ne 2 ] || give_up "$(tail -n 1 "$work/log/whole")"
[ $code -eq 0 ] || fail "the class could not be judged without Slurm"
verdicts "$work/whole.jsonl" >"$work/whole"

# Without that link: two shards on one node clone the course once, at its commit, and grade there. (`cargo` is a stand-in.)
mkdir "$work/bin"
printf '#!/bin/sh\necho "$(git rev-parse HEAD) $PWD $*"\n' >"$work/bin/cargo"
chmod +x "$work/bin/cargo"
for index in 1 2; do
  env PATH="$work/bin:$PATH" COURSE="$course" COURSE_CLONES="$work/new" SHARDS=2 SUBMISSIONS=/class RESULTS=/out SLURM_ARRAY_TASK_ID=$index \
    SLURM_CPUS_PER_TASK=4 GRADE_OPTIONS= bash "$engine" --grade >"$work/log/clone-$index" 2>&1 &
  clones[index]=$!
done
for index in 1 2; do wait "${clones[index]}" || fail "no clone: $(cat "$work/log/clone-$index")"; done
commit=$(git -C "$course" rev-parse HEAD)
for index in 1 2; do
  want="$commit $work/new/$commit course grade /class --shard $index/2 --output /out/part-$index-of-2.jsonl --jobs 2"
  [ "$(cat "$work/log/clone-$index")" = "$want" ] || fail "the clone graded as: $(cat "$work/log/clone-$index")"
done
ok "shards on one node share a clone of the course"

# A shard is cancelled before it starts.
submit 3 "$work/class" "$work/results"
scancel "${shards}_2"
await "$shards,$merge" 400 || fail "the class is not judged after 400 s"
[ "$(state "$merge")" = "FAILED " ] || fail "the merge of two shards of three is $(state "$merge")"
[ ! -e "$work/results/results.jsonl" ] || fail "a merge that failed left results"
python3 - "$work" <<'END' || fail "the merge names other units than those that are missing: $(tail -n 3 "$work/results/merge.log")"
import hashlib, pathlib, re, sys
work = pathlib.Path(sys.argv[1])
shard = lambda name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 3 + 1
lost = sorted(one.name for one in (work / "class").iterdir() if shard(one.name) == 2)
said = (work / "results/merge.log").read_text()
print("merge said:", said.splitlines()[-1])
count = f"{len(lost)} exercises are" if len(lost) > 1 else "1 exercise is"
sys.exit(not (f"{count} missing" in said and f"{lost[0]}/memory" in said))
END
ok "a merge without a cancelled shard fails and names who is missing"

bash "$engine" 3 "$work/class" "$work/results" 2>/dev/null && fail "a second run into the same folder was taken"
ok "a whole class is not graded over the parts of another run"

# The shard again, by the engine; then one that is killed while it runs, and requeued by Slurm.
submit 3 "$work/class" "$work/results" 2
await "$shards,$merge" 300 || fail "the repeated shard is not judged after 300 s"
[ "$(state "$merge")" = "COMPLETED " ] || fail "the merge is $(state "$merge")"
verdicts "$work/results/results.jsonl" | diff "$work/whole" - || fail "the merged verdicts differ from those of a run without shards"
ok "the repeated shard completes the class, with the verdicts of a run without shards ($(wc -l <"$work/whole") tests)"

submit 3 "$work/class" "$work/results-2"
end=$((SECONDS + 200))
until [ -s "$work/results-2/part-3-of-3.jsonl.partial" ]; do [ $SECONDS -lt $end ] || fail "shard 3 wrote nothing"; sleep 0.1; done
scontrol requeue "${shards}_3"
await "$shards,$merge" 400 || fail "the class is not judged after 400 s"
scontrol show job "${shards}_3" | grep -q 'Restarts=1 ' || fail "the shard was not started twice"
[ "$(state "$merge")" = "COMPLETED " ] || fail "the merge is $(state "$merge")"
verdicts "$work/results-2/results.jsonl" | diff "$work/whole" - || fail "the verdicts differ after a requeue"
ok "a shard that Slurm requeues while it runs ends with the same verdicts"

echo "$passed passed, 0 failed"

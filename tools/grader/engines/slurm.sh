#!/usr/bin/env bash
# Grades a class as a Slurm job array, and merges the parts in a job that waits for all of them. From the course's folder:
#
#   bash tools/grader/engines/slurm.sh SHARDS SUBMISSIONS RESULTS           # RESULTS: a folder that every node sees
#   bash tools/grader/engines/slurm.sh SHARDS SUBMISSIONS RESULTS 3,5       # repeats shards 3 and 5, then merges again
#
# Prints the ids of both jobs. Partition, account, time and the like: SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT, …
# GRADE_OPTIONS, such as "--exercise memory", goes to the grader. Nodes need git, Rust, bubblewrap and python3.
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
# --requeue: a job whose node died starts again, and the grader continues from what it had written.
set -euo pipefail

# Changes to this node's own clone of the course. A build folder serves one grader at a time, so nodes that shared one would
# take turns; and compilers are slow on network file systems. The clone is kept for the next class.
enter_course() {
  local clones=${COURSE_CLONES:-/var/tmp/course-clones-$(id -u)} commit clone
  commit=$(git -C "$COURSE" rev-parse HEAD)
  clone=$clones/$commit
  mkdir -p -m 700 "$clones"
  # Anybody can make a folder in /var/tmp, and somebody else's code must not grade.
  [ -O "$clones" ] && [ ! -L "$clones" ] || { echo "$clones belongs to somebody else: set COURSE_CLONES" >&2; exit 2; }
  exec 9>"$clone.lock"
  flock 9
  if [ ! -e "$clone" ]; then
    rm -rf "$clone.new"
    git clone --quiet --no-hardlinks "$COURSE" "$clone.new"
    git -C "$clone.new" checkout --quiet --detach "$commit"
    mv "$clone.new" "$clone"
  fi
  exec 9>&-
  cd "$clone"
}

part() { printf '%s/part-%s-of-%s.jsonl' "$RESULTS" "$1" "$SHARDS"; }

case ${1:-} in
--grade)
  # Not `--shard auto`: a repeated shard is an array of one, which would look like the whole class.
  index=$SLURM_ARRAY_TASK_ID
  enter_course
  read -ra options <<<"${GRADE_OPTIONS:-}"
  # exec: the grader itself gets Slurm's signals, and stops in order.
  exec cargo course grade "$SUBMISSIONS" --shard "$index/$SHARDS" --output "$(part "$index")" \
    --jobs $(((SLURM_CPUS_PER_TASK + 1) / 2)) "${options[@]}"
  ;;
--merge)
  enter_course
  shopt -s nullglob
  parts=("$RESULTS"/part-*-of-"$SHARDS".jsonl)
  [ ${#parts[@]} -gt 0 ] || { echo "no shard has finished: see $RESULTS/*.log" >&2; exit 2; }
  exec cargo course grade merge "${parts[@]}" --output "$RESULTS/results.jsonl"
  ;;
esac

[ $# -eq 3 ] || [ $# -eq 4 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[[ $1 =~ ^[1-9][0-9]*$ ]] || { echo "$1 is no number of shards" >&2; exit 2; }
export SHARDS=$1 SUBMISSIONS RESULTS COURSE
SUBMISSIONS=$(realpath -e "$2")
COURSE=$(realpath "$(dirname "$0")/../../..")
mkdir -p "$3"
RESULTS=$(realpath "$3")
array=${4:-1-$SHARDS}
shopt -s nullglob
old=("$RESULTS"/part-*-of-*.jsonl)
if [ $# -eq 3 ] && [ ${#old[@]} -gt 0 ]; then
  # Otherwise, a shard that fails now would be merged with its old results.
  echo "$RESULTS holds parts of an earlier run: name another folder, or the shards to repeat" >&2
  exit 2
fi
if [ $# -eq 4 ]; then
  [[ $4 =~ ^[0-9]+(,[0-9]+)*$ ]] || { echo "name shards as 3,5" >&2; exit 2; }
  for index in ${4//,/ }; do rm -f "$(part "$index")" "$(part "$index").shard"; done
fi
shards=$(sbatch --parsable --job-name=grade --array="$array" --output="$RESULTS/shard-%a.log" "$0" --grade)
# afterany, not afterok: if a shard is missing, the merge says whose results are missing.
merge=$(sbatch --parsable --job-name=merge --dependency="afterany:${shards%%;*}" --output="$RESULTS/merge.log" "$0" --merge)
echo "shards: ${shards%%;*}, merge: ${merge%%;*}"

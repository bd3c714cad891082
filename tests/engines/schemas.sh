#!/usr/bin/env bash
# Checks the files for GitHub, GitLab and Kubernetes against the schemas that those publish, and that each gives the grader
# the right shard: bash tests/engines/schemas.sh
#
# Exit code 3, with the reason: the schemas are not to be had (they come with two packages of PyPI, pinned here).
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  check-jsonschema==0.39.0 kubernetes-validate==1.37.0; } >"$work/pip" 2>&1 ||
  { echo "the schemas cannot be installed here: $(tail -n 1 "$work/pip")" >&2; exit 3; }
exec_path=$work/venv/bin
mkdir "$work/stub"
printf '#!/bin/sh\necho "$@"\n' >"$work/stub/cargo"
chmod +x "$work/stub/cargo"
PATH=$work/stub:$PATH "$exec_path/python" tests/engines/schemas.py "$exec_path" "$work"

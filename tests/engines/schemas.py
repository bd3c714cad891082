"""What tests/engines/schemas.sh runs, in the environment that it makes."""

import os
import pathlib
import re
import subprocess
import sys

import yaml

BIN, WORK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
ENGINES = pathlib.Path("tools/grader/engines")
KUBERNETES = [str(BIN / "kubernetes-validate"), "--strict", "-k", "1.37.0"]
passed = 0


def ok(what):
    global passed
    passed += 1
    print("ok:", what)


def schema(name):
    return [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{name}"]


def is_valid(command, path):
    run = subprocess.run([*command, str(path)], capture_output=True, text=True)
    return run.returncode == 0, run.stdout + run.stderr


def check(path, command, old, new):
    """The file is valid, and isn't any more with a slip in it: so the schema was really applied."""
    valid, said = is_valid(command, path)
    assert valid, f"{path}: {said}"
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    slip = WORK / path.name
    slip.write_text(text.replace(old, new, 1))
    valid, said = is_valid(command, slip)
    assert not valid, f"{path} with {new!r} passes"
    ok(f"{path} fits its schema")


def shell(script, **variables):
    """What `cargo` is called with when an engine runs this script."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(WORK), **variables}
    run = subprocess.run(["bash", "-euc", script], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


for workflow in sorted(pathlib.Path(".github/workflows").glob("*.yml")):
    check(workflow, schema("github-workflows"), "runs-on:", "run-on:")
check(ENGINES / "gitlab-ci.yml", schema("gitlab-ci"), "parallel: 8", "parallel: none")
check(ENGINES / "kubernetes-grade.yaml", KUBERNETES, "completionMode:", "completionMod:")
check(ENGINES / "kubernetes-merge.yaml", KUBERNETES, "backoffLimit: 0", "backoffLimit: zero")

# Kubernetes counts from 0, and tells no number of pods.
job = yaml.safe_load((ENGINES / "kubernetes-grade.yaml").read_text())["spec"]
container = job["template"]["spec"]["containers"][0]
shards = {one["name"]: one["value"] for one in container["env"]}["SHARDS"]
assert job["completions"] == int(shards), "completions and SHARDS differ"
merge = yaml.safe_load((ENGINES / "kubernetes-merge.yaml").read_text())["spec"]["template"]["spec"]["containers"][0]
assert merge["env"] == [{"name": "SHARDS", "value": shards}], "the merge expects another number of shards"
assert container["command"][:2] == ["bash", "-euc"]
for index in range(job["completions"]):
    said = shell(container["command"][2], JOB_COMPLETION_INDEX=str(index), SHARDS=shards)
    part = f"/class/results/part-{index + 1}-of-{shards}.jsonl"
    assert said == f"course grade /class/submissions --shard {index + 1}/{shards} --output {part}", said
ok("each pod judges its own shard")

# GitLab counts from 1.
pipeline = yaml.safe_load((ENGINES / "gitlab-ci.yml").read_text())
count = pipeline["grade"]["parallel"]
script = "\n".join(pipeline["grade"]["script"]).replace("cd /course", f"cd {WORK}")
for index in range(1, count + 1):
    said = shell(script, CI_PROJECT_DIR="/p", CI_NODE_INDEX=str(index), CI_NODE_TOTAL=str(count), CI_JOB_TOKEN="secret")
    assert said == f"course grade /p/submissions --shard {index}/{count} --output /p/part-{index}-of-{count}.jsonl", said
ok("each GitLab job judges its own shard")

rust = re.search(r'^rust-version = "([0-9.]+)"$', pathlib.Path("Cargo.toml").read_text(), re.M)[1]
for place in (ENGINES / "Containerfile", pathlib.Path(".github/workflows/nightly.yml")):
    assert f"docker.io/library/rust:{rust}-" in place.read_text(), f"the image in {place} has another Rust than {rust}"
ok("the images have the course's Rust")

print(f"{passed} passed, 0 failed")

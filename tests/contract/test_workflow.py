"""The workflow can be read, pins its actions, and names files that there are."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def steps():
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_actions_of_the_workflow_have_a_major_version():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_the_workflow_names_files_that_there_are():
    said = "\n".join(step["run"] for step in steps() if "run" in step)
    named = re.findall(r"(?:tests|\.ci)/[\w./-]+", said)
    assert {"tests/runtime", ".ci/run"} <= set(named)
    assert [name for name in named if not (ROOT / name).exists()] == []

"""Programs that are measured in processes of their own: what they weigh, and how they start."""

import json
import subprocess
import sys
from pathlib import Path

from vae_runtime import Profile

PRELUDE = """
import json, sys, time, resource
import numpy as np
from vae_runtime import OnnxRuntime, Profile, Runner
from vae_runtime.backends.bench import memory
from vae_runtime.bundle import open_bundle
bundle, *rest = sys.argv[1:]
def probe(n):
    x = open_bundle(bundle).read_probe()["x"]
    return np.resize(x, (n, *x.shape[1:]))
"""
RUNNER = "runner = Runner.load(bundle, backend=OnnxRuntime(Profile(**json.loads(rest[0]))))\n"
BULK = RUNNER + "runner.score(probe(int(rest[1]))); print(memory('VmHWM'))"
PEAK = RUNNER + "runner.score(probe(1)); runner.score(probe(256)); print(memory('VmHWM'))"
IDLE = (
    RUNNER
    + """
x = probe(1)
runner.score(x)
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
start, before = time.perf_counter(), used()
while time.perf_counter() < start + 2:
    runner.score(x)
    time.sleep(.005)
print((used() - before) / (time.perf_counter() - start))
"""
)
MAPPED = """
runner = Runner.load(bundle)
runner.score(np.load(rest[0], mmap_mode="r")[: int(rest[1])])
print(memory("VmHWM"))
"""
SLICES = """
runner, x = Runner.load(bundle), np.load(rest[0], mmap_mode="r")
for start in range(0, len(x), 65536):
    runner.score(x[start : start + 65536])
print(memory("VmHWM"))
"""
SOAK = """
runner, row = Runner.load(bundle), probe(1)
for call in range(1, int(rest[0]) + 1):
    runner.score(row)
    if call == 1000:
        before = memory()
print(memory() - before)
"""
FIRST = """
import sys
import numpy as np
from vae_runtime import Runner
runner = Runner.load(sys.argv[1])
model = runner.manifest.model
runner.score(np.zeros((1, *model.input_shape), model.input_dtype))
"""


def in_process(program: str, bundle: Path, *arguments: object) -> float:
    """The number that a program prints in a process of its own."""
    given = [json.dumps(vars(a)) if isinstance(a, Profile) else str(a) for a in arguments]
    command = [sys.executable, "-c", PRELUDE + program, str(bundle), *given]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

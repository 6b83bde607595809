"""Loading the core, and training with it, changes nothing in the process."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, signal, sys, threading, time
import numpy as np
import pyarrow, corpora.errors, reference

def arithmetic():
    tiny = np.full(32, 1e-40, np.float32)  # denormal numbers, which some libraries turn off
    return [
        1e-310 * 0.5 != 0,
        bool((tiny * np.float32(0.5)).all()),
        bool((tiny + tiny).all()),
        1 + 2.0**-53 == 1,  # how it rounds
        (1 + 2.0**-53 + 2.0**-60) == 1,
        float(np.float32(1) + np.float32(2**-24)),
    ]

def tasks():
    # Threads of the system; one that has been joined may still be on its way out.
    for _ in range(20):
        yield len(os.listdir("/proc/self/task"))
        time.sleep(0.01)

def state():
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(arithmetic()))
    thread.start()
    thread.join()
    found = {
        "arithmetic": arithmetic(),
        "in a new thread": elsewhere,
        "handlers": [str(signal.getsignal(s)) for s in sorted(signal.valid_signals())],
        "threads": threading.active_count(),
        "environment": sorted(os.environ.items()),
        "switches": sys.getswitchinterval(),
        "errors": str(np.geterr()),
        "directory": os.getcwd(),
    }
    if os.path.exists("/proc/self/status"):
        lines = open("/proc/self/status").read().splitlines()
        wanted = ("SigBlk", "SigIgn", "SigCgt", "Seccomp", "NoNewPrivs", "Umask")
        found["status"] = [line for line in lines if line.startswith(wanted)]
        found["tasks"] = min(tasks())
        found["files"] = sorted(os.listdir("/proc/self/fd"))
    return found

before = state()
import pipeline._train
loaded = state()
import kernel_cases as cases
from pipeline.core import kernels
assert before["arithmetic"][0] and before["arithmetic"][1]
for isa in kernels.available():
    os.environ["MILLRACE_ISA"] = isa
    said = cases.model(method="dm", hierarchical=True, hot=4)
    cases.trained(said, cases.corpus())
    batch = cases.of_rows([[1, 2, 3, 4]], 60).batch(tagged=False)
    kernels.Kernel(**said).infer(batch, kernels.aligned((1, 32)), 3)
    kernels.Kernel(**cases.model(hierarchical=True)).score(batch)
    kernels.peak(isa, 10)
os.environ.pop("MILLRACE_ISA")
print(json.dumps([before, loaded, state()]))
"""


def test_nothing_in_the_process_changes():
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = ['tests', '.']\n{SCRIPT}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        # Libraries whose own threads come and go are told not to have any.
        env={"PATH": "", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
    )
    assert run.returncode == 0, run.stderr
    before, loaded, after = json.loads(run.stdout)
    assert loaded == before
    assert after == before

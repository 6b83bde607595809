"""The C cores for other compilers and processors, and under sanitizers, without Python around them.

What a machine lacks is skipped, with what would have to be there: gcc, clang, a cross compiler for
ARM64 (gcc-aarch64-linux-gnu, or `pip install ziglang`, which knows macOS, too), qemu-aarch64.
"""

import ast
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import kernels

ROOT = Path(__file__).parents[1]
CSRC, NATIVE = ROOT / "csrc", ROOT / "tests" / "native"
PROGRAMS = {"train": NATIVE / "train_modes.c", "tokens": NATIVE / "token_streams.c"}
STRICT = ["-Werror", "-Wshadow", "-Wpointer-arith", "-Wstrict-prototypes", "-Wundef"]
IS_X86 = platform.machine().lower() in {"x86_64", "amd64"}


def build_settings():
    """The constants of csrc/build.py, which itself needs the tools of a build."""
    path = CSRC / "build.py"
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    found = {"Path": Path, "Any": object, "__file__": str(path)}
    exec(compile(tree, str(path), "exec"), found)
    return found


BUILD = build_settings()
HERE = BUILD["X86"] if IS_X86 else BUILD["ARM"]
ZIG = [sys.executable, "-m", "ziglang", "cc", "-target"]
# name -> (command, instruction sets)
COMPILERS = {
    "gcc": (["gcc"], HERE),
    "clang": (["clang"], HERE),
    "gcc for ARM64": (["aarch64-linux-gnu-gcc"], BUILD["ARM"]),
    "zig for ARM64": ([*ZIG, "aarch64-linux-musl"], BUILD["ARM"]),
    "zig for macOS on ARM64": ([*ZIG, "aarch64-macos"], BUILD["ARM"]),
    "zig for macOS on x86-64": ([*ZIG, "x86_64-macos"], BUILD["X86"]),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a command, which must give the code that is wanted; returns what it wrote."""
    zig_cache = tmp_path_factory.mktemp("zig")

    def run(command, wanted=0, **environment):
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            timeout=300,
            check=False,
            env=os.environ
            | {"ZIG_GLOBAL_CACHE_DIR": str(zig_cache), "ZIG_LOCAL_CACHE_DIR": str(zig_cache)}
            | environment,
        )
        said = done.stderr.decode(errors="replace")
        assert done.returncode == wanted, f"{command} gave {done.returncode}:\n{said[:4000]}"
        if wanted == 0:
            assert said == ""
        return done.stdout

    return run


def compiler(name):
    command, isas = COMPILERS[name]
    if command[0] == sys.executable:
        if importlib.util.find_spec("ziglang") is None:
            pytest.skip(f"no ziglang: {name} is not tested")
    elif shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}: {name} is not tested")
    return command, isas


def objects(run, folder, core, command, isas, flags):
    """Compile a core as csrc/build.py does; returns its object files."""
    have = [f"-DMR_HAVE_{name.upper()}=1" for name in isas]
    varied = BUILD["PER_ISA"][core]
    commands = {}
    for source in sorted((CSRC / core).glob("*.c")):
        for name, (lanes, how) in isas.items() if source.name in varied else [("", (0, []))]:
            more = [*how, f"-DMR_ISA={name}", f"-DMR_VL={lanes}"] if name else have
            made = folder / f"{source.stem}{name}.o"
            given = [*BUILD["COMMON"], *STRICT, *more, *flags, "-c", source, "-o", made]
            commands[made] = [*command, *given]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, commands.values()))
    return list(commands)


def program(run, folder, core, command, isas, flags=()):
    """Compile a core with its program in tests/native; returns where it lies."""
    made = objects(run, folder, core, command, isas, flags)
    there = folder / PROGRAMS[core].stem
    given = [*BUILD["COMMON"], *STRICT, *flags, f"-I{CSRC / core}", PROGRAMS[core], *made]
    run([*command, *given, "-pthread", "-lm", "-o", there])
    return there


@pytest.mark.parametrize("core", PROGRAMS)
@pytest.mark.parametrize("name", COMPILERS)
def test_every_source_compiles_without_a_warning(run, tmp_path, name, core):
    objects(run, tmp_path, core, *compiler(name), [])


@pytest.mark.parametrize("core", PROGRAMS)
def test_neon_agrees_with_the_baseline_here(run, tmp_path, core):
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip("no qemu-aarch64: the ARM64 build is not run")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    base = {"base": HERE["base"]}
    expected = run([program(run, here, core, compiler("gcc")[0], base), kernels.ISAS["base"]])
    cross = "gcc for ARM64" if shutil.which("aarch64-linux-gnu-gcc") else "zig for ARM64"
    arm = program(run, there, core, *compiler(cross), ["-static"])
    found = run([emulator, arm, kernels.ISAS["base"]])
    if core == "tokens":
        assert found == expected
    else:
        numbers = [np.frombuffer(raw, np.float32) for raw in (found, expected)]
        assert len(numbers[0]) > 1_000_000
        np.testing.assert_allclose(*numbers, rtol=1e-5, atol=1e-5)


def sanitized(run, folder, core, sanitizers, *names):
    """A core and its program with sanitizers, by gcc; skipped where they don't run."""
    command, isas = compiler("gcc")
    flags = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-O1", "-g1"]
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    try:
        run([*command, *flags, empty, "-o", folder / "empty"])
        run([folder / "empty"])
    except AssertionError as e:
        pytest.skip(f"{sanitizers} sanitizers don't run here: {e}")
    # Not for its warnings: what a sanitizer puts in hides from gcc that a variable is always set.
    chosen = {name: isas[name] for name in names}
    return program(run, folder, core, command, chosen, [*flags, "-w"])


def test_threads_race_on_weights_and_on_nothing_else(run, tmp_path):
    """The program says where the weights are; with two wrong ways to run it races are found."""
    names = {"base", kernels.available()[-1]}
    train = sanitized(run, tmp_path, "train", "thread", *names)
    for name in names:
        run([train, kernels.ISAS[name], 4])
    for how in ("plain", "shared"):
        wrong = [train, kernels.ISAS["base"], 4, how]
        run(wrong, wanted=66, TSAN_OPTIONS="halt_on_error=1")


@pytest.mark.parametrize("core", PROGRAMS)
def test_nothing_undefined_happens(run, tmp_path, core):
    there = sanitized(run, tmp_path, core, "address,undefined", "base")
    run([there, kernels.ISAS["base"]])
    run([there, kernels.ISAS["base"], 3])

"""Compile the C cores: what `pip install .` and `pip install -e .` run.

Each core is one folder here and becomes one extension module. Its `<folder>.h` is the whole
surface: cffi reads the declarations from the very file that the C sources include.
A source in `PER_ISA` is compiled once for every instruction set that this processor family has,
with `MR_ISA` (the suffix of its symbols) and `MR_VL` (floats in a vector) set; which of the builds
runs is chosen when it runs. The other sources are compiled once, for the baseline.

`MILLRACE_SANITIZE=address,undefined` in the environment makes an instrumented build.
"""

import os
import platform
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import cffi
import setuptools  # noqa: F401  (makes `distutils` importable on Python 3.12 and later)
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
ROOT = HERE.parent
CORES = {"tokens": "corpora._tokens", "train": "pipeline._train"}
PER_ISA = {"tokens": ["scan.c", "sound.c"], "train": ["kernels.c"]}

AVX2 = ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"]
# name -> (floats in a vector, what the compiler needs to be told)
X86: dict[str, tuple[int, list[str]]] = {
    "base": (4, []),
    "avx2": (8, AVX2),
    "avx512": (
        16,
        ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512", *AVX2],
    ),
}
ARM: dict[str, tuple[int, list[str]]] = {"base": (4, [])}  # NEON is part of ARM64's baseline

# Named one by one instead of -ffast-math, which at link time would change how the whole process
# rounds: fused multiply-add, and no bookkeeping of errno or of floating-point traps.
MATH = ["-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
COMMON = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi", *MATH]


def isas() -> dict[str, tuple[int, list[str]]]:
    """Return the instruction sets to compile for, baseline first."""
    return X86 if platform.machine().lower() in {"x86_64", "amd64"} else ARM


def declarations(header: Path) -> str:
    """Return what cffi is to parse: the header without its preprocessor lines."""
    lines = header.read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def compile_core(folder: str) -> Path:
    """Compile `csrc/<folder>` and put the module into its package; returns where it lies."""
    from distutils.ccompiler import new_compiler  # noqa: PLC0415
    from distutils.sysconfig import customize_compiler  # noqa: PLC0415

    module = CORES[folder]
    source = HERE / folder
    sanitize = os.environ.get("MILLRACE_SANITIZE", "")
    extra = list(COMMON)
    if sanitize:
        # Python's own flags carry -fwrapv, under which signed overflow is not reported.
        extra += [f"-fsanitize={sanitize}", "-fno-wrapv", "-fno-omit-frame-pointer", "-g", "-O1"]
    if sys.platform == "darwin":
        # One architecture at a time: the builds for each instruction set differ between them.
        os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")

    ffi = cffi.FFI()
    ffi.cdef(declarations(source / f"{folder}.h"))
    ffi.set_source(module, f'#include "{folder}.h"')

    target = ROOT.joinpath(*module.split(".")).with_suffix(".abi3.so")
    with tempfile.TemporaryDirectory() as scratch:
        binding = Path(scratch) / f"_{folder}_binding.c"
        ffi.emit_c_code(str(binding))
        compiler = new_compiler()
        customize_compiler(compiler)
        include = [sysconfig.get_path("include"), str(source)]
        have: list[Any] = [(f"MR_HAVE_{name.upper()}", "1") for name in isas()]

        def objects(files: list[Path], into: str, macros: list[Any], flags: list[str]) -> list[str]:
            out = Path(scratch) / into
            return list(
                compiler.compile(
                    [str(f) for f in files],
                    output_dir=str(out),
                    macros=macros,
                    include_dirs=include,
                    extra_postargs=extra + flags,
                )
            )

        varied = PER_ISA[folder]
        plain = [f for f in sorted(source.glob("*.c")) if f.name not in varied]
        built = objects(plain, "plain", have, [])
        built += objects([binding], "binding", [], ["-w"])  # cffi's text, not ours
        for name, (lanes, flags) in isas().items():
            macros = [("MR_ISA", name), ("MR_VL", str(lanes))]
            built += objects([source / f for f in varied], name, macros, flags)
        link = [f"-fsanitize={sanitize}"] if sanitize else []
        fresh = Path(scratch) / target.name
        compiler.link_shared_object(built, str(fresh), extra_postargs=link)
        # A process that has the old module mapped keeps it: replace the name, not the bytes.
        beside = target.with_suffix(".new")
        beside.write_bytes(fresh.read_bytes())
        beside.chmod(0o755)
        beside.replace(target)
    return target


class CoreBuildHook(BuildHookInterface[Any]):
    """Compiles the cores before hatchling collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the wheel for this platform and for every later CPython."""
        del version
        if self.target_name != "wheel":
            return
        for folder in CORES:
            compile_core(folder)
        build_data["pure_python"] = False
        where = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"cp311-abi3-{where}"


if __name__ == "__main__":
    for core in sys.argv[1:] or CORES:
        print(compile_core(core))  # noqa: T201

"""Which instruction set the C core runs with: the best one, or the one that MILLRACE_ISA names."""

import os

from corpora._tokens import lib
from corpora.errors import MillraceError

NAMES: dict[str, int] = {
    "portable": lib.MR_PORTABLE,
    "base": lib.MR_BASE,
    "avx2": lib.MR_AVX2,
    "avx512": lib.MR_AVX512,
}


def available() -> list[str]:
    """Return the names that this build and this processor have, plainest first."""
    return [name for name, number in NAMES.items() if lib.mr_isa_has(number)]


def chosen() -> int:
    """Return the core's number of the instruction set to use; raises for one that isn't there."""
    name = os.environ.get("MILLRACE_ISA", "")
    if not name:
        return int(lib.mr_isa_best())
    if name not in available():
        problem = f"MILLRACE_ISA is {name!r}, but here there are only: {', '.join(available())}"
        raise MillraceError(problem)
    return NAMES[name]

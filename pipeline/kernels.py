"""The training core, called: arrays in, codes turned into errors, the instruction set chosen.

Everything here is a thin, typed wrapper over `csrc/train/train.h`, which has the shapes. The C
calls run without the GIL, so threads that train different batches run side by side.
"""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import MillraceError
from pipeline._train import ffi, lib

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

ISAS: dict[str, int] = {"base": lib.MR_BASE, "avx2": lib.MR_AVX2, "avx512": lib.MR_AVX512}
METHODS: dict[str, int] = {"skip_gram": lib.MR_SKIP_GRAM, "cbow": lib.MR_CBOW}
LANES = 16  # floats that a row is padded to: 64 bytes, a cache line and the widest vector


class TrainingError(MillraceError):
    """Training can't go on; the message says why and what to do."""


def available() -> list[str]:
    """Return the instruction sets that were compiled in and that this processor has, best last.

    >>> available()[0]
    'base'
    """
    return [name for name, number in ISAS.items() if lib.mr_isa_available(number)]


def chosen() -> int:
    """Return the core's number for the best instruction set, or for the one in MILLRACE_ISA.

    Raises TrainingError where MILLRACE_ISA names one that can't run here.
    """
    have = available()
    name = os.environ.get("MILLRACE_ISA", "") or have[-1]
    if name not in have:
        raise TrainingError(f"MILLRACE_ISA is {name!r}, but here there are only: {', '.join(have)}")
    return ISAS[name]


def stride_of(dim: int) -> int:
    """Return the floats from one row to the next: `dim` rounded up to whole cache lines."""
    return -(-dim // LANES) * LANES


def aligned(shape: tuple[int, ...]) -> Floats:
    """Return zeroed float32 of the given shape that starts on a 64-byte boundary.

    >>> int(aligned((3, 16)).ctypes.data % 64)
    0
    """
    size = int(np.prod(shape)) * 4
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(np.float32).reshape(shape)


def noise_table(weights: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the alias table (n) of the distribution that is proportional to `weights` (n).

    Raises ValueError for weights that are negative, not finite or all zero.
    """
    n = len(weights)
    scratch = np.array(weights, np.float64)
    table, stack = np.empty(n, np.uint64), np.empty(n, np.int64)
    if not np.isfinite(scratch).all() or lib.mr_noise_table(
        n, _doubles(scratch), ffi.from_buffer("uint64_t[]", table), _longs(stack)
    ):
        raise ValueError("noise weights must be finite, not negative, and not all zero")
    return table


def initial_rows(matrix: Floats, first: int, dim: int, seed: int) -> None:
    """Fill `matrix` (n, stride), whose first row has number `first`, from U[-1/dim, 1/dim).

    A row's values depend on the seed and its number alone.
    """
    stride = matrix.shape[1]
    code = lib.mr_initial_rows(
        _floats(matrix), first, len(matrix), dim, stride, seed & 0xFFFFFFFFFFFFFFFF
    )
    assert code == lib.MR_OK


@dataclass
class Tally:
    """What training came to, for a batch, an epoch or a thread; values add up.

    `loss` is the sum over `terms` of -log sigma of the signed logit.
    """

    rows: int = 0
    tokens: int = 0
    unknown: int = 0
    dropped: int = 0
    terms: int = 0
    loss: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another's figures to these."""
        self.rows += other.rows
        self.tokens += other.tokens
        self.unknown += other.unknown
        self.dropped += other.dropped
        self.terms += other.terms
        self.loss += other.loss


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows of one shard, and where they stand in the run.

    tokens (t) and offsets (rows + 1) as in an Arrow list array; map (words): local id -> row of the
    weights or -1. first_row counts the corpus's rows, first_token the run's tokens over all epochs.
    """

    tokens: Ints
    offsets: Ints
    map: Ints
    first_row: int
    first_token: int
    epoch: int


class Kernel:
    """One training run's settings, bound to its arrays; `train` may run in many threads.

    input, output: (rows, stride) from `aligned`; keep (rows) uint32; noise (rows) from
    `noise_table`. The learning rate falls from alpha to min_alpha over `tokens` tokens.
    """

    def __init__(
        self,
        *,
        method: str,
        input: Floats,  # noqa: A002  (the matrix's name in the papers)
        output: Floats,
        keep: NDArray[np.uint32],
        noise: NDArray[np.uint64],
        dim: int,
        window: int,
        negative: int,
        shrink: bool,
        mean: bool,
        share: bool,
        alpha: float,
        min_alpha: float,
        tokens: int,
        seed: int,
    ) -> None:
        rows, stride = input.shape
        if output.shape != (rows, stride) or keep.shape != (rows,) or noise.shape != (rows,):
            raise ValueError("input, output, keep and noise must have the same number of rows")
        self._keep_alive = (input, output, keep, noise)
        self._isa = chosen()
        self._model = ffi.new("mr_model *")
        model = self._model
        model.method = METHODS[method]
        model.dim, model.stride, model.rows = dim, stride, rows
        model.window, model.negative = window, negative
        model.shrink, model.mean, model.share = shrink, mean, share
        model.input, model.output = _floats(input), _floats(output)
        model.keep = ffi.from_buffer("uint32_t[]", keep)
        model.noise = ffi.from_buffer("uint64_t[]", noise)
        model.start_alpha, model.end_alpha = alpha, min_alpha
        model.schedule_tokens = max(tokens, 1)
        model.seed = seed & 0xFFFFFFFFFFFFFFFF

    def train(self, batch: Batch) -> Tally:
        """Train on one batch and return what it came to.

        Raises TrainingError where the weights stop being finite, and ValueError, before anything
        is written, where ids or offsets don't fit together.
        """
        given = ffi.new("mr_batch *")
        given.tokens, given.offsets, given.map = (
            _ints(batch.tokens),
            _ints(batch.offsets),
            _ints(batch.map),
        )
        given.rows = len(batch.offsets) - 1
        given.words, given.token_limit = len(batch.map), len(batch.tokens)
        given.first_row, given.first_token = batch.first_row, batch.first_token
        given.epoch = batch.epoch
        tokens = max(int(batch.offsets[-1]) - int(batch.offsets[0]), 0)
        need = lib.mr_scratch(self._isa, self._model, tokens)
        if need < 0:
            raise ValueError("settings that no model can have")
        scratch = aligned((need // 4,))
        out = ffi.new("mr_tally *")
        code = lib.mr_train(self._isa, self._model, given, ffi.from_buffer(scratch), out)
        if code == lib.MR_NOT_FINITE:
            raise TrainingError(
                "the weights are no longer finite numbers. To mend it: use a lower alpha, or start "
                "from a version whose vectors are sound."
            )
        if code != lib.MR_OK:
            what = {
                lib.MR_BAD_MODEL: "settings that no model can have",
                lib.MR_BAD_OFFSETS: f"row offsets that fall or lie outside, at row {out.at}",
                lib.MR_BAD_TOKEN: f"an id outside its shard's dictionary, at token {out.at}",
                lib.MR_BAD_ID: f"a word outside the weights, at token {out.at}",
            }
            raise ValueError(what[code])
        return Tally(given.rows, out.tokens, out.unknown, out.dropped, out.terms, out.loss)


def peak(isa: str, rounds: int) -> float:
    """Run `rounds` of nothing but fused multiply-adds; returns how many operations that were."""
    sink = np.array([1.0, 1e-9], np.float32)
    return float(lib.mr_peak(ISAS[isa], rounds, _floats(sink)))


def _floats(array: Floats) -> "ffi.CData":
    return ffi.from_buffer("float[]", array)


def _ints(array: Ints) -> "ffi.CData":
    return ffi.from_buffer("int32_t[]", array)


def _longs(array: NDArray[np.int64]) -> "ffi.CData":
    return ffi.from_buffer("int64_t[]", array)


def _doubles(array: NDArray[np.float64]) -> "ffi.CData":
    return ffi.from_buffer("double[]", array)

"""The training core, called: arrays in, codes turned into errors, the instruction set chosen.

Everything here is a thin, typed wrapper over `csrc/train/train.h`, which has the shapes. The C
calls run without the GIL, so threads that train different batches run side by side.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import MillraceError
from pipeline._train import ffi, lib
from pipeline.core.batch import Batch, Floats, Ints, Tally

ISAS: dict[str, int] = {"base": lib.MR_BASE, "avx2": lib.MR_AVX2, "avx512": lib.MR_AVX512}
METHODS: dict[str, int] = {
    "skip_gram": lib.MR_SKIP_GRAM,
    "cbow": lib.MR_CBOW,
    "dbow": lib.MR_DBOW,
    "dbow_words": lib.MR_DBOW_WORDS,
    "dm": lib.MR_DM,
}
JOINS: dict[str, int] = {"mean": lib.MR_MEAN, "sum": lib.MR_SUM, "concat": lib.MR_CONCAT}
MASK = 0xFFFFFFFFFFFFFFFF
ROOT = 0xFFFFFFFF  # in place of a tree node's parent
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
        n, _doubles(scratch), _wide(table), _longs(stack)
    ):
        raise ValueError("noise weights must be finite, not negative, and not all zero")
    return table


def initial_rows(matrix: Floats, first: int, dim: int, seed: int, *, tags: bool = False) -> None:
    """Fill `matrix` (n, stride), whose first row has number `first`, from U[-1/dim, 1/dim).

    A row's values depend on the seed, its number, and on whether it is a word's or a tag's.
    """
    stride = matrix.shape[1]
    code = lib.mr_initial_rows(
        _floats(matrix), first, len(matrix), dim, stride, seed & MASK, int(tags)
    )
    assert code == lib.MR_OK


def huffman(counts: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return a Huffman tree over leaves with these counts (n): leaves (n) and inner nodes (n - 1).

    An entry is parent * 2 + code; the root, inner node 0, has 0xFFFFFFFF. Leaves of equal count are
    taken by falling number.
    """
    n = len(counts)
    leaves, inner = np.empty(n, np.uint32), np.empty(max(n - 1, 0), np.uint32)
    order = np.lexsort((-np.arange(n), counts)).astype(np.int64)
    if lib.mr_huffman(
        n,
        _longs(order),
        _doubles(counts.astype(np.float64)),
        _words(leaves),
        _words(inner),
        _doubles(np.empty(n)),
    ):
        raise ValueError("a Huffman tree needs a leaf")
    return leaves, inner


def depths(leaves: NDArray[np.uint32], inner: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return where each leaf's path begins in `paths` (n + 1), and so how long each is.

    Raises ValueError for entries that make no tree.
    """
    at = np.empty(len(leaves) + 1, np.int64)
    roots = sum(np.count_nonzero(part == ROOT) for part in (leaves, inner))
    if roots != 1:
        raise ValueError(f"a tree has one root, not {roots}")
    given = (len(leaves), _words(leaves), len(inner), _words(inner), _longs(at))
    if lib.mr_paths(*given, ffi.NULL):
        raise ValueError("these are not the nodes of a tree")
    return at


def paths(
    leaves: NDArray[np.uint32], inner: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return where each leaf's path begins (n + 1), and all paths, from the root: node * 2 + code.

    Raises ValueError for entries that make no tree.
    """
    at = depths(leaves, inner)
    path = np.empty(at[-1], np.uint32)
    lib.mr_paths(len(leaves), _words(leaves), len(inner), _words(inner), _longs(at), _words(path))
    return at, path


class Kernel:
    """One training run's settings, bound to its arrays; its methods may run in many threads.

    The arguments are the fields of mr_model. Matrices come from `aligned`, noise from
    `noise_table`, paths from `paths`; what a mode doesn't need is left out. The learning rate falls
    from alpha to min_alpha over `tokens` tokens. Raises ValueError for arrays that don't fit
    together.
    """

    def __init__(
        self,
        *,
        method: str,
        input: Floats,  # noqa: A002  (the matrix's name in the papers)
        keep: NDArray[np.uint32],
        dim: int,
        window: int,
        output: Floats | None = None,
        nodes: Floats | None = None,
        tags: Floats | None = None,
        noise: NDArray[np.uint64] | None = None,
        path_at: NDArray[np.int64] | None = None,
        path: NDArray[np.uint32] | None = None,
        input_rates: Floats | None = None,
        tag_rates: Floats | None = None,
        output_rates: Floats | None = None,
        node_rates: Floats | None = None,
        negative: int = 5,
        hierarchical: bool = False,
        join: str = "mean",
        exact: bool = False,
        shrink: bool = True,
        share: bool = True,
        tag_slots: int = 1,
        hot: int = 0,
        fold: int = 16,
        alpha: float = 0.025,
        min_alpha: float = 0.0001,
        tokens: int = 1,
        seed: int = 1,
    ) -> None:
        rows, stride = input.shape
        width = (tag_slots + 2 * window) * stride if join == "concat" else stride
        tag_rows = 0 if tags is None else len(tags)
        for name, array, shape, needed in (
            ("output", output, (rows, width), negative > 0),
            ("nodes", nodes, (rows - 1, width), hierarchical),
            ("tags", tags, (tag_rows, stride), False),
            ("keep", keep, (rows,), True),
            ("noise", noise, (rows,), negative > 0),
            ("path_at", path_at, (rows + 1,), hierarchical),
            ("path", path, None, hierarchical),
            ("input_rates", input_rates, (rows,), False),
            ("tag_rates", tag_rates, (tag_rows,), False),
            ("output_rates", output_rates, (rows,), False),
            ("node_rates", node_rates, (rows - 1,), False),
        ):
            if array is None:
                if needed:
                    raise ValueError(f"{name} is missing")
            elif shape is not None and array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, but {shape} belongs here")
        if path_at is not None and path is not None:
            _check_paths(path_at, path, rows)
        self._keep_alive = (
            (input, output, nodes, tags),
            (keep, noise, path_at, path),
            (input_rates, tag_rates, output_rates, node_rates),
        )
        self._isa = chosen()
        self._local = threading.local()
        self._model = model = ffi.new("mr_model *")
        model.method, model.join, model.exact = METHODS[method], JOINS[join], exact
        model.dim, model.stride, model.rows, model.tag_rows = dim, stride, rows, tag_rows
        model.window, model.negative, model.hierarchical = window, negative, hierarchical
        model.shrink, model.share, model.tag_slots = shrink, share, tag_slots
        model.hot, model.fold = hot, fold
        model.input = _floats(input)
        model.keep = _words(keep)
        for name, floats in (
            ("output", output),
            ("nodes", nodes),
            ("tags", tags),
            ("input_rates", input_rates),
            ("tag_rates", tag_rates),
            ("output_rates", output_rates),
            ("node_rates", node_rates),
        ):
            if floats is not None:
                setattr(model, name, _floats(floats))
        if noise is not None:
            model.noise = _wide(noise)
        if path_at is not None and path is not None:
            model.path_at, model.path = _longs(path_at), _words(path)
            model.longest = int(np.diff(path_at).max())
        model.start_alpha, model.end_alpha = alpha, min_alpha
        model.schedule_tokens = max(tokens, 1)
        model.seed = seed & MASK

    def train(self, batch: Batch) -> Tally:
        """Train on one batch and return what it came to.

        Raises TrainingError where the weights stop being finite, and ValueError, before anything
        is written, where ids or offsets don't fit together.
        """
        return self._call(batch, lambda *given: lib.mr_train(self._isa, self._model, *given))

    def infer(self, batch: Batch, vectors: Floats, epochs: int) -> Tally:
        """Find vectors for the batch's rows, in so many passes; nothing else is written.

        vectors: (rows, stride) from `aligned`; a row without a known word becomes zero. Raises as
        `train` does.
        """
        if vectors.shape != (len(batch), self._model.stride):
            raise ValueError(f"{len(batch)} rows don't fit into vectors of shape {vectors.shape}")
        model = ffi.new("mr_model *", self._model[0])
        model.tags, model.tag_rows, model.tag_rates = _floats(vectors), len(vectors), ffi.NULL
        return self._call(
            batch,
            lambda given, *rest: lib.mr_infer(self._isa, model, given, epochs, *rest),
        )

    def score(self, batch: Batch) -> NDArray[np.float64]:
        """Return the log probability (rows) of each row, in nats; raises as `train` does."""
        scores = np.zeros(len(batch))
        self._call(
            batch,
            lambda given, *rest: lib.mr_score(
                self._isa, self._model, given, _doubles(scores), *rest
            ),
        )
        return scores

    def _call(self, batch: Batch, call: Callable[..., int]) -> Tally:
        given = ffi.new("mr_batch *")
        given.tokens, given.offsets = _ints(batch.tokens), _ints(batch.offsets)
        given.map, given.words = _ints(batch.map), len(batch.map)
        given.rows, given.token_limit = len(batch), len(batch.tokens)
        tags = 0
        if batch.tags is not None and batch.tag_offsets is not None and batch.tag_map is not None:
            if len(batch.tag_offsets) != len(batch.offsets):
                raise ValueError("tags and tokens are of different numbers of rows")
            given.tags, given.tag_offsets = _ints(batch.tags), _ints(batch.tag_offsets)
            given.tag_map, given.tag_words = _ints(batch.tag_map), len(batch.tag_map)
            given.tag_limit = len(batch.tags)
            tags = _extent(batch.tag_offsets, batch.tags)
        given.first_row, given.first_token = batch.first_row, batch.first_token
        given.epoch = batch.epoch
        need = lib.mr_scratch(self._isa, self._model, _extent(batch.offsets, batch.tokens), tags)
        if need < 0:
            raise ValueError("settings that no model can have")
        out = ffi.new("mr_tally *")
        code = call(given, ffi.from_buffer(self._scratch(need)), out)
        if code == lib.MR_NOT_FINITE:
            raise TrainingError(
                "the weights are no longer finite numbers. To mend it: use a lower alpha, or start "
                "from a version whose vectors are sound."
            )
        if code != lib.MR_OK:
            what = {
                lib.MR_BAD_MODEL: "settings that no model can have",
                lib.MR_BAD_OFFSETS: f"row offsets that fall or lie outside, at row {out.at}",
                lib.MR_BAD_TOKEN: f"an id outside its shard's dictionary, at number {out.at}",
                lib.MR_BAD_ID: f"a word or tag outside the weights, at number {out.at}",
            }
            raise ValueError(what[code])
        return Tally(given.rows, out.tokens, out.unknown, out.dropped, out.terms, out.loss)

    def _scratch(self, need: int) -> Floats:
        """Return this thread's scratch: made anew only where it must grow, as its pages cost."""
        held: Floats | None = getattr(self._local, "scratch", None)
        if held is None or held.nbytes < need:
            held = self._local.scratch = aligned((need // 4,))
        return held


def _extent(offsets: Ints, items: Ints) -> int:
    """Return how many items offsets span, which the core checks; never more than there are."""
    return min(max(int(offsets[-1]) - int(offsets[0]), 0), len(items)) if len(offsets) else 0


def peak(isa: str, rounds: int) -> float:
    """Run `rounds` of nothing but fused multiply-adds; returns how many operations that were."""
    sink = np.array([1.0, 1e-9], np.float32)
    return float(lib.mr_peak(ISAS[isa], rounds, _floats(sink)))


def _check_paths(path_at: NDArray[np.int64], path: NDArray[np.uint32], rows: int) -> None:
    """Refuse paths that lead out of their array, or out of the nodes' matrix."""
    fall = path_at[0] != 0 or path_at[-1] > len(path) or (np.diff(path_at) < 0).any()
    if fall or (len(path) and int(path.max()) >> 1 >= rows - 1):
        raise ValueError("path_at or path lead out of their arrays")


def _pointer(kind: str, dtype: type[np.generic], array: NDArray[Any]) -> "ffi.CData":
    """Return the array as C sees it; what has another type would be read as something else."""
    if array.dtype != dtype:
        raise ValueError(f"an array of {array.dtype} came where {np.dtype(dtype)} belongs")
    return ffi.from_buffer(kind, array)


def _floats(array: Floats) -> "ffi.CData":
    return _pointer("float[]", np.float32, array)


def _ints(array: Ints) -> "ffi.CData":
    return _pointer("int32_t[]", np.int32, array)


def _words(array: NDArray[np.uint32]) -> "ffi.CData":
    return _pointer("uint32_t[]", np.uint32, array)


def _longs(array: NDArray[np.int64]) -> "ffi.CData":
    return _pointer("int64_t[]", np.int64, array)


def _doubles(array: NDArray[np.float64]) -> "ffi.CData":
    return _pointer("double[]", np.float64, array)


def _wide(array: NDArray[np.uint64]) -> "ffi.CData":
    return _pointer("uint64_t[]", np.uint64, array)

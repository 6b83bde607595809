"""SimplePreprocess: lower case, letters only, neither too short nor too long, as gensim has it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from annotated_types import Ge

from corpora.rows.columns import with_words
from corpora.tokens.buffers import string_buffers
from corpora.tokens.interner import Interner
from corpora.transform import RowTransform

LETTERS = re.compile(r"[^\W\d]+")
# What ASCII text becomes: letters in lower case and "_" stay, all else is a space.
TABLE = bytes(
    ord(chr(i).lower()) if i < 128 and (chr(i).isalpha() or chr(i) == "_") else 32
    for i in range(256)
)


@dataclass(frozen=True)
class SimplePreprocess(RowTransform):
    """Turn text into the tokens that gensim's `simple_preprocess` gives.

    Lower case; tokens are runs of letters and "_", digits separate; those that begin with "_" are
    left out. deacc: take accents off; min_len: characters that a token has at least; max_len: at
    most.

    >>> from corpora import Sentences
    >>> list(Sentences([["Les ÉTÉS, à l'ombre: 35_degrés!"]]).simple_preprocess(deacc=True))
    [['les', 'etes', 'ombre']]
    """

    deacc: bool = False
    min_len: Annotated[int, Ge(0)] = 2
    max_len: Annotated[int, Ge(1)] = 15
    version: ClassVar[str] = f"Unicode {unicodedata.unidata_version}"

    def faults(self) -> Iterator[str]:
        """Refuse bounds between which no length lies."""
        yield from super().faults()
        if self.min_len > self.max_len:
            yield f"min_len must be at most max_len, {self.max_len}, not {self.min_len}"

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with `words`."""
        interner = Interner()
        ids: Any = interner.split(self._spaced(_text_of(batch)))
        known: Any = interner.words
        length: Any = pc.utf8_length(known)
        within = (length.to_numpy() >= self.min_len) & (length.to_numpy() <= self.max_len)
        hidden: Any = pc.starts_with(known, "_")
        fitting = within & ~hidden.to_numpy(zero_copy_only=False)
        keep = fitting[ids.values.to_numpy()]
        kept = np.concatenate(([0], np.cumsum(keep)))[ids.offsets.to_numpy()]
        words = known.take(ids.values.filter(pa.array(keep)))
        made = pa.ListArray.from_arrays(pa.array(kept, pa.int32()), words)
        return with_words(batch, made)

    def _spaced(self, text: Any) -> Any:
        """Return text whose tokens stand between white space, in lower case."""
        spaced = _ascii_spaced(text)
        wide: Any = pc.fill_null(pc.invert(pc.string_is_ascii(text)), False)
        if not pc.any(wide).as_py():
            return spaced
        rows = text.filter(wide).to_pylist()
        made = [" ".join(_runs(row, deacc=self.deacc)) for row in rows]
        return pc.replace_with_mask(spaced, wide, pa.array(made, spaced.type))


def simple_preprocess(
    text: str | bytes, deacc: bool = False, min_len: int = 2, max_len: int = 15
) -> list[str]:
    """Return the tokens of one text, as the transform of that name and gensim's function have them.

    deacc: take accents off. min_len, max_len: characters that a token has at least, and at most.
    Bytes are taken for UTF-8; those that are not are left out.

    >>> simple_preprocess("Les ÉTÉS, à l'ombre: 35_degrés!", deacc=True)
    ['les', 'etes', 'ombre']
    """
    whole = text.decode("utf-8", "ignore") if isinstance(text, bytes) else text
    runs = _runs(whole, deacc=deacc)
    return [run for run in runs if min_len <= len(run) <= max_len and run[0] != "_"]


def _runs(text: str, *, deacc: bool) -> list[str]:
    """Return the runs of letters and "_" in lower case."""
    text = text.lower()
    if deacc and not text.isascii():
        apart = unicodedata.normalize("NFD", text)
        bare = "".join(c for c in apart if unicodedata.category(c) != "Mn")
        text = unicodedata.normalize("NFC", bare)
    return LETTERS.findall(text)


def _ascii_spaced(text: Any) -> Any:
    """Return text with all that is not an ASCII letter or "_" blanked out, in lower case."""
    offsets, chars = string_buffers(text)
    blanked = b"" if chars is None else chars.to_pybytes().translate(TABLE)
    kind = pa.LargeStringArray if offsets.itemsize == 8 else pa.StringArray
    memory: Any = np.ascontiguousarray(offsets)
    return kind.from_buffers(len(text), pa.py_buffer(memory), pa.py_buffer(blanked))


def _text_of(batch: pa.RecordBatch) -> Any:
    """Return each row's text; words are joined by single spaces."""
    if "words" not in batch.schema.names:
        return batch["text"]
    return pc.binary_join(batch["words"], " ")

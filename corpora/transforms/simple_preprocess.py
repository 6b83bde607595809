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
        made = [" ".join(LETTERS.findall(self._lower(row))) for row in rows]
        return pc.replace_with_mask(spaced, wide, pa.array(made, spaced.type))

    def _lower(self, text: str) -> str:
        text = text.lower()
        if not self.deacc or text.isascii():
            return text
        apart = unicodedata.normalize("NFD", text)
        bare = "".join(c for c in apart if unicodedata.category(c) != "Mn")
        return unicodedata.normalize("NFC", bare)


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

"""Lowercase: every letter in lower case, exactly as `str.lower()` has it."""

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpora.tokens.buffers import string_buffers
from corpora.transform import RowTransform


@dataclass(frozen=True)
class Lowercase(RowTransform):
    """Put every letter in lower case; columns other than the text or the words stay as they are.

    >>> from corpora import Sentences
    >>> list(Sentences([["The", "CAT"], ["ΟΔΟΣ"]]).lowercase())
    [['the', 'cat'], ['οδος']]
    """

    version: ClassVar[str] = f"Unicode {unicodedata.unidata_version}"

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with `text` or `words` in lower case."""
        name = "words" if "words" in batch.schema.names else "text"
        column = batch[name]
        made: Any = lower(column) if name == "text" else _lower_lists(column)
        return batch.set_column(batch.schema.get_field_index(name), name, made)


def lower(text: Any) -> Any:
    """Return a string column in lower case, row by row equal to `str.lower()`.

    >>> lower(pa.array(["ÀB", None, "İ"])).to_pylist() == ["àb", None, "İ".lower()]
    True
    """
    if _is_ascii(text) and _begins_at_zero(text):
        return pc.ascii_lower(text)
    made = pc.utf8_lower(text)
    differing = pc.match_substring_regex(text, _differing())
    if pc.any(differing).as_py():
        # Final sigma, the dotted capital I, letters that one of the two tables does not know yet.
        mended = [row.lower() for row in text.filter(differing).to_pylist()]
        made = pc.replace_with_mask(made, differing.fill_null(False), pa.array(mended, text.type))
    return made


def _is_ascii(text: Any) -> bool:
    chars = text.buffers()[2]
    if chars is None:
        return True
    # The whole buffer, also where the column is a slice of it: at worst the slower way is taken.
    return not (np.frombuffer(chars, np.uint8) & 0x80).any()


def _begins_at_zero(text: Any) -> bool:
    # Arrow 26's ascii_lower goes wrong for an array whose first offset is not 0, slices excepted.
    return bool(text.offset) or int(string_buffers(text)[0][0]) == 0


@cache
def _differing() -> str:
    """Return a pattern of the characters that Arrow and Python put in lower case differently."""
    points = [chr(i) for i in range(0x80, sys.maxunicode + 1) if not 0xD800 <= i <= 0xDFFF]
    python = pa.array([point.lower() for point in points])
    arrow = pc.utf8_lower(pa.array(points))
    odd: list[Any] = pc.filter(pa.array(points), pc.not_equal(python, arrow)).to_pylist()
    # The capital sigma's lower case depends on what stands around it.
    return "[" + re.escape("".join(sorted({*odd, "\N{GREEK CAPITAL LETTER SIGMA}"}))) + "]"


def _lower_lists(words: Any) -> Any:
    offsets = pc.subtract(words.offsets, words.offsets[0])
    return type(words).from_arrays(offsets, lower(words.flatten()))

"""Normalize: one of Unicode's normal forms, so that what looks alike is alike."""

import unicodedata
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from corpora.transform import RowTransform


@dataclass(frozen=True)
class Normalize(RowTransform):
    """Put text into a Unicode normal form, as `unicodedata.normalize` does.

    form: "NFC" composes letters and their accents, "NFD" takes them apart; "NFKC" and "NFKD" also
    replace what is only a way of writing something else, such as ligatures and full-width letters.

    >>> from corpora import Sentences
    >>> list(Sentences([["ﬁne", "e\u0301te\u0301"]]).normalize("NFKC"))
    [['fine', 'été']]
    """

    form: Literal["NFC", "NFD", "NFKC", "NFKD"] = "NFC"
    version: ClassVar[str] = f"Unicode {unicodedata.unidata_version}"

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with `text` or `words` in the form."""
        name = "words" if "words" in batch.schema.names else "text"
        column: Any = batch[name]
        if name == "text":
            made = self._normal(column)
        else:
            offsets = pc.subtract(column.offsets, column.offsets[0])
            made = type(column).from_arrays(offsets, self._normal(column.flatten()))
        return batch.set_column(batch.schema.get_field_index(name), name, made)

    def _normal(self, text: Any) -> Any:
        # ASCII is the same in every form. The rest goes by Python's tables: Arrow's are of another
        # version of Unicode, and which one differs from wheel to wheel.
        wide: Any = pc.fill_null(pc.invert(pc.string_is_ascii(text)), False)
        if not pc.any(wide).as_py():
            return text
        normal = [unicodedata.normalize(self.form, row) for row in text.filter(wide).to_pylist()]
        return pc.replace_with_mask(text, wide, pa.array(normal, text.type))

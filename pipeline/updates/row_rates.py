"""How fast each row learns in an update: frozen ones not at all, new ones faster than old ones."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.core.batch import Ints
from pipeline.core.weights import Floats
from pipeline.models.model import Model, ModelError
from pipeline.vectors.files import lines

NAMES = ("words", "tags", "old_words", "old_tags")


class Known(NamedTuple):
    """How many words and tags a model had before an update, and which of the tags begin anew."""

    words: int = 0
    tags: int = 0
    anew: Ints = np.zeros(0, np.int32)

    @classmethod
    def of(cls, model: Model | None) -> "Known":
        """Return how many a model has."""
        if model is None:
            return cls()
        return cls(model.vocabulary.size, 0 if model.tags is None else model.tags.size)


class RowRates(NamedTuple):
    """Factors of the learning rate by row, as `Model.train` takes them; None: all 1."""

    word_rates: Floats | None
    tag_rates: Floats | None
    output_rates: Floats | None
    node_rates: Floats | None


def row_rates(model: Model, known: Known, freeze: str = "", faster: float = 1.0) -> RowRates:
    """Return the rates for a model that has grown.

    known: what it had before. freeze: what stays as it is to the bit, "words" or "tags", all of
    them, "old_words" or "old_tags", those that were there, or a file with a word or tag on each
    line; with a word its outputs stay, too, and with "words" or "old_words" the nodes of the tree.
    faster: factor for vectors of new words and tags, and of tags that begin anew. Raises ModelError
    for a line of the file that the model does not know, and what reading the file raises.

    >>> import pyarrow as pa
    >>> from pipeline.core.settings import Settings
    >>> from pipeline.words.vocabulary import Vocabulary
    >>> words = Vocabulary.empty().add(pa.array(["a", "b", "c"]), np.array([3, 2, 1]), min_count=1)
    >>> model = Model.fresh(words, Settings(vector_size=4), seed=1)
    >>> rates = row_rates(model, Known(words=2), "old_words", faster=2)
    >>> rates.word_rates.tolist(), rates.output_rates.tolist(), rates.tag_rates
    ([0.0, 0.0, 2.0], [0.0, 0.0, 1.0], None)
    """
    held = model.weights
    words, outputs = (np.ones(len(held.input), np.float32) for _ in range(2))
    nodes = np.ones(max(len(words) - 1, 0), np.float32)
    tags = np.ones(0 if held.tags is None else len(held.tags), np.float32)
    words[known.words :] = tags[known.tags :] = tags[known.anew] = faster
    if freeze in ("words", "old_words"):
        upto = len(words) if freeze == "words" else known.words
        words[:upto] = outputs[:upto] = nodes[: max(upto - 1, 0)] = 0
    elif freeze in ("tags", "old_tags"):
        tags[: len(tags) if freeze == "tags" else known.tags] = 0
        if freeze == "old_tags":
            tags[known.anew] = faster
    elif freeze:
        for word, tag in _named(model, freeze):
            if word >= 0:
                words[word] = outputs[word] = 0
            if tag >= 0:
                tags[tag] = 0
    return RowRates(
        _if_any(words),
        _if_any(tags),
        None if held.output is None else _if_any(outputs),
        None if held.nodes is None else _if_any(nodes),
    )


def _named(model: Model, address: str) -> Iterator[tuple[int, int]]:
    """Yield the rows, of words and of tags, of each line of a file; -1 for none."""
    tags = model.tags
    for number, line in enumerate(lines(address), start=1):
        name = line.rstrip("\r\n")
        if not name:
            continue
        word = model.keyed_vectors.key_to_index.get(name, -1)
        tag = -1
        if tags is not None:
            tag = tags.find([name])[0]
            if tag < 0 and name.isascii() and name.removeprefix("-").isdecimal():
                tag = tags.find([int(name)])[0]
        if word < 0 and tag < 0:
            raise ModelError(
                f"{address}, line {number}: the model has no word and no tag {name!r}. To mend it: "
                'take the line out, or set freeze to one of "' + '", "'.join(NAMES) + '"'
            )
        yield word, tag


def _if_any(rates: Floats) -> Floats | None:
    return rates if (rates != 1).any() else None

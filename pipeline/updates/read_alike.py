"""Other files, read as a corpus reads its own: with its reader, and what it does to the text."""

from dataclasses import fields, replace
from typing import Any

from corpora.corpus import Chain, Corpus, Transformed
from corpora.errors import CorpusError
from corpora.reader import FileReader
from corpora.sources.source import Url
from corpora.transform import RowTransform, Transform
from corpora.transforms.filter import Filter
from pipeline.updates.unseen import Listed


def read_alike(corpus: Corpus, url: Url, **keys: Any) -> Corpus:
    """Return the corpus of the files at `url`, read by the first reader of `corpus`.

    What changes the text of a row is done to it, too; what chooses, mixes or orders rows is not.
    keys: other settings of the reader, where it has them. Raises CorpusError for a corpus that is
    not read from files.

    >>> from corpora import LineSentence
    >>> read_alike(LineSentence("a.txt").lowercase().shuffle(), "b.txt").transform
    Lowercase()
    """
    if isinstance(corpus, Transformed):
        base = read_alike(corpus.base, url, **keys)
        return base.then(corpus.transform) if changes_text(corpus.transform) else base
    if isinstance(corpus, Chain):
        return read_alike(corpus.links[0], url, **keys)
    reader = corpus.reader if isinstance(corpus, Listed) else corpus
    if not isinstance(reader, FileReader):
        raise CorpusError(
            f"{type(reader).__name__} reads no files, so other files can't be read as it does",
            remedy="use a reader of files, such as line_sentence",
        )
    known = {field.name for field in fields(reader)}
    own: dict[str, Any] = {"new_only": False, "changed": "update", "vanished": "keep"}
    given = {name: value for name, value in keys.items() if name in known}
    return replace(reader, url=url, **own, **given)


def changes_text(transform: Transform) -> bool:
    """Return whether a transform changes what stands in rows, and not which rows there are."""
    return isinstance(transform, RowTransform) and not isinstance(transform, Filter)

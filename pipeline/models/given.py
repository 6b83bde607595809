"""What a user gives to be read: an iterable or a file, as a corpus."""

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from typing import Any

from corpora import Corpus

File = str | PathLike[str]
Files = File | list[File] | tuple[File, ...]


class Once:
    """An iterator, which can be gone through a single time: enough for text that is kept as ids.

    >>> once = Once(iter([["a"]]))
    >>> list(once)
    [['a']]
    >>> list(once)
    Traceback (most recent call last):
    TypeError: an iterator can be read only once, and this is the second time. To mend it: give a \
list, or an object whose __iter__ starts again; with cache=False every epoch reads the text
    """

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator: Iterator[Any] | None = iterator

    def __iter__(self) -> Iterator[Any]:
        if self._iterator is None:
            raise TypeError(
                "an iterator can be read only once, and this is the second time. To mend it: give "
                "a list, or an object whose __iter__ starts again; with cache=False every epoch "
                "reads the text"
            )
        iterator, self._iterator = self._iterator, None
        return iterator


def as_corpus(
    iterable: Corpus | Iterable[Any] | None,
    file: Files | None,
    listed: Callable[[Any], Corpus],
    filed: Callable[[Any], Corpus],
) -> Corpus:
    """Return what was given as a corpus; listed, filed: what makes one of an iterable or of a file.

    Raises TypeError unless there is one of the two, of its kind.
    """
    if (iterable is None) == (file is None):
        given = "neither was" if file is None else "both were"
        raise TypeError(f"either corpus_iterable or corpus_file is wanted, and {given} given")
    if file is not None:
        several = file if isinstance(file, list | tuple) else [file]
        if not several or not all(isinstance(one, str | PathLike) for one in several):
            raise TypeError(
                f"corpus_file is a path or an address, or a list of them, not {_shown(file)}"
            )
        return filed(file)
    if isinstance(iterable, Corpus):
        return iterable
    if isinstance(iterable, str | bytes) or not isinstance(iterable, Iterable):
        raise TypeError(
            "corpus_iterable is a corpus or an iterable, such as a list of lists of words, not "
            f"{_shown(iterable)}. A file's name is corpus_file"
        )
    return listed(Once(iterable) if isinstance(iterable, Iterator) else iterable)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."

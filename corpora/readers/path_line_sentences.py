"""PathLineSentences: LineSentence over all files of a folder."""

from dataclasses import dataclass
from typing import ClassVar

from corpora.old_names import LINES, old_names
from corpora.readers.line_sentence import LineSentence


@old_names(LINES)
@dataclass(frozen=True)
class PathLineSentences(LineSentence):
    r"""The files of a folder, in the order of their names, one sentence a line.

    url: the folder; or a file, a glob, a list. Everything else is as for LineSentence, to which a
    folder may be given just as well: this one has the name that people know.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> for name in "ba":
    ...     _ = pathlib.Path(folder.name, name).write_text(f"file {name}\n")
    >>> list(PathLineSentences(folder.name))
    [['file', 'a'], ['file', 'b']]
    >>> folder.cleanup()
    """

    flat: ClassVar[bool] = True

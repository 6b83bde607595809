"""JoinPhrases: words that are a phrase by a file of phrases, joined."""

from dataclasses import dataclass

from corpora.part import Part
from corpora.phrases import PhraseTable, WithPhrases
from corpora.transform import Transform


@dataclass(frozen=True)
class JoinPhrases(Transform):
    """Join the phrases that a file holds; it is read anew in each run.

    url: a file that `save` wrote of phrases, not of counts.

    >>> import tempfile, pathlib
    >>> from corpora import Sentences
    >>> from corpora.phrases import PhraseTable
    >>> table = PhraseTable([["new", "york"]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with (pathlib.Path(folder) / "a.phrases").open("wb") as out:
    ...         table.write(out)
    ...     list(Sentences([["in", "new", "york"]]).then(JoinPhrases(out.name)))
    [['in', 'new_york']]
    """

    url: str

    def apply(self, parts: list[Part]) -> list[Part]:
        """Read the file, and keep every part, with its rows' phrases joined."""
        return WithPhrases(PhraseTable.read(self.url)).apply(parts)

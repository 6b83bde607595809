"""What is wrong with a file of vectors: where, and what to do about it."""

from typing import Any

from corpora.errors import CorpusError


class VectorFileError(CorpusError, ValueError):
    """A file of vectors, or of tests for them, is not what it should be."""


class TruncatedError(VectorFileError, EOFError):
    """A file ends before all that its header promises."""


class WordEncodingError(VectorFileError, UnicodeDecodeError):
    """A word's bytes are not text in the encoding that was asked for."""

    def __init__(self, cause: UnicodeDecodeError, **place: Any) -> None:
        # The two bases want arguments of their own: each gets them.
        UnicodeDecodeError.__init__(
            self, cause.encoding, cause.object, cause.start, cause.end, cause.reason
        )
        some = cause.object[max(0, cause.start - 20) : cause.end + 20]
        self.problem = f"a word is not {cause.encoding}: {some!r}"
        self.url, self.position = place.get("url"), place.get("position")
        self.remedy = (
            "name the file's encoding, or take words with what can be read of them: "
            "unicode_errors='replace'"
        )

    def __str__(self) -> str:
        """Say it as every error of a corpus is said."""
        return str(
            CorpusError(self.problem, url=self.url, position=self.position, remedy=self.remedy)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what it was made from."""
        cause = UnicodeDecodeError(self.encoding, self.object, self.start, self.end, self.reason)
        return _again, (cause, self.url, self.position)


def _again(cause: UnicodeDecodeError, url: str | None, position: str | None) -> WordEncodingError:
    return WordEncodingError(cause, url=url, position=position)

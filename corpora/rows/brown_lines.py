"""Lines of the Brown corpus: tokens with their part of speech, "The/at Jury/nn"."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from corpora.sources.source import Source
from corpora.tokens.lines import split_lines


def brown_lines(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield line number, from 0 on and counting every line, and words of each line that has any."""
    number = 0
    with closing(source.blocks()) as blocks:
        for batch in split_lines(blocks, url=source.label, keep_blank=True):
            lines: list[Any] = batch["text"].to_pylist()
            for line in lines:
                words = brown_words(line)
                if words:
                    yield number, words
                number += 1


def brown_words(line: str) -> list[str]:
    """Return the words of a line: lower case, a slash, the first two letters of the tag.

    A token without exactly one slash is left out, and so is one whose tag doesn't begin with
    letters: punctuation, and words with a mark such as "not/*".

    >>> brown_words("The/at Fulton/np-tl 1/2/cd ./. not/*")
    ['the/at', 'fulton/np']
    """
    split = (token.split("/") for token in line.split())
    return [
        f"{pair[0].lower()}/{pair[1][:2]}"
        for pair in split
        if len(pair) == 2 and pair[1][:2].isalpha()
    ]

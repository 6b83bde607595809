"""Tests of vectors with files that people have made: analogies, and judgements of similarity."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from pipeline.vectors.correlation import Correlation, pearson, spearman
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import Address, lines
from pipeline.vectors.rows import TINY, cosine
from pipeline.vectors.search import likest, nearest
from pipeline.vectors.searched import Searched

Question = tuple[str, str, str, str]
Known = dict[str, int]

LOOKED_AT = 5  # nearest words among which the answer may stand behind spellings of those given


@dataclass
class _Section:
    """Questions under one heading; known: those whose four words are, with their place in it."""

    name: str
    questions: list[Question] = field(default_factory=list)
    right: list[bool | None] = field(default_factory=list)  # None: not asked


def analogies(
    vectors: Searched,
    path: Address,
    restrict_vocab: int | None,
    *,
    case_insensitive: bool,
    dummy4unknown: bool,
    product: bool = False,
) -> tuple[float, list[dict[str, Any]]]:
    """Return the share of right answers, and a dict for each section; the last is of all.

    product: answer by 3CosMul, and not by the cosine with b - a + c. Raises VectorFileError for a
    line that is no question, or stands before the first heading.
    """
    known = _known(vectors, restrict_vocab, fold=case_insensitive)
    sections = list(_sections(path, fold=case_insensitive))
    asked = [
        (section, at, [known[word] for word in question])
        for section in sections
        for at, question in enumerate(section.questions)
        if all(word in known for word in question)
    ]
    names = _answers(vectors, [rows for _, _, rows in asked], restrict_vocab, product=product)
    for (section, at, _), found in zip(asked, names, strict=True):
        question = section.questions[at]
        folded = (name.upper() if case_insensitive else name for name in found)
        answer = next((name for name in folded if name not in question[:3]), None)
        section.right[at] = answer == question[3]
    if dummy4unknown:
        for section in sections:
            section.right = [bool(right) for right in section.right]
    results = [_result(section.name, [section]) for section in sections]
    total = _result("Total accuracy", sections)
    right, wrong = len(total["correct"]), len(total["incorrect"])
    return right / (right + wrong) if right + wrong else 0.0, [*results, total]


def pairs(
    vectors: Searched,
    path: Address,
    restrict_vocab: int | None,
    *,
    delimiter: str,
    encoding: str,
    case_insensitive: bool,
    dummy4unknown: bool,
) -> tuple[Correlation, Correlation, float]:
    """Return Pearson's and Spearman's correlation with people's scores, and unknown pairs in %.

    Raises VectorFileError for a line that is no pair with a score, but for a heading, and where no
    pair is known.
    """
    known = _known(vectors, restrict_vocab, fold=case_insensitive)
    given: list[float] = []
    found: list[float] = []
    unknown = 0
    for one, other, score in _pairs(path, delimiter, encoding):
        names = [word.upper() if case_insensitive else word for word in (one, other)]
        if all(name in known for name in names):
            a, b = (vectors.vectors[known[name]] for name in names)
            given.append(score)
            found.append(cosine(a, b))
            continue
        unknown += 1
        if dummy4unknown:
            given.append(score)
            found.append(0.0)
    if not given:
        raise VectorFileError(
            "no pair of words that both have a vector", url=str(path),
            remedy="check the delimiter, and that the vectors are of the file's language",
        )  # fmt: skip
    everything = len(given) if dummy4unknown else len(given) + unknown
    return pearson(given, found), spearman(given, found), 100 * unknown / everything


def _known(vectors: Searched, restrict: int | None, *, fold: bool) -> Known:
    """Return the index of each word that may be asked for; of spellings alike the first's."""
    known: Known = {}
    for index, key in enumerate(vectors.index_to_key[:restrict]):
        known.setdefault(str(key).upper() if fold else str(key), index)
    return known


def _answers(
    vectors: Searched, asked: list[list[int]], restrict: int | None, *, product: bool
) -> Iterator[list[str]]:
    """Yield the names that answer each question best, without the three given."""
    if not asked:
        return
    rows = np.array(asked)
    span = slice(0, restrict)
    norms = vectors.norms[span]
    unit = [
        np.asarray(vectors.vectors[index], np.float32) / np.maximum(norms[index], TINY)[:, None]
        for index in rows.T[:3]
    ]
    held = vectors.vectors[span]
    if product:
        where = likest(held, norms, unit[0], (unit[1], unit[2]), LOOKED_AT + 3)
    else:
        wanted = unit[1] - unit[0] + unit[2]
        wanted /= np.maximum(np.linalg.norm(wanted, axis=1), TINY)[:, None]
        where, _ = nearest(held, norms, wanted, LOOKED_AT + 3)
    names = vectors.index_to_key.at(np.maximum(where, 0).ravel())
    for question, (row, found) in zip(rows.tolist(), enumerate(where.tolist()), strict=True):
        near = zip(found, names[row * len(found) : (row + 1) * len(found)], strict=True)
        left = (str(name) for index, name in near if index >= 0 and index not in question[:3])
        yield list(islice(left, LOOKED_AT))


def _sections(path: Address, *, fold: bool) -> Iterator[_Section]:
    section: _Section | None = None
    for number, line in enumerate(lines(path), 1):
        if line.startswith(": "):
            if section:
                yield section
            section = _Section(line[2:].strip())
            continue
        words = line.split()
        if not words:
            continue
        if section is None or len(words) != 4:
            raise VectorFileError(
                "a question comes before the first heading" if section is None
                else f"a question has four words, not {len(words)}",
                url=str(path), position=f"line {number}",
                remedy='put ": name" above the questions, and four words on a line',
            )  # fmt: skip
        a, b, c, d = (word.upper() if fold else word for word in words)
        section.questions.append((a, b, c, d))
        section.right.append(None)
    if section:
        yield section


def _result(name: str, sections: Iterable[_Section]) -> dict[str, Any]:
    both: dict[bool, list[Question]] = {True: [], False: []}
    for section in sections:
        for question, right in zip(section.questions, section.right, strict=True):
            if right is not None:
                both[right].append(question)
    return {"section": name, "correct": both[True], "incorrect": both[False]}


def _pairs(path: Address, delimiter: str, encoding: str) -> Iterator[tuple[str, str, float]]:
    heading = True
    for number, line in enumerate(lines(path, encoding), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(delimiter)
        try:
            one, other, score = parts
            yield one, other, float(score)
        except ValueError:
            if not heading:
                raise VectorFileError(
                    f"two words and a number are wanted, apart by {delimiter!r}",
                    url=str(path), position=f"line {number}", remedy="mend the line or name the "
                    "delimiter",
                ) from None  # fmt: skip
        heading = False

"""What gensim 2.x gave that has another shape today, made of what there is.

The objects taken here are KeyedVectors and models; `pipeline/old_names.py` says for which names.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("pipeline")


class Vocab:
    """A word's index, count and what else is known of it.

    >>> one, other = Vocab(index=0, count=7), Vocab(index=1, count=5)
    >>> other < one, one
    (True, Vocab(count=7, index=0))
    """

    def __init__(self, **known: Any) -> None:
        self.count = 0
        self.__dict__.update(known)

    def __lt__(self, other: "Vocab") -> bool:
        """Order by count."""
        return bool(self.count < other.count)

    def __repr__(self) -> str:
        """Show what is known."""
        shown = ", ".join(f"{name}={value!r}" for name, value in sorted(vars(self).items()))
        return f"Vocab({shown})"


class Doctag(NamedTuple):
    """A document's index, and how many words and documents its tag has; None where unknown."""

    offset: int
    word_count: int | None
    doc_count: int | None


class VocabView(Mapping[Any, Vocab]):
    """Every word with its Vocab, which is made when it is asked for; changing it changes nothing.

    >>> from pipeline import KeyedVectors
    >>> vectors = np.eye(2, dtype=np.float32)
    >>> VocabView(KeyedVectors.of(["up", "down"], vectors, count=np.array([7, 5])))["down"]
    Vocab(count=5, index=1)
    """

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        """Return how many words there are."""
        return len(self._vectors.key_to_index)

    def __iter__(self) -> Iterator[Any]:
        """Go through the words by index."""
        return iter(self._vectors.key_to_index)

    def __contains__(self, word: object) -> bool:
        """Tell whether a word has a vector."""
        return word in self._vectors

    def __getitem__(self, word: Any) -> Vocab:
        """Return what is known of a word; raises KeyError."""
        index = self._vectors.key_to_index[word]
        known = {name: values.item(index) for name, values in self._vectors.expandos.items()}
        return Vocab(index=index, **known)


def doctags(vectors: Any) -> dict[str, Doctag]:
    """Return a Doctag for every tag that is a string."""
    counts = [vectors.expandos.get(name) for name in ("word_count", "doc_count")]
    return {
        tag: Doctag(index, *(None if all_ is None else int(all_[index]) for all_ in counts))
        for tag, index in vectors.key_to_index.items()
        if isinstance(tag, str)
    }


def string_tags(vectors: Any) -> list[str]:
    """Return the tags that are strings, by index."""
    return [tag for tag in vectors.index_to_key if isinstance(tag, str)]


def max_rawint(vectors: Any) -> int:
    """Return the largest tag that is a whole number, -1 where none is one."""
    return max((tag for tag in vectors.index_to_key if not isinstance(tag, str)), default=-1)


def indexed_doctags(vectors: Any, tags: Sequence[Any]) -> tuple[Any, ...]:
    """Return the known tags' indexes, all vectors, their rates in training, and the tags."""
    known = [vectors.get_index(tag) for tag in tags if vectors.has_index_for(tag)]
    return known, vectors.vectors, vectors.vectors_lockf, tags


def estimated_lookup_memory(vectors: Any) -> int:
    """Return bytes that the tags' names take: none for whole numbers alone."""
    return sum(len(tag.encode()) for tag in string_tags(vectors))


def similarity_unseen_docs(
    _: Any, model: Any, words1: Any, words2: Any, alpha: float | None = None,
    min_alpha: float | None = None, steps: int | None = None,
) -> Any:  # fmt: skip
    """Ask the model, whose method it is today."""
    return model.similarity_unseen_docs(words1, words2, alpha, min_alpha, steps)


def init_sims(vectors: Any, replace: bool = False) -> None:
    """Take the vectors' lengths, and make them 1 if told to."""
    vectors.fill_norms(force=True)
    if replace:
        vectors.unit_normalize_all()


def word_vec(vectors: Any, word: Any, norm: bool = False, use_norm: bool = False) -> Any:
    """Return a word's vector; 2.x had use_norm."""
    return vectors.get_vector(word, norm=norm or use_norm)


def accuracy(
    vectors: Any, questions: Any, restrict_vocab: int | None = 30_000, most_similar: Any = None,
    case_insensitive: bool = True,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the sections alone; the last one, of all, was called "total"."""
    if most_similar is not None:
        raise ValueError("analogies are answered by most_similar and nothing else")
    sections: list[dict[str, Any]]
    _, sections = vectors.evaluate_word_analogies(
        questions, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive
    )
    return [*sections[:-1], sections[-1] | {"section": "total"}]


def log_accuracy(_: Any, section: Mapping[str, Any]) -> None:
    """Log what share of a section's questions came out."""
    right, wrong = len(section["correct"]), len(section["incorrect"])
    if right + wrong:
        log.info("%s: %d of %d came out", section["section"], right, right + wrong)


def evaluate_word_pairs(
    vectors: Any, pairs: Any, delimiter: str = "\t", restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True, dummy4unknown: bool = False,
) -> Any:  # fmt: skip
    """Ask the words' vectors; the arguments' order was another one."""
    return vectors.evaluate_word_pairs(
        pairs, delimiter, restrict_vocab=restrict_vocab,
        case_insensitive=case_insensitive, dummy4unknown=dummy4unknown,
    )  # fmt: skip


def log_evaluate_word_pairs(_: Any, pearson: Any, spearman: Any, oov: float, pairs: Any) -> None:
    """Log what `evaluate_word_pairs` gave."""
    log.info("%s: Pearson %.4f, Spearman %.4f, %.1f%% unknown", pairs, pearson[0], spearman[0], oov)


def scale_vocab(
    model: Any, min_count: int | None = None, sample: float | None = None, dry_run: bool = False,
    keep_raw_vocab: bool = False, trim_rule: Any = None, update: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Call `prepare_vocab`, and say with it how much memory the model would take."""
    report: dict[str, Any] = model.prepare_vocab(
        update=update, keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule,
        min_count=min_count, sample=sample, dry_run=dry_run,
    )  # fmt: skip
    return report | {"memory": model.estimate_memory(vocab_size=report["num_retained_words"])}


def drop_training_data(
    model: Any, replace_word_vectors_with_normalized: bool = False, **_: bool
) -> None:
    """Do what of it has an effect that can be seen: make vectors' lengths 1 if told to."""
    init_sims(model.wv, replace_word_vectors_with_normalized)


def seeded_vector(model: Any, seed_string: str, vector_size: int = 0) -> NDArray[np.float32]:
    """Return a vector that depends on a string alone, within 1/2d around zero."""
    size = vector_size or model.vector_size
    seed = int.from_bytes(hashlib.blake2b(seed_string.encode(), digest_size=8).digest())
    drawn = np.random.default_rng(seed).random(size, np.float32)
    return (drawn - np.float32(0.5)) / np.float32(size)

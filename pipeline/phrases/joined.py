"""Which phrases a text has been joined by: a model has to be trained on with the same ones."""

from collections.abc import Sequence

from corpora.errors import MillraceError
from pipeline.phrases.frozen import FrozenPhrases, PhraseModel

Passes = Sequence[FrozenPhrases]


class PhraseError(MillraceError):
    """A text has other phrases joined than the model that is to learn from it."""


def next_of(known: Passes, joined: int) -> FrozenPhrases:
    """Return the phrases that a loaded model has joined after so many others."""
    if joined < len(known):
        return known[joined]
    raise PhraseError(
        f"in the text of the loaded model phrases were joined {len(known)} times, and the recipe "
        "has more stages phrases. To mend it: leave them out, or publish to another store"
    )


def demand_equal(known: FrozenPhrases, asked: PhraseModel) -> None:
    """Raise PhraseError where phrases were found otherwise than they are asked for."""
    held, wanted = known.settings(), asked.settings()
    wrong = [f"{k} is {v} there and {wanted[k]} here" for k, v in held.items() if v != wanted[k]]
    if wrong:
        raise PhraseError(
            f"the loaded model's phrases were found otherwise: {'; '.join(wrong)}. To mend it: "
            "give the same keys, or publish to another store"
        )


def demand_joined(known: Passes, joined: Passes) -> None:
    """Raise PhraseError unless a text has the very phrases joined that a model knows."""
    if [one.table.fingerprint for one in known] == [one.table.fingerprint for one in joined]:
        return
    raise PhraseError(
        f"in the text of the loaded model phrases were joined {len(known)} times, and in this one "
        f"they were {len(joined)} times, or others were. To mend it: put as many stages phrases "
        "before build_vocab as there were"
    )

"""Stage `neighbours`: show the words nearest to some words, to look a model over."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, MinLen

from pipeline.stage import Resource, Stage, State


@dataclass(frozen=True, kw_only=True)
class Neighbours(Stage):
    """Show the nearest words of some words, by cosine; a word without a vector gets an empty row.

    words: The words to look at.
    topn: How many neighbours to show for each.
    """

    words: Annotated[tuple[str, ...], MinLen(1)]
    topn: Annotated[int, Ge(1)] = 5

    needs: ClassVar[tuple[Resource, ...]] = ("model",)

    def run(self, state: State) -> State:
        """Ask the model's word vectors."""
        assert state.model is not None
        vectors = state.model.keyed_vectors
        rows = [
            (word, vectors.most_similar(word, topn=self.topn) if word in vectors else [])
            for word in self.words
        ]
        state.report.table("neighbours", rows)
        return state

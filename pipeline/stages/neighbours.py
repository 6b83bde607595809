"""Stage `neighbours`: show what is nearest to some words and documents, to look a model over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.stage import Resource, Stage, State


@dataclass(frozen=True, kw_only=True)
class Neighbours(Stage):
    """Show the nearest words of words and documents of documents, by cosine.

    What has no vector gets an empty row.
    words: The words to look at.
    documents: The documents to look at, by their tags.
    topn: How many neighbours to show for each.
    """

    words: tuple[str, ...] = ()
    documents: tuple[str | int, ...] = ()
    topn: Annotated[int, Ge(1)] = 5

    needs: ClassVar[tuple[Resource, ...]] = ("model",)

    def faults(self) -> Iterator[str]:
        """Refuse to look at nothing, too."""
        yield from super().faults()
        if not self.words and not self.documents:
            yield "words or documents must be given, at least one of either"

    def run(self, state: State) -> State:
        """Ask the model's vectors."""
        model = state.demand_model()
        if self.words:
            model.demand_trained_words()
            state.report.table("neighbours", self._rows(model.keyed_vectors, self.words))
        if self.documents:
            found = self._rows(model.keyed_documents, self.documents)
            state.report.table("documents", found)
        return state

    def _rows(
        self, vectors: KeyedVectors, keys: Sequence[str | int]
    ) -> list[tuple[str, list[tuple[str, float]]]]:
        near = (vectors.most_similar(key, topn=self.topn) if key in vectors else [] for key in keys)
        return [
            (str(key), [(str(other), cosine) for other, cosine in some])
            for key, some in zip(keys, near, strict=True)
        ]

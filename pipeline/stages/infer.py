"""Stage `infer`: vectors for documents that the model does not have, without adding them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from corpora.declared import Declared
from corpora.errors import UsageError
from pipeline.core.passes import Plan
from pipeline.inferring import demand_parquet, infer_to
from pipeline.stage import Resource, Stage, State
from pipeline.vectors.errors import VectorFileError
from pipeline.vectors.files import local_path


@dataclass(frozen=True, kw_only=True)
class Infer(Stage):
    """Write the vectors of the corpus's documents to a Parquet file; the model stays as it is.

    to: The file to write, at any address, whose name ends in .parquet; it appears when it is
        whole. Its columns are row, tags
        (where documents have some), vector and known.
    epochs: In how many passes a document's vector is found.
    alpha: The learning rate at the start.
    min_alpha: The learning rate at the end.
    sample: The share of a text above which a word is passed over more and more often.
    seed: What all chance comes from, besides the text itself.
    """

    to: str
    epochs: Annotated[int, Ge(1)] = 20
    alpha: Annotated[float, Gt(0)] = 0.025
    min_alpha: Annotated[float, Ge(0)] = 0.0001
    sample: Annotated[float, Ge(0)] = 1e-3
    seed: Annotated[int, Ge(0)] = 1

    needs: ClassVar[tuple[Resource, ...]] = ("corpus", "model")

    def faults(self) -> Iterator[str]:
        """Refuse a learning rate that rises, too."""
        wrong = list(super().faults())
        yield from wrong
        if not wrong and self.min_alpha > self.alpha:
            yield f"min_alpha must be at most alpha ({self.alpha}), not {self.min_alpha}"
        if not wrong:
            try:
                demand_parquet(self.to)
            except UsageError as error:
                yield str(error)

    def demand(self, stages: Sequence[Declared]) -> None:  # noqa: ARG002
        """Refuse a local folder that isn't there, or that can't be written."""
        path = local_path(self.to)
        if path is not None and not os.access(path.parent, os.W_OK | os.X_OK):
            raise VectorFileError(
                f"the folder {path.parent} can't be written", url=self.to, remedy="make it first"
            )

    def run(self, state: State) -> State:
        """Infer and write, some text at a time."""
        model = state.demand_model()
        assert state.corpus is not None
        rows = infer_to(
            model,
            state.corpus,
            self.to,
            Plan(self.epochs, self.alpha, self.min_alpha, self.sample, self.seed),
            workers=state.setting.workers,
            report=state.report.counted,
        )
        state.report.say(f"wrote the vectors of {rows:,} documents to {self.to}")
        return state

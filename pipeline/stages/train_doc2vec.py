"""Stage `train_doc2vec`: train the vectors of documents, and of words with them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from corpora.shards import TokenShards
from pipeline.core.settings import Settings
from pipeline.models.doc2vec import document_settings
from pipeline.stage import State
from pipeline.stage_training import TrainStage
from pipeline.store.ledger import Ledger
from pipeline.updates.known_documents import (
    WINDOW,
    Policy,
    begin_anew,
    known_again,
    staying,
    with_only,
)
from pipeline.updates.row_rates import Known


@dataclass(frozen=True, kw_only=True)
class TrainDoc2vec(TrainStage):
    """Train vectors of documents, one for each tag (Le and Mikolov 2014).

    As the keys are, it is PV-DBOW: a document's tags predict its words. That is the fastest kind,
    and on reviews it gave the vectors that told praise from blame best; the words' own vectors are
    not trained.
    dm: 1 for PV-DM, where tags and neighbouring words together predict a word; 0 for PV-DBOW.
    dbow_words: with PV-DBOW, 1 to train the words, too, as skip-gram does, so that words and
    documents can be compared. dm_mean: with PV-DM, 1 to take the mean of tags and words, 0 their
    sum. dm_concat: with PV-DM, 1 to put tags and words end to end, in their order; a large model.
    dm_tag_count: with dm_concat, how many tags each document has.
    epochs: how often every document is trained.
    known: what to do with a document, named by its tag, that the loaded version has already: go on
    with its vector ("update"), begin it anew ("replace"; its old text teaches it no more), or end
    with an "error". documents: which of the loaded version's documents stay: all ("keep"), none
    ("drop_old": words stay, and only the new documents have vectors), or those whose text was read
    lately ("window 90 days"). The text of those that go stays in the store: see `forget`.
    update_alpha: the learning rate at the start of an update; by default three tenths of alpha. New
    words and documents begin with alpha in any case.
    """

    dm: Literal[0, 1] = 0
    dbow_words: Literal[0, 1] = 0
    dm_mean: Literal[0, 1] = 1
    dm_concat: Literal[0, 1] = 0
    dm_tag_count: Annotated[int, Ge(1)] = 1
    epochs: Annotated[int, Ge(1)] = 10
    anchor: Annotated[float, Ge(0), Le(1)] = 0.0
    known: Policy = "update"
    documents: str = "keep"

    slower: ClassVar[float] = 0.3
    needs_tags: ClassVar[bool] = True

    def faults(self) -> Iterator[str]:
        """Refuse keys of the other kind, too."""
        yield from super().faults()
        if self.dm and self.dbow_words:
            yield "dbow_words must be 0 where dm is 1, not 1"
        if self.dm_concat and not self.dm:
            yield "dm_concat must be 0 where dm is 0, not 1"
        if self.dm_tag_count > 1 and not self.dm_concat:
            yield f"dm_tag_count must be 1 where dm_concat is 0, not {self.dm_tag_count}"
        if self.known == "replace" and self.freeze == "tags":
            yield 'freeze must not be "tags" where known is "replace": it would learn nothing'
        if self.documents not in ("keep", "drop_old") and not WINDOW.fullmatch(self.documents):
            yield (
                'documents must be "keep", "drop_old" or "window 90 days", with any number of '
                f"days, not {self.documents!r}"
            )

    def known_rows(self, state: State, shards: TokenShards) -> tuple[State, Known]:
        """Let documents go that don't stay, and say which of the others begin anew."""
        model = state.model
        if model is None or model.tags is None or state.base is None:
            return super().known_rows(state, shards)
        stay = staying(self.documents, model.tags, state.store, state.ledger or Ledger.empty())
        if not stay.all():
            state.report.say(f"{int((~stay).sum()):,} documents of earlier runs are left out")
            model = with_only(model, stay)
        assert model.tags is not None
        again = known_again(model.tags, shards, self.known)
        if self.known == "replace" and len(again):
            begin_anew(model, again, self.seed)
            state.report.say(f"{len(again):,} known documents begin anew")
            return replace(state, model=model), Known.of(model)._replace(anew=again)
        return replace(state, model=model), Known.of(model)

    def settings(self) -> Settings:
        """Return the settings that the keys spell."""
        return document_settings(
            dm=self.dm,
            dm_mean=self.dm_mean,
            dm_concat=self.dm_concat,
            dm_tag_count=self.dm_tag_count,
            dbow_words=self.dbow_words,
            exact_gradient=self.exact_gradient,
            **self._common(),
        )

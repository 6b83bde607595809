"""From a corpus to a vocabulary with weights: scanned, prepared, and given rows."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from corpora import Corpus, encode
from corpora.shards import TokenShards
from pipeline.models import memory
from pipeline.models.given import Files, as_corpus
from pipeline.models.keyed_vectors import KeyedVectors
from pipeline.models.lifecycle import Lifecycle
from pipeline.models.model import Model, ModelError, tags_with
from pipeline.models.parameters import Parameters, fitting
from pipeline.models.reporting import ScanLog
from pipeline.models.scan import Scan, Table, report
from pipeline.models.word_paths import WithPaths
from pipeline.words.admission import TrimRule
from pipeline.words.vocabulary import Vocabulary

LINES = 10_000  # read between two lines of the log


class Preparing(Parameters, Lifecycle):
    """A model that gets its vocabulary; `build_vocab` takes all the steps, the others one each.

    corpus_count, corpus_total_words: sentences or documents, and words, that were last counted.
    effective_min_count: the least count that was enough for a word, max_final_vocab considered.
    """

    corpus_count: int
    corpus_total_words: int
    effective_min_count: int
    _model: Model | None
    _scan: Scan | None
    _prepared: Vocabulary | None
    _mapfile: str | PathLike[str] | None = None  # for documents' vectors

    def build_vocab(
        self,
        corpus_iterable: Corpus | Iterable[Any] | None = None,
        corpus_file: Files | None = None,
        update: bool = False,
        progress_per: int = LINES,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
    ) -> None:
        """Count the words of a corpus, note documents' tags, and give both vectors.

        corpus_file: an address that LineSentence reads, for Doc2Vec TaggedLineDocument, whose tags
        are the lines' numbers from 0 on. With `update` known words and tags keep their places and
        vectors and new ones follow; counts are those of all corpora so far. progress_per: rows
        between two lines of the log. keep_raw_vocab: leave `raw_vocab` as it is. trim_rule: see
        `pipeline.words.admission`; None takes the constructor's. min_count, sample: in place of the
        attributes, for good.

        Raises VocabularyError if no word is left, TagError for documents without the tags that
        the model needs, ModelError for an update of nothing and in a callback, where the model is
        being trained, and what reading raises.
        """
        self._demand_rest()
        if update:
            self._known()
        corpus = self._corpus_of(corpus_iterable, corpus_file)
        self._build(self._encode(corpus, progress_per), update, keep_raw_vocab, trim_rule,
                    min_count, sample)  # fmt: skip

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Do what `build_vocab` does with words and their counts; no tags are noted.

        corpus_count: what the attribute becomes, by default 0.

        >>> from pipeline import Word2Vec
        >>> model = Word2Vec(min_count=1, vector_size=8)
        >>> model.build_vocab_from_freq({"mill": 3, "race": 5})
        >>> model.wv.index_to_key
        ['race', 'mill']
        """
        self._demand_rest()
        if update:
            self._known()
        self.corpus_count = corpus_count or 0
        self._scan = Scan([Table.of(word_freq)])
        self._scan.raw = dict(word_freq)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule)
        self.prepare_weights(update)

    def scan_vocab(
        self,
        corpus_iterable: Corpus | Iterable[Any] | None = None,
        corpus_file: Files | None = None,
        progress_per: int = LINES,
        workers: int | None = None,
        trim_rule: TrimRule | None = None,  # noqa: ARG002  (it is asked once all is counted)
    ) -> tuple[int, int]:
        """Count a corpus's words; returns how many there are in how many sentences or documents.

        workers: threads that read, by default one for each processor. The model changes with
        `prepare_vocab` and `prepare_weights`, not before.
        """
        corpus = self._corpus_of(corpus_iterable, corpus_file)
        return self._scanned(self._encode(corpus, progress_per, workers))

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Make a vocabulary of what was scanned, and return what it keeps of it.

        The report has drop_unique, retain_total, downsample_unique, downsample_total and
        num_retained_words, of all words that the vocabulary ever counted; words that a trim_rule
        discarded are forgotten. With dry_run nothing else is done. min_count and sample become the
        attributes. Raises ModelError where nothing was scanned, VocabularyError if no word is left.

        >>> from pipeline import Word2Vec
        >>> model = Word2Vec()
        >>> model.scan_vocab([["the", "mill"], ["the", "race"]])
        (4, 2)
        >>> model.prepare_vocab(min_count=2, dry_run=True)["num_retained_words"]
        1
        """
        if self._scan is None:
            raise ModelError("no words have been counted: call scan_vocab or build_vocab first")
        minimum = self.min_count if min_count is None else min_count
        share = self.sample if sample is None else sample
        admission = self._admission(minimum, trim_rule)
        previous = self._known().vocabulary if update else None
        vocabulary = Vocabulary.build(self._scan.counted(), admission=admission, previous=previous)
        found = report(vocabulary, share or 0.0)
        if not dry_run:
            self.min_count, self.sample, self._prepared = minimum, share, vocabulary
            left_out = vocabulary.counts[vocabulary.size :]
            self.effective_min_count = admission.effective_min_count(left_out)
            if not keep_raw_vocab:
                self._scan = Scan([], self._scan.shards)
            self.add_lifecycle_event(
                "prepare_vocab",
                update=update,
                effective_min_count=self.effective_min_count,
                **found,
            )
        return found

    def prepare_weights(self, update: bool = False) -> None:
        """Give what was prepared vectors: `update_weights` with `update`, else `init_weights`."""
        if update:
            self.update_weights()
        else:
            self.init_weights()

    def init_weights(self) -> None:
        """Begin anew with untrained vectors, for what was prepared or else what is known already.

        Raises ModelError where there is neither, TagError for documents without fitting tags.
        """
        settings, scan = self.settings, self._scan
        if self._prepared is not None:
            tags = None if scan is None or scan.shards is None else tags_with(scan.shards, settings)
            self._replace(self._prepared, tags)
        else:
            held = self._known()
            self._replace(held.vocabulary, held.tags)
        self._done()

    def update_weights(self) -> None:
        """Give the words and tags that are new vectors; all others keep theirs, to the last bit."""
        held, scan = self._known(), self._scan
        tags = held.tags
        if scan is not None and scan.shards is not None:
            tags = tags_with(scan.shards, held.settings, held.tags)
        held.grow(self._prepared or held.vocabulary, self.seed, tags)
        self._done()

    @property
    def raw_vocab(self) -> dict[str, int]:
        """The counts of what was scanned last, in order of first appearance.

        Empty once they went into a vocabulary, unless keep_raw_vocab was said. It may be changed,
        and set, before `prepare_vocab`.
        """
        return {} if self._scan is None else self._scan.raw

    @raw_vocab.setter
    def raw_vocab(self, counts: Mapping[str, int]) -> None:
        self._scan = self._scan or Scan([])
        self._scan.raw = dict(counts)

    def estimate_memory(
        self, vocab_size: int | None = None, report: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """Return how many bytes a model of so many words takes, by part and as "total".

        vocab_size: by default the words that are known. report: other parts, for the total. The
        figures are the peers' (see `pipeline.models.memory`), whose words take more than ours.
        """
        parts = dict(report or {}) | memory.of_words(
            (0 if self._model is None else self._model.vocabulary.size)
            if vocab_size is None
            else vocab_size,
            self.vector_size,
            self.layer1_size,
            hs=bool(self.hs),
            negative=bool(self.negative),
        )
        return parts | {"total": sum(parts.values())}

    @abstractmethod
    def _listed(self, given: Any) -> Corpus:
        """Return an iterable as a corpus."""

    @abstractmethod
    def _filed(self, given: Any) -> Corpus:
        """Return files as a corpus."""

    def _known(self) -> Model:
        """Return the model, with the settings that the attributes ask for by now."""
        if self._model is None:
            raise ModelError("the model has no vocabulary yet: call build_vocab first")
        asked = self.settings
        if asked != self._model.settings:
            self._model.settings = fitting(self._model.settings, asked)
        return self._model

    def _demand_rest(self) -> None:
        """Raise ModelError while the model is being trained."""
        if self._model is not None:
            self._model.demand_rest()

    def _replace(self, vocabulary: Vocabulary, tags: Any) -> None:
        """Take a vocabulary and tags with untrained vectors; raises ModelError in a training."""
        self._demand_rest()
        file = None if self._mapfile is None else Path(self._mapfile)
        model = Model.fresh(vocabulary, self.settings, self.seed, tags, tag_file=file)
        model.show_in(*self._shown())
        self._model = model

    @abstractmethod
    def _shown(self) -> tuple[KeyedVectors, KeyedVectors]:
        """Return the objects that show the words' and the documents' vectors for good."""

    def _corpus_of(self, iterable: Any, file: Files | None) -> Corpus:
        return as_corpus(iterable, file, self._listed, self._filed)

    def _encode(self, corpus: Corpus, every: int, workers: int | None = None) -> TokenShards:
        return encode(corpus, self.cache, ScanLog(every), workers=workers)

    def _build(
        self,
        shards: TokenShards,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
    ) -> None:
        words, rows = self._scanned(shards)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule, min_count, sample)
        self.prepare_weights(update)
        self.corpus_total_words, self.corpus_count = words, rows
        self.add_lifecycle_event("build_vocab", update=update, rows=rows, words=words)

    def _done(self) -> None:
        """Let go of what the vocabulary and the tags were made of."""
        self._prepared = None
        if self._scan is not None:
            self._scan.shards = None  # they may take room on a disk
        self._describe()

    def _describe(self) -> None:
        """Note for each word the draw (of 2^32) up to which `sample` lets it stay, and its path."""
        model = self._known()
        words = model.keyed_vectors
        words.expandos["sample_int"] = model.vocabulary.keep_thresholds(self.sample or 0.0)
        if model.tree is not None:
            words.expandos = WithPaths(words.expandos, model.tree)

    def _scanned(self, shards: TokenShards) -> tuple[int, int]:
        self._scan = Scan(shards, shards)
        return shards.tokens, self._rows(shards)

    def _rows(self, shards: TokenShards) -> int:
        """Return how many sentences there are."""
        return shards.rows

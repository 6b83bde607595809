"""What a run of a recipe would do, from listings and from what the store says: nothing is touched.

Files are listed and not opened, so how many words they hold is reckoned from their bytes: at as
many words a byte as the reader's files that were read before had, or else at a rule of thumb.
"""

from collections.abc import Iterator, Sequence

from corpora.declared import Declared
from corpora.part import Origin, Part
from corpora.reader import FileReader, Reader
from pipeline.core import kernels
from pipeline.core.settings import Settings
from pipeline.models.model import Model
from pipeline.planning.outlook import Files, Outlook, Reading, Training
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.same_text import demand_same_text, loaded
from pipeline.stage_training import TrainStage, demand_equal
from pipeline.stages.evaluate import Evaluate
from pipeline.store.ledger import Ledger
from pipeline.store.source_names import named
from pipeline.store.versions import Version
from pipeline.updates.unseen import Compared, compared, read_before

WORDS_A_BYTE = 0.18  # of plain English
PACKED = 3  # times as many in files that are packed
PACKERS = (".gz", ".bz2", ".xz", ".zst", ".zstd", ".lz4", ".zip", ".tgz", ".parquet")


def planned(recipe: Recipe) -> Outlook:
    """Return what a run of the recipe would do now.

    Raises CorpusError for files that can't be listed, StoreError for a store that can't be read,
    and UsageError for a recipe that the loaded version can't be trained on with.
    """
    version = loaded(recipe)
    if version is not None:
        demand_same_text(recipe, version)
    model = None if version is None else Model.open(version.folder(hashes=False))
    ledger = Ledger.empty() if version is None else version.ledger
    readings = tuple(_readings(recipe, ledger))
    nothing = _nothing_new(readings)
    trainings = tuple(_trainings(recipe.stages, readings, version, model)) if not nothing else ()
    publishes = any(type(stage).use() == "publish" for stage in recipe.stages)
    refused = any(one.if_changed == "error" and one.changed.files for one in readings)
    forgets = any(
        (one.if_changed == "replace" and one.changed.files)
        or (one.if_vanished == "forget" and one.vanished)
        for one in readings
    )
    return Outlook(
        store=recipe.store,
        version=None if version is None else version.number,
        words=0 if model is None else model.vocabulary.size,
        words_seen=0 if model is None else len(model.vocabulary.words),
        documents=0 if model is None or model.tags is None else model.tags.size,
        sources=len(ledger),
        readings=readings,
        passes=0 if nothing else 1 if recipe.cache else 1 + sum(one.epochs for one in trainings),
        trainings=trainings,
        gates=tuple(
            str(limit)
            for stage in recipe.stages
            if isinstance(stage, Evaluate)
            for limit in stage.limits()
        ),
        nothing_new=nothing,
        publishes=publishes and not refused and (forgets or not nothing),
        stages=tuple(type(stage).use() for stage in recipe.stages),
    )


def _nothing_new(readings: Sequence[Reading]) -> bool:
    return bool(readings) and all(one.new_only and not one.reads.files for one in readings)


def _readings(recipe: Recipe, ledger: Ledger) -> Iterator[Reading]:
    for stage in recipe.stages:
        kept: tuple[str, str]
        if isinstance(stage, FileReader) and stage.new_only:
            variables = recipe.variables
            found = compared(stage, ledger, variables.hide, variables.show)
            read = found.read(stage.changed)
            kept, again = (stage.changed, stage.vanished), 0
        elif isinstance(stage, Reader):
            read = tuple(stage.parts())
            found, kept = Compared(read, read, (), (), ()), ("read", "keep")
            again = (
                read_before(read, ledger, recipe.variables.hide)
                if isinstance(stage, FileReader)
                else 0
            )
        else:
            continue
        yield _reading(type(stage).use(), found, read, kept, again, ledger, recipe)


def _reading(
    use: str,
    found: Compared,
    read: Sequence[Part],
    kept: tuple[str, str],
    again: int,
    ledger: Ledger,
    recipe: Recipe,
) -> Reading:
    words, rows = _per_byte(found.known, ledger, recipe)
    origins = [origin for part in read for origin in part.origins]
    sized = all(origin.size is not None for origin in origins)
    tokens = round(sum(_tokens(one, words) for one in origins)) if sized else None
    total = sum(one.size or 0 for one in origins)
    return Reading(
        reader=use,
        new_only=kept[0] != "read",
        new=Files.of(found.new),
        changed=Files.of(found.changed),
        known=Files.of(found.known),
        vanished=len(found.vanished),
        if_changed=kept[0],
        if_vanished=kept[1],
        reads=Files.of(read),
        tokens=tokens,
        rows=round(total * rows) if sized and rows is not None else None,
        tokens_per_byte=WORDS_A_BYTE if words is None else words,
        measured=words is not None,
        again=again,
    )


def _per_byte(
    known: Sequence[Part], ledger: Ledger, recipe: Recipe
) -> tuple[float | None, float | None]:
    """Return the words and the rows a byte of files that were read before."""
    total = sum(part.origins[0].size or 0 for part in known)
    if not total:
        return None, None
    names = named((part.label for part in known), recipe.variables.hide)
    read = ledger.of(names)
    return (read.tokens / total, read.rows / total) if read.tokens else (None, None)


def _tokens(origin: Origin, per_byte: float | None) -> float:
    if per_byte is None:
        per_byte = WORDS_A_BYTE * (PACKED if origin.label.lower().endswith(PACKERS) else 1)
    return (origin.size or 0) * per_byte


def _trainings(
    stages: Sequence[Declared],
    readings: Sequence[Reading],
    version: Version | None,
    model: Model | None,
) -> Iterator[Training]:
    counts = [one.tokens for one in readings]
    tokens = None if None in counts else sum(count or 0 for count in counts)
    documents = sum(one.rows or 0 for one in readings)
    speed = _speed(version)
    old, kept = (0, 0) if version is None else (version.ledger.tokens, _kept(version.ledger))
    for stage in stages:
        if not isinstance(stage, TrainStage):
            continue
        if model is not None:
            demand_equal(model.settings, stage.settings())
        replayed = round(kept * stage.replays(tokens or 0, kept))
        trained = None if tokens is None else (tokens + replayed) * stage.epochs
        alpha = stage.alpha if version is None else stage.begins(stage.alpha)
        anew = None if tokens is None or speed is None else (tokens + old) * stage.epochs / speed
        yield Training(
            stage=type(stage).use(),
            epochs=stage.epochs,
            alpha=alpha,
            min_alpha=min(stage.min_alpha, alpha),
            tokens=tokens,
            replayed=replayed,
            trained=trained,
            seconds=None if trained is None or speed is None else trained / speed,
            seconds_anew=anew,
            words_per_second=speed,
            bytes=None if model is None else _bytes(stage.settings(), model, documents),
        )


def _kept(ledger: Ledger) -> int:
    """Return how many words of old text the store has, to be replayed."""
    kept = zip(*(ledger.table[name].to_pylist() for name in ("tokens", "set")), strict=True)
    return sum(tokens for tokens, name in kept if name is not None)


def _speed(version: Version | None) -> float | None:
    """Return the words a second that the last training went through."""
    receipt = {} if version is None else dict(version.manifest.receipt)
    seconds, epochs = receipt.get("seconds"), receipt.get("epochs") or ()
    return sum(one["tokens"] for one in epochs) / seconds if seconds and epochs else None


def _bytes(settings: Settings, model: Model, documents: int) -> int:
    """Return the bytes of the matrices, with rows as they lie in memory."""
    row = 4 * kernels.stride_of(settings.vector_size)
    words, tags = model.vocabulary.size, 0 if model.tags is None else model.tags.size + documents
    wide = row * settings.blocks * (bool(settings.negative) + settings.hierarchical)
    return words * (row + wide) + tags * row

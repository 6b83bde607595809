"""A plan as text for people."""

from collections.abc import Iterator

from pipeline.planning.outlook import Files, Outlook, Reading, Training
from pipeline.updates.unseen import told_again


def told(outlook: Outlook) -> str:
    """Return what a run would do, in a line for each thing."""
    return "\n".join(_lines(outlook))


def _lines(outlook: Outlook) -> Iterator[str]:
    if outlook.version is not None:
        documents = f", {outlook.documents:,} documents" if outlook.documents else ""
        yield (
            f"goes on from version {outlook.version} of {outlook.store}: {outlook.words:,} words "
            f"({outlook.words_seen:,} seen){documents}, {outlook.sources:,} files read"
        )
    elif outlook.store is not None:
        yield f"makes a new model for the store {outlook.store}"
    for reading in outlook.readings:
        yield from _reading(reading)
    if outlook.nothing_new:
        yield "nothing new: there is no text to read"
    elif outlook.passes:
        how = "once, into the cache" if outlook.passes == 1 else f"{outlook.passes} times"
        yield f"reads new text {how}"
    for training in outlook.trainings:
        yield from _training(training)
    for gate in outlook.gates:
        yield f"demands {gate}"
    yield "publishes a version" if outlook.publishes else "publishes nothing"


def _reading(one: Reading) -> Iterator[str]:
    if not one.new_only:
        yield f"{one.reader}: {_files(one.reads)}"
    else:
        yield (
            f"{one.reader}: {_files(one.new)} new, {_files(one.changed)} changed "
            f"({one.if_changed}), {one.vanished:,} vanished ({one.if_vanished}), "
            f"{_files(one.known)} known"
        )
    if one.again:
        yield f"  {told_again(one.again, one.reads.files)}"
    if one.if_changed == "error" and one.changed.files:
        yield "  the run would end here, because files have changed"
    if one.reads.files and one.tokens is not None:
        source = "as in its files read before" if one.measured else "a rule of thumb"
        rows = f" in {one.rows:,} rows" if one.rows is not None else ""
        yield f"  about {one.tokens:,} words{rows} to read ({source})"


def _training(one: Training) -> Iterator[str]:
    tokens = "an unknown number of" if one.tokens is None else f"about {one.tokens:,}"
    old = f" and {one.replayed:,} replayed" if one.replayed else ""
    trained = "" if one.trained is None else f", {one.trained:,} in all"
    yield f"{one.stage}: {one.epochs} epochs of {tokens} new words{old}{trained}"
    yield f"  learning rate from {one.alpha:g} to {one.min_alpha:g}, falling evenly"
    if one.bytes is not None:
        yield f"  matrices of {_size(one.bytes)}, and more for words that are new"
    if one.seconds is not None and one.words_per_second is not None:
        anew = "" if one.seconds_anew is None else f"; all text anew: {_time(one.seconds_anew)}"
        yield (
            f"  about {_time(one.seconds)}, at the last training's "
            f"{one.words_per_second / 1e6:.2f} M words/s{anew}"
        )


def _files(some: Files) -> str:
    size = "" if some.bytes is None or not some.files else f" of {_size(some.bytes)}"
    return f"{some.files:,} file{'' if some.files == 1 else 's'}{size}"


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

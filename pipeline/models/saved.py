"""A face as a file and back: its model with the constructor's arguments beside it, no pickles."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from pipeline.core.settings import Settings
from pipeline.core.training import Epoch, Receipt
from pipeline.models import bundle
from pipeline.models.bundle import Target
from pipeline.models.face import Face
from pipeline.models.model import Model, ModelError
from pipeline.models.parameters import SAVED, plain

# What has happened to a model, beside the arguments.
STATE = (
    "corpus_count", "corpus_total_words", "effective_min_count", "train_count", "total_train_time",
    "min_alpha_yet_reached", "lifecycle_events",
)  # fmt: skip

F = TypeVar("F")


class OfClass(Generic[F]):
    """A class method that an instance does not have, since it would look like changing that."""

    def __init__(self, function: Callable[..., F]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, held: object, owner: type) -> Callable[..., F]:
        """Return the method; raises AttributeError for an instance."""
        if held is not None:
            raise AttributeError(
                f"load makes a new model, it changes none: call {owner.__name__}.load(...)"
            )
        bound: Callable[..., F] = self.function.__get__(None, owner)
        return bound


class Saved(Face):
    """A model with `save` and `load`."""

    def save(
        self,
        fname_or_handle: Target,
        separately: Iterable[str] | None = None,  # noqa: ARG002
        sep_limit: int = 0,  # noqa: ARG002
        ignore: Iterable[str] = (),  # noqa: ARG002
        pickle_protocol: int = 0,  # noqa: ARG002
    ) -> None:
        """Write the model into one file: a path, a URL, or a file open for writing in binary.

        A file has its name only when it is complete. It holds data alone: a zip of the files that a
        store's version has, not packed, and "face.json" with the arguments. Functions that were
        arguments are not saved. The other arguments are gensim's and have no effect: there is
        neither a pickle nor a second file. Raises ModelError for a model without a vocabulary, and
        for what can't be written.

        >>> import io
        >>> from pipeline import Word2Vec
        >>> model = Word2Vec([["the", "mill"]] * 9, vector_size=4, workers=1)
        >>> file = io.BytesIO()
        >>> model.save(file)
        >>> _ = file.seek(0)
        >>> again = Word2Vec.load(file)
        >>> again, bool((again.wv.vectors == model.wv.vectors).all())
        (Word2Vec<vocab=2, vector_size=4, alpha=0.025>, True)
        """
        model = self._known()
        names = (*SAVED, *self._more_saved, *STATE)
        said = {name: plain(getattr(self, name)) for name in names}
        said["receipt"] = asdict(self.receipt) if self.receipt else None
        bundle.write(fname_or_handle, model, said)

    @OfClass
    @classmethod
    def load(
        cls,
        fname: Target,
        mmap: str | None = None,
        rethrow: bool = False,  # noqa: ARG003
        *,
        dv_mapfile: str | PathLike[str] | None = None,
    ) -> Self:
        """Read what `save` wrote, or a folder of a store's version, and go on as if never saved.

        fname: a path, a URL, or a file open for reading in binary. mmap="r" maps the matrices of a
        local file: the model is there at once and read-only, until it is trained, when they are
        copied. dv_mapfile: a new file that documents' vectors lie in, where memory is too small.
        Raises ModelError for anything that is no whole model of this class, and for a dv_mapfile
        where documents have no vectors.
        """
        made = cls.__new__(cls)
        if dv_mapfile is not None and not made._has_tags:  # noqa: SLF001
            raise ModelError(
                f"dv_mapfile is for documents' vectors, which a {cls.__name__} has none of. To "
                "mend it: leave it out, or load a Doc2Vec with Doc2Vec.load(...)"
            )
        model, said = bundle.read(fname, mmap, in_place=dv_mapfile is not None)
        made._defaults()  # noqa: SLF001
        made._mapfile = dv_mapfile  # noqa: SLF001
        made._restore(model, said)  # noqa: SLF001
        if dv_mapfile is not None:
            model.map_documents(Path(dv_mapfile))
        made.add_lifecycle_event("loaded", mmap=mmap)
        return made

    def _restore(self, model: Model, said: Mapping[str, Any]) -> None:
        """Take a model and what was written beside it; raises ModelError where they don't fit."""
        kind = "Doc2Vec" if model.settings.has_tags else "Word2Vec"
        if model.settings.has_tags != self._has_tags:
            raise ModelError(f"the file holds a {kind}. To mend it: {kind}.load(...)")
        held = arguments(model.settings) | dict(said)
        for name in (*SAVED, *self._more_saved, *STATE):
            if name in held:
                setattr(self, name, held[name])
        self._model = model
        try:
            self.receipt = _receipt(held.get("receipt"))
            self._check()
            self._describe()
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise ModelError(
                f"what the file says of the model makes no sense: {problem}. To mend it: save the "
                "model again, or take another copy of it"
            ) from problem

    @property
    def _more_saved(self) -> tuple[str, ...]:
        """Arguments besides those of Word2Vec."""
        return ()

    @property
    def _has_tags(self) -> bool:
        """Whether documents have vectors."""
        return False

    @abstractmethod
    def _defaults(self) -> None:
        """Set every attribute as a constructor without arguments does, whatever a subclass has."""

    def _begin(self) -> None:
        """Set what no argument says, as it is before anything happened."""
        self.corpus_count = self.corpus_total_words = 0
        self.train_count, self.total_train_time = 0, 0.0
        self.lifecycle_events = []
        self.receipt = self._model = self._scan = self._prepared = self._lone_words = None
        self._loss_before = 0.0


def arguments(settings: Settings) -> dict[str, Any]:
    """Return the constructor's arguments that settings stand for.

    >>> arguments(Settings("dm", join="sum"))["cbow_mean"]
    0
    """
    same = ("vector_size", "window", "negative", "ns_exponent", "shrink_windows", "exact_gradient")
    return {name: getattr(settings, name) for name in same} | {
        "hs": int(settings.hierarchical),
        "sg": int(settings.method not in ("cbow", "dm")),
        "cbow_mean": int(settings.join != "sum"),
        "dbow_words": int(settings.method == "dbow_words"),
        "dm_concat": int(settings.join == "concat"),
        "dm_tag_count": settings.tag_count,
    }


def _receipt(said: Mapping[str, Any] | None) -> Receipt | None:
    if said is None:
        return None
    return Receipt(**{**said, "epochs": tuple(Epoch(**epoch) for epoch in said["epochs"])})

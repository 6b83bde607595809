"""Names that gensim has and this library spells otherwise: each works, and tells today's spelling.

A table has the old names of a class, `@old_names(table)` puts them on it, and who uses one gets a
DeprecationWarning for the line that does. Those of the readers are here, those of the models in
`pipeline/old_names.py`. Names of today are left alone and cost nothing more than before.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from operator import attrgetter
from pkgutil import resolve_name
from sys import _getframe
from typing import Any, TypeVar

C = TypeVar("C", bound=type)

KEYWORDS = "_old_keywords"  # where a method has those that it knows


@dataclass(frozen=True)
class Instead:
    """What stands for an old name that is more than another name for something.

    now: today's spelling; does: called with the object, or with the class if `of_class`, and with
    what is given; None where nothing does the same: to use such a name is an error.
    """

    now: str
    does: Callable[..., Any] | None = None
    of_class: bool = False


# Keys: "name" for an attribute, "name()" for a method, "method(name=)" for a keyword of a method.
# Values: a path from the object, "package:path", the keyword, or an Instead.
Table = Mapping[str, str | Instead]

LINES: Table = {"__init__(source=)": "url"}  # LineSentence, PathLineSentences, TaggedLineDocument
TEXT8: Table = {"__init__(fname=)": "url"}
BROWN: Table = {"__init__(dirname=)": "url"}  # and TaggedBrown

CORPORA: Table = {  # what is imported from the package
    "BrownCorpus": "corpora:Brown",
    "LabeledSentence": "corpora:TaggedDocument",
    "TaggedBrownCorpus": "corpora:TaggedBrown",
    "Text8Corpus": "corpora:Text8",
}


def old_names(table: Table) -> Callable[[C], C]:
    """Return a decorator that gives a class the names of a table; names that it has are kept.

    >>> @old_names({"colour": "color", "paint(tint=)": "color", "tar()": Instead("paint('black')")})
    ... class Wall:
    ...     color = "white"
    ...     def paint(self, color):
    ...         self.color = color
    >>> wall = Wall()
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     wall.paint(tint="red")
    ...     wall.colour
    'red'
    >>> [str(one.message) for one in told]
    ['Wall.paint(tint=) is color= now', 'Wall.colour is color now']
    >>> wall.tar()
    Traceback (most recent call last):
    NotImplementedError: Wall.tar() is not here: paint('black')
    """

    def put(cls: C) -> C:
        own = {name for base in cls.__mro__[:-1] for name in vars(base)}
        keywords: dict[str, dict[str, str]] = {}
        hidden: set[str] = set()
        for old, now in table.items():
            name, _, keyword = old.rstrip("=)").partition("(")
            if keyword:
                keywords.setdefault(name, {})[keyword] = str(now)
            elif name not in own:
                kind = OldMethod(old, _method(now)) if old.endswith("()") else None
                setattr(cls, name, kind or OldAttribute(old, _attribute(now)))
                hidden.add(name)
        for name, renamed in keywords.items():
            if name in own:
                setattr(cls, name, _with_keywords(getattr(cls, name), renamed))
        if hidden:  # from completion, and from whoever looks at all that an object has
            changed: Any = cls
            listed = changed.__dir__
            changed.__dir__ = lambda held: set(listed(held)) - hidden
        return cls

    return put


def imported(module: str, name: str, table: Table) -> Any:
    """Return what an old name of a module is today: for its `__getattr__`.

    >>> imported("corpora", "Text9", CORPORA)
    Traceback (most recent call last):
    AttributeError: module 'corpora' has no attribute 'Text9'
    """
    if name not in table:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    now = table[name]
    stands = now if isinstance(now, Instead) else Instead(_shown(now), partial(resolve_name, now))
    if stands.does is None:  # `from module import name` would drop an AttributeError's text
        raise ImportError(f"{module}.{name} is not here: {stands.now}")
    # `from module import name` asks twice: first the import system does, whether there is one.
    if _getframe(2).f_globals.get("__name__") != "importlib._bootstrap":
        _tell(f"{module}.{name}", stands.now, above=2)
    return stands.does()


class OldAttribute:
    """An attribute that is another one today."""

    def __init__(self, old: str, stands: Instead) -> None:
        self.old = old
        self.stands = stands

    def __get__(self, held: Any, owner: type) -> Any:
        """Return what it is today."""
        if held is None:
            return self
        if self.old in vars(held):
            return vars(held)[self.old]
        old = f"{owner.__name__}.{self.old}"
        if self.stands.does is None:
            raise AttributeError(f"{old} is not here: {self.stands.now}")
        _tell(old, self.stands.now)
        return self.stands.does(held)

    def __set__(self, held: Any, value: Any) -> None:
        """Set what it is today; where that can't be, an attribute of the object's own."""
        path, _, name = self.stands.now.rpartition(".")
        old = f"{type(held).__name__}.{self.old}"
        if not name.isidentifier():
            # A subclass may have it as a name of its own.
            _tell(old, f"{self.stands.now}, which stays as it is,")
            vars(held)[self.old] = value
            return
        _tell(old, self.stands.now)
        setattr(attrgetter(path)(held) if path else held, name, value)

    def __delete__(self, held: Any) -> None:
        """Delete what was set as the object's own; raises AttributeError for all others."""
        if vars(held).pop(self.old, self) is self:
            raise AttributeError(
                f"{type(held).__name__}.{self.old} can't be deleted: it is {self.stands.now} now"
            )


class OldMethod:
    """A method that is another one today."""

    def __init__(self, old: str, stands: Instead) -> None:
        self.old = old
        self.stands = stands

    def __get__(self, held: Any, owner: type) -> Any:
        """Return what does the same today, and warns when it is called."""

        def called(*args: Any, **given: Any) -> Any:
            old = f"{owner.__name__}.{self.old}"
            if self.stands.does is None:
                raise NotImplementedError(f"{old} is not here: {self.stands.now}")
            _tell(old, self.stands.now)
            return self.stands.does(*args, **given)

        bound = owner if self.stands.of_class else held
        return called if bound is None else partial(called, bound)


def _with_keywords(method: Callable[..., Any], renamed: Mapping[str, str]) -> Callable[..., Any]:
    """Return a method that knows these keywords, and those that a base class has given it."""
    before = vars(method).get(KEYWORDS)
    if before is not None:
        renamed, method = {**before, **renamed}, vars(method)["__wrapped__"]

    @wraps(method)
    def called(*args: Any, **given: Any) -> Any:
        if not renamed.keys().isdisjoint(given):
            owner, name = type(args[0]).__name__, method.__name__
            title = owner if name == "__init__" else f"{owner}.{name}"
            for old, now in renamed.items():
                if old in given:
                    if now in given:
                        raise TypeError(f"{title}() has {old}= and {now}=, which are the same")
                    _tell(f"{title}({old}=)", f"{now}=")
                    given[now] = given.pop(old)
        return method(*args, **given)

    vars(called)[KEYWORDS] = renamed
    return called


def _attribute(now: str | Instead) -> Instead:
    return now if isinstance(now, Instead) else Instead(now, attrgetter(now))


def _method(now: str | Instead) -> Instead:
    if isinstance(now, Instead):
        return now
    if ":" in now:
        return Instead(
            _shown(now), lambda _, *args, **given: resolve_name(now)(*args, **given), True
        )
    return Instead(now, lambda held, *args, **given: attrgetter(now)(held)(*args, **given))


def _shown(path: str) -> str:
    return path.replace(":", ".")


def _tell(old: str, now: str, above: int = 1) -> None:
    """Warn the one who called our caller."""
    warnings.warn(f"{old} is {now} now", DeprecationWarning, stacklevel=above + 2)

"""What sources are called where a version says what it has read: without what is secret."""

import hashlib
import re
from collections.abc import Callable, Iterable

HIDDEN = re.compile(r"(.*\$\{.*) #([0-9a-f]{12})", re.DOTALL)


def named(labels: Iterable[str], hide: Callable[[str], str]) -> list[str]:
    """Return the names of files, given by their labels; `hide` takes secret values out of a text.

    Two files whose labels differ in such a value alone are still two: where something is hidden, a
    hash of the whole label follows.

    >>> named(["/logs/a.txt", "/home/ann/b.txt"], lambda text: text.replace("/home/ann", "${HOME}"))
    ['/logs/a.txt', '${HOME}/b.txt #cb5acec3f7fa']
    """
    given = list(labels)
    # All at once: there may be very many.
    shown = hide("\0".join(given)).split("\0") if given else []
    return [
        name if name == label else f"{name} #{_digest(label)}"
        for label, name in zip(given, shown, strict=True)
    ]


def label_of(name: str, show: Callable[[str], str]) -> str | None:
    """Return the label that was given a name; None where a value in it is another by now.

    show: puts the secret values of today into a text.

    >>> hide, show = (lambda text: text.replace("ann", "${ME}")), (lambda text: "/home/ann/b.txt")
    >>> label_of(named(["/home/ann/b.txt"], hide)[0], show)
    '/home/ann/b.txt'
    >>> label_of(named(["/home/ann/b.txt"], hide)[0], lambda text: "/home/eve/b.txt")
    """
    hidden = HIDDEN.fullmatch(name)
    if hidden is None:
        return name
    label = show(hidden[1])
    return label if _digest(label) == hidden[2] else None


def _digest(label: str) -> str:
    return hashlib.sha256(label.encode("utf-8", "surrogateescape")).hexdigest()[:12]

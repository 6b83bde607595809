"""The manifest of a version: what it holds, what it was made from, and a hash over itself."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.store.errors import DamagedError, StoreError

FORMAT = 2
STRICT = {"extra": "forbid", "strict": True}


@dataclass(frozen=True)
class StoredFile:
    """One file of a version: its name below the version's folder, size in bytes, SHA-256 in hex."""

    __pydantic_config__ = STRICT
    name: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        # A manifest is data from outside: its names must not lead out of the version's folder.
        if not self.name or self.name.startswith("/") or ".." in self.name.split("/"):
            raise ValueError(f"file name {self.name!r} leads out of the version's folder")


@dataclass(frozen=True)
class Totals:
    """How much a version's vectors have learnt from, in all: the sums of its ledger."""

    __pydantic_config__ = STRICT
    sources: int = 0
    rows: int = 0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that is known of one version; written once, never changed.

    `parent` is the version that the training went on from, or None for a fresh model. `ledger` sums
    up the file `ledger.arrow`, which lists every source that the vectors have ever learnt from.
    `forgot`: how many documents this version was made to forget, with everything only they had.
    `rolled_back_to`: the version whose files these are.
    """

    __pydantic_config__ = STRICT
    version: int
    parent: int | None
    data: str
    created: str
    files: tuple[StoredFile, ...]
    recipe: str = ""
    ledger: Totals = field(default_factory=Totals)
    metrics: Mapping[str, float] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)
    forgot: int = 0
    rolled_back_to: int | None = None
    format: int = FORMAT

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{32}", self.data):
            raise ValueError(f"data id {self.data!r} is not 32 hexadecimal digits")

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON, with its hash under `self_hash`."""
        content = dataclasses.asdict(self)
        content["self_hash"] = hash_of(content)
        return json.dumps(content, indent=1, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Return the manifest that `data` holds.

        Raises DamagedError when its hash does not verify, StoreError for a later format.

        >>> made = Manifest(version=1, parent=None, data="0" * 32, created="", files=())
        >>> Manifest.from_bytes(made.to_bytes()) == made
        True
        >>> Manifest.from_bytes(made.to_bytes().replace(b'"version": 1', b'"version": 2'))
        Traceback (most recent call last):
        pipeline.store.errors.DamagedError: its hash does not verify
        """
        try:
            content = json.loads(data)
        except ValueError as error:
            raise DamagedError(f"it is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise DamagedError("it is not a JSON object")
        claimed = content.pop("self_hash", None)
        if claimed != hash_of(content):
            raise DamagedError("its hash does not verify")
        if content.get("format") != FORMAT:
            # Whole, but not ours to read; passing over it would quietly answer with older vectors.
            raise StoreError(
                f"it has format {content.get('format')!r} and this Millrace reads format {FORMAT}; "
                "use the Millrace that wrote it"
            )
        try:
            return _adapter().validate_json(json.dumps(content))
        except ValidationError as error:
            raise DamagedError(f"it is not a manifest: {error}") from error


def hash_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `content` as canonical JSON: sorted keys, no spaces, ASCII.

    >>> hash_of({"b": 1, "a": 2}) == hash_of({"a": 2, "b": 1})
    True
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@cache
def _adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)

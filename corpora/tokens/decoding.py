"""Bytes that should be UTF-8 and may not be: leave out or replace what is wrong.

What is sound passes through as it is, checked in C; only blocks with something wrong in them are
decoded by Python, with the handler of that name, so the result is the one of `bytes.decode`.
"""

import codecs
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from corpora._tokens import ffi, lib
from corpora.errors import CorpusError
from corpora.tokens import isa

Errors = Literal["strict", "replace", "ignore"]


def mended(blocks: Iterable[bytes], errors: Errors) -> Iterator[bytes]:
    r"""Yield the blocks as UTF-8: what is not becomes U+FFFD with "replace", nothing with "ignore".

    A block may begin and end anywhere. With "strict" all passes unseen: the line splitter checks.

    >>> b"".join(mended([b"caf\xe9 \xe2\x82", b"\xac"], "replace")).decode()
    'caf\ufffd €'
    """
    if errors == "strict":
        yield from blocks
        return
    held = b""
    for block in blocks:
        whole = held + block if held else block
        end = _sound_bytes(whole)
        if end is None:
            text, end = codecs.utf_8_decode(whole, errors, False)
            sound = text.encode()
        else:
            sound = whole[:end]
        held = whole[end:]
        if sound:
            yield sound
    if held:
        yield held.decode(errors=errors).encode()


def checked_utf8(blocks: Iterable[bytes], url: str) -> Iterator[bytes]:
    r"""Yield the blocks as they are; raises CorpusError with the byte for what is not UTF-8.

    >>> try:
    ...     list(checked_utf8([b"a\xc3", b"\xa9", b"\xff"], "a.csv"))
    ... except CorpusError as error:
    ...     error.problem, error.position
    ('the text is not UTF-8', 'byte 3')
    """
    state: Any = ffi.new("mr_utf8 *")
    offset = 0
    for block in blocks:
        memory = ffi.from_buffer("uint8_t[]", block)
        good = int(lib.mr_utf8_check(state, memory, len(block), isa.chosen()))
        if good < len(block):
            raise _not_utf8(url, offset + good - int(state.seen))
        offset += len(block)
        yield block
    if state.want:
        raise _not_utf8(url, offset - int(state.seen))


def _sound_bytes(block: bytes) -> int | None:
    """Return how many bytes come before an unfinished rest; None if something is wrong."""
    state: Any = ffi.new("mr_utf8 *")
    memory = ffi.from_buffer("uint8_t[]", block)
    good = int(lib.mr_utf8_check(state, memory, len(block), isa.chosen()))
    if good < len(block):
        return None
    return good - (int(state.seen) if state.want else 0)


def _not_utf8(url: str, at: int) -> CorpusError:
    return CorpusError(
        "the text is not UTF-8",
        url=url,
        position=f"byte {at}",
        remedy="convert the file to UTF-8, for example with iconv, leave it out, or give the "
        'reader errors = "replace", where it has that',
    )

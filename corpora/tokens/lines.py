"""Bytes to rows of text: the typed side of the C line splitter.

Bytes come in blocks of any size and leave as Arrow record batches `{text: string}`, with a second
column `{continued: bool}` where rows may be cut: true for a row that continues the one before it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpora._tokens import ffi, lib
from corpora.errors import CorpusError, MillraceError
from corpora.tokens import isa
from corpora.tokens.buffers import INT32_MAX, larger, string_array
from corpora.tokens.decoding import Errors, mended

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Where rows are cut, one may take so many bytes, or so many for each of its words: text has shorter
# words, and what has none is not to fill the memory before anybody is told.
MOST_BYTES = 1 << 25
BYTES_A_WORD = 1 << 9


def split_lines(
    blocks: Iterable[bytes],
    *,
    url: str | None = None,
    max_words: int | None = None,
    max_lines: int | None = None,
    keep_blank: bool = False,
    errors: Errors = "strict",
) -> Iterator[pa.RecordBatch]:
    r"""Split a UTF-8 byte stream at "\n" into rows; a leading byte-order mark is dropped.

    max_words: a line of more white-space separated words than this is cut into several rows, so
    that memory is bounded for a line of any length. max_lines: read no more lines than this.
    keep_blank: keep lines that are empty or white space. url: what to call the stream in an error.
    errors: what becomes of bytes that are not UTF-8, as in `bytes.decode`: "strict" raises
    CorpusError with byte and line, "replace" puts U+FFFD there, "ignore" leaves them out.
    Raises CorpusError also for a line of 2 GiB; with max_words, for a row that takes so much memory
    (32 MiB, or 512 bytes for each of its words if that is more) that it can hardly be text.

    >>> batches = split_lines([b"a b c\n\nd", b" e\n"], max_words=2)
    >>> [row for batch in batches for row in batch["text"].to_pylist()]
    ['a b ', 'c', 'd e']
    """
    splitter = _Splitter(url, max_words, max_lines, keep_blank=keep_blank)
    for block in _without_mark(mended(blocks, errors), splitter):
        yield from splitter.feed(block)
        if splitter.enough:
            return
    yield from splitter.end()


def _without_mark(blocks: Iterable[bytes], splitter: "_Splitter") -> Iterator[bytes]:
    head = b""
    started = False
    for block in blocks:
        if started:
            yield block
            continue
        head += block
        if len(head) >= len(BYTE_ORDER_MARK):
            started = True
            yield splitter.skip_mark(head)
    if not started and head:
        yield head


class _Splitter:
    def __init__(
        self, url: str | None, max_words: int | None, max_lines: int | None, *, keep_blank: bool
    ) -> None:
        self._url = url
        self._isa = isa.chosen()
        self._cuts = max_words is not None
        self._most = max(MOST_BYTES, BYTES_A_WORD * (max_words or 0))
        self._utf8: Any = ffi.new("mr_utf8 *")
        self._c: Any = ffi.new("mr_lines *")
        self._c.max_words = max_words or 0
        self._c.max_lines = -1 if max_lines is None else max_lines
        self._c.keep_blank = keep_blank
        self._taken = ffi.new("int64_t *")
        self._offset = 0  # bytes of the stream before the block at hand
        self.enough = False
        self._data: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._ends: npt.NDArray[np.int32] = np.zeros(1, np.int32)
        self._follows: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._renew(1 << 16)

    def skip_mark(self, head: bytes) -> bytes:
        if not head.startswith(BYTE_ORDER_MARK):
            return head
        self._offset = len(BYTE_ORDER_MARK)
        return head[len(BYTE_ORDER_MARK) :]

    def feed(self, block: bytes) -> Iterator[pa.RecordBatch]:
        """Take one block in; yields the rows that it completes."""
        memory = ffi.from_buffer("uint8_t[]", block)
        good = int(lib.mr_utf8_check(self._utf8, memory, len(block), self._isa))
        whole = good == len(block)
        # A sequence that the block's end cuts may go on; one that is wrong is never looked at.
        hold = (int(self._utf8.seen) if self._utf8.want else 0) if whole else 0
        use = good if whole else max(0, good - int(self._utf8.seen))
        self._taken[0] = 0
        while True:
            code = lib.mr_split_lines(self._c, memory, use, hold, self._taken, self._isa)
            if code not in (lib.MR_GROW_DATA, lib.MR_GROW_ROWS):
                break
            self._grow(code, use - int(self._taken[0]))
        if code == lib.MR_LIMIT:
            self.enough = True
        elif code != lib.MR_DONE:
            raise MillraceError(f"the line splitter refused its arguments (code {code})")
        elif not whole:
            raise self._not_utf8(self._offset + good - int(self._utf8.seen))
        self._offset += len(block)
        if self._cuts and self._c.data_n - self._ends[self._c.rows_n] > self._most:
            raise self._no_text()
        if self._c.rows_n:
            yield self._batch(len(block))

    def end(self) -> Iterator[pa.RecordBatch]:
        """Close the last line; yields its row."""
        if self._utf8.want:
            raise self._not_utf8(self._offset - int(self._utf8.seen))
        while (code := lib.mr_end_lines(self._c, self._isa)) == lib.MR_GROW_ROWS:
            self._grow(code, 0)
        if code != lib.MR_DONE:
            raise MillraceError(f"the line splitter refused its arguments (code {code})")
        if self._c.rows_n:
            yield self._batch(0)

    def _not_utf8(self, at: int) -> CorpusError:
        return CorpusError(
            "the text is not UTF-8",
            url=self._url,
            position=f"byte {at}, line {int(self._c.lines) + 1}",
            remedy="convert the file to UTF-8, for example with iconv, leave it out, or give the "
            'reader errors = "replace", where it has that',
        )

    def _no_text(self) -> CorpusError:
        words, size = int(self._c.words), self._most >> 20
        return CorpusError(
            f"a row of {words} words takes more than {size} MiB: this can hardly be text",
            url=self._url,
            position=f"before byte {self._offset}, line {int(self._c.lines) + 1}",
            remedy="look at the file: words have to be separated by white space, and few are long",
        )

    def _grow(self, code: int, coming: int) -> None:
        if code == lib.MR_GROW_ROWS:
            n = 2 * len(self._follows) + 64
            self._ends, self._follows = larger(self._ends, n + 1), larger(self._follows, n)
        else:
            used = int(self._c.data_n)
            if used + coming > INT32_MAX:
                raise CorpusError(
                    "a line is longer than 2 GiB",
                    url=self._url,
                    position=f"line {int(self._c.lines) + 1}",
                    remedy="set max_sentence_length, so that long lines are cut",
                )
            # Doubling keeps a line of many blocks from being copied once for each of them.
            size = used + coming if used < coming else min(2 * used + coming, INT32_MAX)
            self._data = larger(self._data, size)
        self._point()

    def _batch(self, coming: int) -> pa.RecordBatch:
        """Hand out the rows that are whole; the open row moves to new arrays."""
        c = self._c
        rows, end, used = int(c.rows_n), int(self._ends[c.rows_n]), int(c.data_n)
        data, ends, follows, looked = self._data, self._ends, self._follows, int(c.looked)
        columns: dict[str, Any] = {"text": string_array(ends[: rows + 1], data[:end])}
        if self._cuts:
            columns["continued"] = pa.array(follows[:rows].astype(np.bool_))
        self._renew(used - end + coming, max(64, rows + rows // 4))
        self._data[: used - end] = data[end:used]
        c.data_n, c.looked, c.rows_n = used - end, looked - end, 0
        return pa.RecordBatch.from_pydict(columns)

    def _renew(self, size: int, rows: int = 1024) -> None:
        self._data = np.empty(min(size, INT32_MAX), np.uint8)
        self._ends = np.empty(rows + 1, np.int32)
        self._ends[0] = 0
        self._follows = np.empty(rows, np.uint8)
        self._point()

    def _point(self) -> None:
        c = self._c
        c.data = ffi.cast("uint8_t *", self._data.ctypes.data)
        c.data_cap = len(self._data)
        c.ends = ffi.cast("int32_t *", self._ends.ctypes.data)
        c.follows = ffi.cast("uint8_t *", self._follows.ctypes.data)
        c.rows_cap = len(self._follows)

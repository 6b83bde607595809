"""Rows of a word2vec binary file: a word, a space, then the numbers as little-endian float32."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipeline.vectors.word2vec_bytes import Layout, Piece, Stream

LONGEST_WORD = 1 << 16  # bytes
LIKELY = "fetch or write the file again; a text file is read with binary=False"


def pieces(stream: Stream, layout: Layout) -> Iterator[Piece]:
    """Yield words, vectors and the first one's number, as far as each block of bytes goes.

    Ends after as many rows as are promised or wanted; the stream then may have more.
    """
    width, count = 4 * layout.size, layout.count or 0
    if layout.limit is not None:
        count = min(count, layout.limit)
    left, number = b"", 1
    for block in stream.blocks():
        data = left + block if left else block
        words: list[bytes] = []
        numbers: list[bytes] = []
        at = 0
        while number + len(words) <= count:
            space = data.find(b" ", at)
            if space < 0 and len(data) - at > LONGEST_WORD:
                raise layout.wrong(
                    f"a word does not end within {LONGEST_WORD} bytes",
                    f"vector {number + len(words)}, byte {stream.taken - len(data) + at}", LIKELY,
                )  # fmt: skip
            if space < 0 or len(data) - space - 1 < width:
                break
            # The C tool writes a line's end after each vector, which then comes before a word.
            words.append(data[at:space].lstrip(b"\n"))
            at = space + 1 + width
            numbers.append(data[space + 1 : at])
        left = data[at:]
        if words:
            vectors = np.frombuffer(b"".join(numbers), "<f4").reshape(-1, layout.size)
            found = pa.array(words, pa.binary())
            yield layout.decoded(found, "vector", number), vectors.astype(np.float32), number
            number += len(words)
        if number > count:
            stream.leave(left)
            return
    raise layout.short(number - 1, f"byte {stream.taken}")

"""Codecs: told by content; several members; cut, damaged or followed by something is an error."""

import bz2
import contextlib
import gzip
import lzma
import random
import sys
import tracemalloc
import zlib
from functools import partial

import pytest
import zstandard

from corpora.errors import CorpusError
from corpora.sources.codecs import BLOCK, decompressed

PACK = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstandard": zstandard.ZstdCompressor(write_checksum=True).compress,
}
try:
    import lz4.frame
except ImportError:  # an extra
    pass
else:
    PACK["lz4"] = partial(lz4.frame.compress, content_checksum=True)
TEXT = random.Random(0).randbytes(200_000).hex().encode()


def unpack(data, size=1 << 16, url="a file"):
    blocks = (data[i : i + size] for i in range(0, len(data), size))
    return b"".join(decompressed(blocks, url))


@pytest.fixture(params=PACK)
def codec(request):
    return request.param


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_any_cut_of_the_input(codec, size):
    text = TEXT[: 3000 if size == 1 else None]
    assert unpack(PACK[codec](text), size) == text


def test_several_members_and_empty_ones(codec):
    pack = PACK[codec]
    packed = pack(b"one\n") + pack(b"") + pack(TEXT) + pack(b"") * 100 + pack(b"two")
    for size in (3, 100, 1 << 20):
        if size > 3:
            assert unpack(packed, size) == b"one\n" + TEXT + b"two"
        assert unpack(pack(b"a") + pack(b"b"), size) == b"ab"
    assert unpack(pack(b"")) == b""


def test_a_file_cut_anywhere_is_an_error(codec):
    packed = PACK[codec](b"some text that is short\n" * 3)
    for n in range(1, len(packed)):
        # As few bytes as that can be text: only the name tells that they should be more.
        with pytest.raises(CorpusError, match=r"cut short") as caught:
            unpack(packed[:n], url=f"a.{codec}.gz" if n < 10 else "a.txt")
        assert caught.value.position == f"byte {n}"


def test_a_second_member_cut_anywhere_is_an_error(codec):
    first, second = PACK[codec](TEXT[:100]), PACK[codec](TEXT[100:200])
    for n in range(1, len(second)):
        with pytest.raises(CorpusError, match=r"cut short|follows the last"):
            unpack(first + second[:n])


@pytest.mark.parametrize(
    "name", ["x.gz", "x.GZ", "x.bz2", "x.xz", "x.zst", "x.lz4", "x.tgz", "http://h/x.gz?token=1"]
)
def test_an_empty_file_with_a_packed_name(name):
    with pytest.raises(CorpusError, match="ends before its first member"):
        unpack(b"", url=name)
    assert unpack(b"", url="x.txt") == b""


def test_garbage_after_the_end(codec):
    packed = PACK[codec](TEXT)
    for garbage in (b"x", b"garbage\n" * 10, b"\0x", TEXT):
        with pytest.raises(CorpusError, match="follows the last member") as caught:
            unpack(packed + garbage)
        zeros = len(garbage) - len(garbage.lstrip(b"\0")) if codec in ("gzip", "xz") else 0
        assert caught.value.position == f"byte {len(packed) + zeros}"


def test_zero_padding(codec):
    packed = PACK[codec](TEXT)
    if codec in ("gzip", "xz"):
        assert unpack(packed + bytes(512)) == TEXT
        assert unpack(packed + bytes(3_000_000)) == TEXT
    else:
        with pytest.raises(CorpusError, match="follows the last member"):
            unpack(packed + bytes(512))
    if codec == "xz":
        with pytest.raises(CorpusError, match="padding is cut short"):
            unpack(packed + bytes(3))


def test_one_flipped_byte(codec):
    packed = bytearray(PACK[codec](TEXT))
    for at in (len(packed) // 3, len(packed) // 2, len(packed) - 30):
        damaged = bytearray(packed)
        damaged[at] ^= 0x55
        with pytest.raises(CorpusError, match=r"damaged|cut short|follows") as caught:
            unpack(bytes(damaged))
        assert caught.value.url == "a file"


def test_the_name_says_nothing(codec):
    packed = PACK[codec](b"text")
    for name in ("a.txt", "a.gz", "a.bz2", "a.xz", "a.zst", "a.lz4"):
        assert unpack(packed, url=name) == b"text"
    assert unpack(b"plain text, longer than ten", url="a.gz") == b"plain text, longer than ten"


@pytest.mark.parametrize(
    "text", [b"", b"B", b"BZh", b"BZh9 is how bzip2 files begin", b"\x1f\x8b", b"("]
)
def test_plain_text_that_looks_packed(text):
    assert unpack(text, 1) == text


def test_skippable_frames():
    frame = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    pack = PACK["zstandard"]
    for size in (1, 5, 100):
        assert unpack(frame + pack(b"a") + frame + frame + pack(b"b") + frame, size) == b"ab"
        assert unpack(frame, size) == b""
    for n in range(10, len(frame)):
        with pytest.raises(CorpusError, match="cut short"):
            unpack(frame[:n])


def test_zstandard_without_content_size_or_checksum():
    maker = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    packed = maker.compress(TEXT) + maker.flush()
    assert unpack(packed) == TEXT
    for n in (20, len(packed) // 2, len(packed) - 1):
        with pytest.raises(CorpusError, match="cut short"):
            unpack(packed[:n])


def test_a_bomb_is_bounded(codec):
    packed = PACK[codec](bytes(48 << 20))
    tracemalloc.start()
    total = largest = 0
    for block in decompressed([packed], "bomb"):
        total += len(block)
        largest = max(largest, len(block))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 48 << 20
    # zstandard takes no bound: 4 KiB of it make 128 MiB at the very most.
    assert largest <= (3 * BLOCK if codec != "zstandard" else 140 << 20)
    assert peak < (30 << 20 if codec != "zstandard" else 300 << 20)


def test_xz_that_wants_too_much_memory(monkeypatch):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 20}]
    packed = lzma.compress(TEXT, filters=filters)
    monkeypatch.setattr("corpora.sources.codecs.XZ_MEMORY", 1 << 19)
    with pytest.raises(CorpusError, match="damaged"):
        unpack(packed)


def test_zlib_without_gzip_is_text():
    assert unpack(zlib.compress(b"abc" * 9)) == zlib.compress(b"abc" * 9)


def silently_wrong(pack):
    """How many of the places where a byte may be flipped give other text and no error."""
    text = TEXT[:3000]
    packed = pack(text)
    wrong = 0
    for at in range(len(packed)):
        damaged = bytearray(packed)
        damaged[at] ^= 0x40
        with contextlib.suppress(CorpusError):
            wrong += unpack(bytes(damaged)) not in (text, bytes(damaged))
    return wrong


def test_no_flipped_byte_passes_where_there_is_a_check_sum(codec):
    assert silently_wrong(PACK[codec]) == 0


def test_formats_without_a_check_sum_cannot_tell():
    assert silently_wrong(zstandard.ZstdCompressor(write_checksum=False).compress) > 0
    frame = pytest.importorskip("lz4.frame")
    assert silently_wrong(frame.compress) > 0


def test_lz4_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "lz4", None)
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(CorpusError, match=r"packed with lz4.*pip install 'millrace\[lz4\]'"):
        unpack(b"\x04\x22\x4d\x18" + bytes(20))


def test_zstandard_with_a_window_too_large_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    maker = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = maker.compress(b"a") + maker.flush()
    with pytest.raises(CorpusError, match=r"damaged|memory"):
        unpack(packed)

"""Documents cut out of shards: what is left is what encoding the rest would give, but for order."""

import json

import numpy as np
import pyarrow as pa
import pytest

from corpora import Documents, encode
from corpora.shards.cached import opened_set
from corpora.shards.cut import cut, has_any
from corpora.shards.shard_set import verified

DOCUMENTS = [
    (["to", "be", "or"], ["a", "both"]),
    (["not", "to", "be"], ["b"]),
    (["only", "here", "here"], ["a"]),
    ([], ["empty"]),
    (["be", "be", "\N{REPLACEMENT CHARACTER}"], ["c", "both"]),
]


def rows_of(shards):
    found = []
    for shard in shards:
        words, tags = shard.words.to_pylist(), shard.tags.to_pylist()
        for batch in shard.batches():
            for row, own in zip(
                batch["tokens"].to_pylist(), batch["tags"].to_pylist(), strict=True
            ):
                found.append(([words[i] for i in row], [tags[i] for i in own]))
    return found


def totals(shards, keys, counts):
    found = {}
    for shard in shards:
        for key, n in zip(getattr(shard, keys).to_pylist(), getattr(shard, counts), strict=True):
            found[key] = found.get(key, 0) + int(n)
    return found


@pytest.mark.parametrize("dropped", [["a"], ["both"], ["b", "empty"], ["nobody"], ["a", "b", "c"]])
def test_what_is_left(tmp_path, dropped):
    whole = encode(Documents(DOCUMENTS))  # in a folder that goes when this does
    (made,) = (part.made for part in whole.parts)
    new, gone = cut(made, [pa.array(dropped)], tmp_path)
    assert verified(new.folder) == new
    left = [one for one in DOCUMENTS if not set(one[1]) & set(dropped)]
    shards, rest = list(opened_set("", new)), encode(Documents(left))
    assert rows_of(shards) == left
    assert totals(shards, "words", "counts") == totals(rest, "words", "counts")
    assert totals(shards, "tags", "tag_counts") == totals(rest, "tags", "tag_counts")
    for name in ("rows", "tokens", "replaced"):
        assert sum(getattr(s, name) for s in shards) == sum(getattr(s, name) for s in rest)
    assert sum(one.rows for one in gone) == len(DOCUMENTS) - len(left)
    assert sum(one.tokens for one in gone) == 12 - sum(len(one[0]) for one in left)
    assert has_any(made, pa.array(dropped)) == (len(left) < len(DOCUMENTS))
    content = b"".join(path.read_bytes() for path in new.folder.iterdir())
    assert (b"only" in content) == (["only", "here", "here"] in [one[0] for one in left])


def test_numbers_and_many_batches(tmp_path):
    draw = np.random.default_rng(1)
    documents = [
        ([f"w{n}" for n in draw.integers(0, 3000, 200)], [int(i)]) for i in draw.permutation(3000)
    ]
    shards = encode(Documents(documents), tmp_path / "cache")
    (made,) = (part.made for part in shards.parts)
    assert sum(1 for shard in shards for _ in shard.batches()) > 1
    dropped = pa.array(range(0, 3000, 7), pa.int64())
    new, _ = cut(made, [pa.array(["7"]), dropped], tmp_path)
    assert rows_of(opened_set("", new)) == [one for one in documents if one[1][0] % 7]
    assert new.content != made.content
    # The same cut gives the same content, and so the same name.
    again, _ = cut(made, [dropped], tmp_path)
    assert (again.content, again.folder == new.folder) == (new.content, False)
    body = json.loads((new.folder / "shards.json").read_text())["sha256"]
    assert body == new.content

"""Tags: which document is which, over several files, whatever else lies beside them."""

import os
import pickle
import zipfile

import pytest

from corpora import (
    CorpusError,
    Documents,
    JsonLines,
    LineSentence,
    Sentences,
    TaggedBrown,
    TaggedDocument,
    TaggedLineDocument,
    encode,
)
from corpora.rows.tag_kinds import BOTH


@pytest.fixture
def tree(tmp_path):
    for name in ("a.txt", "2026/a.txt", "2026/b.txt", "2025/a.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("one\n\nthree\n")
    return tmp_path


def tags(corpus):
    return [tag for document in corpus for tag in document.tags]


def files(corpus):
    return [tag.removesuffix(":1") for tag in tags(corpus) if tag.endswith(":1")]


def test_a_tag_names_file_and_line(tree):
    assert tags(TaggedLineDocument(tree / "a.txt")) == ["a.txt:1", "a.txt:2", "a.txt:3"]
    every = ["2025/a.txt", "2026/a.txt", "2026/b.txt", "a.txt"]
    assert files(TaggedLineDocument(f"{tree}/**/*.txt")) == every
    assert files(TaggedLineDocument(f"{tree}/")) == every
    assert files(TaggedLineDocument(f"{tree}/2026/*")) == ["a.txt", "b.txt"]
    assert files(TaggedLineDocument(f"{tree}/20*/a.txt")) == ["2025/a.txt", "2026/a.txt"]
    assert files(TaggedLineDocument([f"{tree}/2026/*", f"{tree}/20*/a.txt"][1:])) == every[:2]


def test_tags_depend_on_nothing_else(tree, monkeypatch):
    before = TaggedLineDocument(f"{tree}/2026/*.txt")
    assert files(before) == ["a.txt", "b.txt"]
    (tree / "2026" / "0.txt").write_text("new\n")
    assert files(before) == ["0.txt", "a.txt", "b.txt"]
    monkeypatch.chdir(tree)
    assert files(TaggedLineDocument("2026/*.txt")) == files(before)
    assert files(TaggedLineDocument("file://" + f"{tree}/2026/*.txt")) == files(before)
    assert files(TaggedLineDocument(["2026/b.txt", "2026/a.txt"])) == ["b.txt", "a.txt"]


def test_no_two_documents_have_one_tag(tree):
    two = [tree / "a.txt", tree / "2026/a.txt"]
    with pytest.raises(CorpusError, match=r'share tags, "a\.txt".*set tags = "address"'):
        TaggedLineDocument(two).parts()
    assert files(TaggedLineDocument(two, tags="address")) == [str(path) for path in two]
    with pytest.raises(CorpusError, match="give no file twice"):
        TaggedLineDocument([tree / "a.txt"] * 2, tags="address").parts()
    with pytest.raises(CorpusError, match="number the documents of 3 files from 0 each"):
        TaggedLineDocument(f"{tree}/**/a.txt", tags="line").parts()
    with pytest.raises(CorpusError, match="share tags"):
        TaggedBrown([tree / "2025", tree / "2026"]).parts()


def test_files_in_archives(tmp_path):
    for name in ("jan", "feb"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("docs/a.txt", "one\n")
            archive.writestr("docs/b.txt", "one\n")
    corpus = TaggedLineDocument(f"zip://**::{tmp_path}/*.zip")
    assert files(corpus) == [f"{m}.zip/docs/{f}.txt" for m in ("feb", "jan") for f in "ab"]


def test_the_fingerprint_has_the_name(tree):
    one = TaggedLineDocument(tree / "2026/a.txt").parts()[0]
    other = TaggedLineDocument(f"{tree}/**/a.txt").parts()[1]
    assert one.label == other.label
    assert one.fingerprint != other.fingerprint
    again = TaggedLineDocument(f"{tree}/2026/*.txt").parts()[0]
    assert one.fingerprint == again.fingerprint


def test_cached_shards_have_their_own_tags(tree, tmp_path):
    cache = tmp_path / "cache"
    assert encode(TaggedLineDocument(tree / "2026/a.txt"), cache).reused == 0
    (shard,) = encode(TaggedLineDocument(f"{tree}/2026/*.txt"), cache)[:1]
    assert shard.tags.to_pylist() == ["a.txt:1", "a.txt:2", "a.txt:3"]
    assert encode(TaggedLineDocument(f"{tree}/20*/a.txt"), cache).reused == 0


def test_documents():
    made = [
        TaggedDocument(["a b", "c"], ["x", "y"]),
        (["d"], [7, 8]),
        TaggedDocument([], []),
        (("e",), ("z",)),
    ]
    corpus = Documents(made)
    expected = [(["a b", "c"], ["x", "y"]), (["d"], [7, 8]), ([], []), (["e"], ["z"])]
    assert list(corpus) == list(corpus) == expected
    assert all(isinstance(document, TaggedDocument) for document in corpus)
    assert pickle.loads(pickle.dumps(corpus)) == corpus
    many = [TaggedDocument([str(i), "x"], [i]) for i in range(10_000)]
    assert list(Documents(many)) == many


def test_documents_are_split():
    corpus = Documents([(["a"] * 7, ["t"]), (["b"], ["u"])], max_document_length=3)
    assert [(len(words), tags) for words, tags in corpus] == [
        (3, ["t"]),
        (3, ["t"]),
        (1, ["t"]),
        (1, ["u"]),
    ]
    shards = encode(corpus)
    assert (shards.split, shards.rows, shards.tokens) == (2, 4, 8)
    assert shards[0].tag_counts.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ((["a"], "tag"), r'document 2: the document has one string for its tags.*write \["tag"\]'),
        (("a b", ["t"]), "one string for its words"),
        ((["a"], 5), "int for its tags, not a list"),
        ((["a"], ["t", 5, 1.5]), "a tag that is float, not str or int"),
        ((["a"], [1.5]), "a tag that is float, not str or int"),
        ((["a"], [True]), "a tag that is bool"),
        ((["a"], [1 << 63]), "beyond 64 bits"),
        ((["a"], ["\ud800"]), "half of a surrogate pair"),
        ((["a", 3], ["t"]), "a token that is int, not str, at place 1"),
        (["a", "b", "c"], "NoneType for its words, not a list"),
        (5, "NoneType for its words, not a list"),
    ],
)
def test_a_wrong_document_is_named(document, problem):
    good = (["a"], ["t"])
    with pytest.raises(CorpusError, match=problem):
        list(Documents([good, good, document]))


@pytest.mark.parametrize(
    ("iterable", "problem"),
    [(iter([]), "a generator is used up"), ("text", "not one string"), (7, "must be iterable")],
)
def test_what_is_not_documents(iterable, problem):
    with pytest.raises(ValueError, match=problem):
        Documents(iterable)


def test_strings_and_numbers_stay_what_they_are(tmp_path):
    documents = Documents([(["a"], ["7"]), (["b"], [7, -8]), (["c"], [7]), (["d"], ["x"])])
    numbers = [["7"], [7, -8], [7], ["x"]]
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    corpus = documents + TaggedLineDocument(path, tags="line")
    cache = tmp_path / "cache"
    for workers in (1, 2):
        for kept in (None, cache, cache):
            shards = encode(corpus, kept, workers=workers)
            rows = [
                [shard.tags[i].as_py() for i in row]
                for shard in shards
                for batch in shard.batches()
                for row in batch["tags"].to_pylist()
            ]
            assert rows == [*numbers, [0], [1]]
            kinds = [str(shard.tags.type) for shard in shards]
            assert kinds == [str(BOTH), "int64"]
    made = [row for b in corpus.token_batches() for row in b.with_words()["tags"].to_pylist()]
    assert made == [*numbers, [0], [1]]


class TestChains:
    """Two readers' documents may not share tags that neither of the files has in it."""

    @pytest.fixture
    def twins(self, tmp_path):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.txt").write_text("x\ny\n")
        return [str(tmp_path / name / "a.txt") for name in ("one", "two")]

    @pytest.mark.parametrize(
        "joined",
        [
            lambda a, b: a + b,
            lambda a, b: (a + b).lowercase(),
            lambda a, b: a.shuffle() + b.shard(0, 2).take(1),
            lambda a, b: (a + b).interleave() + Sentences([["z"]]),
            lambda a, b: (Sentences([["z"]]) + b).take(1) + a.filter(min_tokens=1),
        ],
    )
    @pytest.mark.parametrize("tags", ["name", "line"])
    def test_files_of_one_name_are_refused(self, twins, joined, tags):
        a, b = (TaggedLineDocument(path, tags=tags) for path in twins)
        tag = {"name": "a.txt:1", "line": "0"}[tags]
        with pytest.raises(CorpusError, match=f'share tags, such as "{tag}"') as raised:
            joined(a, b).parts()
        assert all(path in str(raised.value) for path in twins)

    def test_whole_addresses_are_fine(self, twins):
        a, b = (TaggedLineDocument(path, tags="address") for path in twins)
        tags = [document.tags for document in a + b]
        assert tags == [[f"{path}:{line}"] for path in twins for line in (1, 2)]

    def test_rows_of_one_file_in_two_places_keep_their_tags(self, twins):
        a = TaggedLineDocument(twins[0])
        assert [document.tags for document in a.skip(1) + a.take(1)] == [["a.txt:2"], ["a.txt:1"]]

    def test_brown(self, tmp_path):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "ca01").write_text("The/at jury/nn\n")
        one, two = (TaggedBrown(tmp_path / name) for name in ("one", "two"))
        with pytest.raises(CorpusError, match="ca01_SENT_0"):
            list(one + two)

    def test_tags_that_are_in_the_files_are_the_users_own(self, tmp_path):
        (tmp_path / "a.jsonl").write_text('{"text": "x", "id": 1}')
        (tmp_path / "b.jsonl").write_text('{"text": "y", "id": 1}')
        a, b = (JsonLines(tmp_path / f"{name}.jsonl", tags="id") for name in "ab")
        assert [document.tags for document in a + b] == [[1], [1]]


def test_a_name_that_is_not_utf8(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"a\xff.txt")  # noqa: PTH118
    try:
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"one two")
    except OSError:
        pytest.skip("this file system takes only names that are UTF-8")
    assert list(LineSentence(os.fsdecode(path))) == [["one", "two"]]
    with pytest.raises(CorpusError, match="name is not UTF-8"):
        list(TaggedLineDocument(os.fsdecode(path)))

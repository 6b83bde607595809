"""Rows from objects and columns: JSON lines, separated values, Parquet."""

import csv
import gzip
import json
import pickle
import threading

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora import CorpusError, Csv, JsonLines, Parquet, encode

ROWS = [
    {"text": "the cat, sat", "id": "d1", "lang": "en", "year": 2001},
    {"text": 'le "chat"', "id": "d2", "lang": "fr", "year": 2002},
    {"text": "two\nlines \u3042", "id": "d3", "lang": "en", "year": 2003},
    {"text": "", "id": "d4", "lang": "en", "year": 2004},
]
DOCUMENTS = [(row["text"].split(), [row["id"]]) for row in ROWS]


def write_json(path, rows=ROWS):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def write_csv(path, rows=ROWS, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path, rows=ROWS):
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    return path


ALL = pytest.mark.parametrize(
    ("reader", "write"),
    [(JsonLines, write_json), (Csv, write_csv), (Parquet, write_parquet)],
)


@ALL
def test_rows(tmp_path, reader, write):
    path = write(tmp_path / "a")
    assert list(reader(path, tags="id")) == DOCUMENTS
    assert list(reader(path)) == [words for words, _ in DOCUMENTS]
    assert list(reader(path, text="lang"))[:2] == [["en"], ["fr"]]
    corpus = reader(path, tags="id", columns=["lang", "year"])
    english = corpus.filter(column="lang", one_of=("en",))
    assert [d.tags for d in english] == [["d1"], ["d3"], ["d4"]]
    late = english.filter(column="year", at_least=2002, at_most=2003)
    assert [d.tags for d in late] == [["d3"]]
    copy = pickle.loads(pickle.dumps(late))
    assert copy == late
    assert list(copy) == list(late)
    shards = encode(reader(path, tags="id"), tmp_path / "cache")
    assert shards[0].tags.to_pylist() == ["d1", "d2", "d3", "d4"]
    assert encode(reader(path, tags="id"), tmp_path / "cache").reused == 1
    assert encode(reader(path), tmp_path / "cache").reused == 0


@ALL
def test_several_files_and_remote_ones(tmp_path, reader, write):
    fs = fsspec.filesystem("memory")
    for name in "ba":
        fs.pipe(f"/tables/{name}", write(tmp_path / name).read_bytes())
    try:
        assert list(reader("memory://tables/*", tags="id")) == DOCUMENTS * 2
        assert list(reader(f"{tmp_path}/*", tags="id")) == DOCUMENTS * 2
    finally:
        fs.rm("/tables", recursive=True)


@ALL
def test_long_documents_are_split(tmp_path, reader, write):
    rows = [{"text": "a " * n, "id": n} for n in (1, 7, 3)]
    options = {"int_tags": True} if reader is Csv else {}
    corpus = reader(write(tmp_path / "a", rows), tags="id", max_document_length=3, **options)
    expected = [(1, [1]), (3, [7]), (3, [7]), (1, [7]), (3, [3])]
    assert [(len(words), tags) for words, tags in corpus] == expected
    assert encode(corpus).split == 2


@ALL
def test_a_missing_column(tmp_path, reader, write):
    path = write(tmp_path / "a")
    for options in ({"text": "txet"}, {"tags": "tagss"}):
        with pytest.raises(CorpusError, match="there is no column") as caught:
            list(reader(path, **options))
        assert str(path) in str(caught.value)
        assert "text, id, lang, year" in caught.value.remedy
    with pytest.raises(CorpusError, match='did you mean "text"'):
        list(reader(path, text="txet"))
    with pytest.raises(CorpusError, match='no column "lang" to filter by; they have: text'):
        list(reader(path).filter(column="lang", one_of=("en",)))
    with pytest.raises(ValueError, match='columns can\'t have "tags"'):
        reader(path, columns=("tags",))


@ALL
def test_stopping_early_leaves_no_thread(tmp_path, reader, write):
    rows = [{"text": f"row {i}", "id": str(i)} for i in range(50_000)]
    path = write(tmp_path / "a", rows)
    assert list(reader(path).take(2)) == [["row", "0"], ["row", "1"]]
    assert len(list(reader(path))) == 50_000
    assert not [t for t in threading.enumerate() if t.name == "millrace-readahead"]


@pytest.mark.parametrize("reader", [JsonLines, Csv])
def test_packed_and_empty(tmp_path, reader):
    write = {JsonLines: write_json, Csv: write_csv}[reader]
    path = write(tmp_path / "a")
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes()))
    assert list(reader(path, tags="id")) == DOCUMENTS
    path.write_bytes(b"")
    assert list(reader(path)) == []
    path.write_bytes(gzip.compress(b'{"text": "\xe9"}' if reader is JsonLines else b"text\n\xe9\n"))
    with pytest.raises(CorpusError, match=r"byte (10|5).*not UTF-8"):
        list(reader(path))
    assert list(reader(path, errors="replace")) == [["\ufffd"]]


def test_json_tags_and_words(tmp_path):
    rows = [
        {"text": ["new york", "is"], "tags": ["a", "b"]},
        {"text": "big", "tags": [1, 2]},
        {"text": "", "tags": []},
        {"text": "x", "tags": 3},
        {"text": "y", "tags": "c"},
    ]
    path = write_json(tmp_path / "a", rows)
    assert list(JsonLines(path, tags="tags")) == [
        (["new york", "is"], ["a", "b"]),
        (["big"], [1, 2]),
        ([], []),
        (["x"], [3]),
        (["y"], ["c"]),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "a"', "line 3, column 13: this is not JSON"),
        (b'{"text": "a"} {"text": "b"}', "line 3, column 15: this is not JSON"),
        (b"[" * 100_000, "line 3: this is not JSON to read"),
        (b'["a"]', "line 3: this is a list, not an object"),
        (b"null", "line 3: this is null, not an object"),
        (b'{"txt": "a"}', 'line 3: there is no column "text"; did you mean "txt"'),
        (b'{"text": 5, "id": "a"}', 'line 3: "text" is a number, neither text nor'),
        (b'{"text": "a", "id": null}', 'line 3: the object has null for "id"'),
        (b'{"text": "a", "id": 1.5}', "line 3: the object has a tag that is float"),
        (b'{"text": "a", "id": ["b", 1, true]}', "line 3: the object has a tag that is bool"),
        (b'{"text": ["a", 1], "id": "b"}', "line 3: the object has a token that is int"),
        (b'{"text": "\\ud800", "id": "b"}', "line 3: the object has text that holds half of"),
    ],
)
def test_a_wrong_json_line(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a", "id": 1}\n\n' + line + b"\n")
    with pytest.raises(CorpusError) as caught:
        list(JsonLines(path, tags="id"))
    assert str(caught.value).startswith(f"{path}, {message}")


def test_json_columns_of_odd_values(tmp_path):
    path = write_json(tmp_path / "a", [{"text": "a", "x": 1}, {"text": "b", "x": "two"}])
    with pytest.raises(CorpusError, match='"x" does not fit into one column') as caught:
        list(JsonLines(path, columns=["x"]))
    assert caught.value.url == str(path)
    write_json(path, [{"text": "a", "x": None}] * 5000 + [{"text": "b", "x": 2}])
    corpus = JsonLines(path, columns=["x", "y"])
    assert list(corpus.filter(column="x", at_least=2)) == [["b"]]
    assert list(corpus.filter(column="x", one_of=(2,))) == [["b"]]
    assert list(corpus.filter(column="y", one_of=("z",))) == []
    assert len(list(corpus.shuffle(6000))) == 5001


def test_csv_options(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('the "cat\tx|y\tNA\nsat\tz\t7\n')
    corpus = Csv(
        path,
        names=["text", "tags", "n"],
        tags="tags",
        tag_separator="|",
        delimiter="\t",
        quote="",
    )
    assert list(corpus) == [(["the", '"cat'], ["x", "y"]), (["sat"], ["z"])]
    path.write_text("text,n\r\nNA,1|2\r\n007,3\r\n")
    assert list(Csv(path, tags="n", tag_separator="|", int_tags=True)) == [
        (["NA"], [1, 2]),
        (["007"], [3]),
    ]
    path.write_text("text,n\na,1\nb,\n")
    with pytest.raises(CorpusError, match='row 3: the column "n" is empty'):
        list(Csv(path, tags="n"))
    with pytest.raises(CorpusError, match="not a whole number"):
        list(Csv(path, tags="text", int_tags=True))
    with pytest.raises(ValueError, match="delimiter must be of length at most 1"):
        Csv(path, delimiter="::")


@pytest.mark.parametrize(
    "text", ["text", "text\n", "\ufefftext,n\r\n", "n,text\n\n\n", "n,text\r\r", '"text"']
)
def test_a_csv_header_alone(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert list(Csv(path)) == []
    path.write_bytes(b"text\ra\rb\r")
    assert list(Csv(path)) == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", 'there is no column "text". To mend it: give the file a header'),
        ("text,text\na,b\n", 'there are several columns "text"'),
        ('"' + "a" * 200_000, "row 1 or after: the row doesn't fit (field larger than"),
        ("text\na,b\n", "row 2: the row doesn't fit"),
        ("text\ra,b", "row 2: the row doesn't fit"),
        ("text,n\na,1\nb\n", "row 3: the row doesn't fit (Expected 2 columns, got 1: b)"),
        ('text,n\na,1\n"b,2\n' + "c,3\n" * 99, "row 3: the row doesn't fit (Expected 2"),
        ("text,n\na,1\n" + "b " * (1 << 24), "row 3 or after: a row is longer than 16 MiB"),
    ],
)
def test_a_wrong_csv_row(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(CorpusError) as caught:
        list(Csv(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0")),
            st.text('ab,"\n', min_size=1),
        )
    )
)
def test_csv_reads_what_python_writes(tmp_path, rows):
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("text", "tag"), *rows])
    assert list(Csv(path, tags="tag")) == [(text.split(), [tag]) for text, tag in rows]


def table(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_types(tmp_path):
    path = table(
        tmp_path / "a",
        text=pa.array(["a b", None, "a b"]).dictionary_encode(),
        large=pa.array(["a", "b", "c"], pa.large_string()),
        view=pa.array(["a", "b", "c"], pa.string_view()),
        words=pa.array([["new york", "x"], [], ["y"]]),
        small=pa.array([1, 2, 3], pa.uint8()),
        lists=pa.array([["a"], [], ["b", "c"]], pa.large_list(pa.large_string())),
        numbers=pa.array([[1], [], [2, 3]], pa.list_(pa.int32())),
    )
    assert list(Parquet(path)) == [["a", "b"], [], ["a", "b"]]
    assert list(Parquet(path, text="words", tags="lists")) == [
        (["new york", "x"], ["a"]),
        ([], []),
        (["y"], ["b", "c"]),
    ]
    for text in ("large", "view"):
        assert [d.words for d in Parquet(path, text=text, tags=text)] == [["a"], ["b"], ["c"]]
    assert [d.tags for d in Parquet(path, tags="small")] == [[1], [2], [3]]
    assert [d.tags for d in Parquet(path, tags="numbers")] == [[1], [], [2, 3]]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([1.5, 2.5]), "is double, and tags are strings or whole numbers"),
        (pa.array(["a", None]), 'row 1: the column "tag" is null'),
        (pa.array([["a"], None]), 'row 1: the column "tag" is null'),
        (pa.array([["a"], [None]]), "has a null in it"),
        (pa.array([1, 1 << 63], pa.uint64()), "doesn't do"),
    ],
)
def test_parquet_tags_that_do_not_do(tmp_path, column, message):
    path = table(tmp_path / "a", text=["a", "b"], tag=column)
    with pytest.raises(CorpusError, match=message) as caught:
        list(Parquet(path, tags="tag"))
    assert caught.value.url == str(path)


def test_parquet_damage(tmp_path):
    path = write_parquet(tmp_path / "a", ROWS * 1000)
    with pytest.raises(CorpusError, match='"year" is int64, neither text nor lists of words'):
        list(Parquet(path, text="year"))
    whole = path.read_bytes()
    for damaged in (whole[:-100], b"", b"not parquet", whole[:2000] + b"\xff" * 500 + whole[2500:]):
        path.write_bytes(damaged)
        with pytest.raises(CorpusError) as caught:
            list(Parquet(path, tags="id"))
        assert caught.value.url == str(path)
        assert "damaged" in caught.value.problem


def test_a_null_among_words_has_its_row(tmp_path):
    table = pa.table({"text": [["a"], [], ["b", None]]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match=r'row 2: a list of the column "text" has a null in it'):
        list(Parquet(tmp_path / "a.parquet"))

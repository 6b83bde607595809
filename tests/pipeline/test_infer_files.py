"""Vectors of documents that are not added: the stage infer, the command, and their file."""

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpora import CorpusError, JsonLines, LineSentence, Sentences, TaggedLineDocument
from corpora.errors import MillraceError
from pipeline import inferring, job
from pipeline.cli.commands import commands
from pipeline.cli.edge import run_command
from pipeline.cli.progress import Lines
from pipeline.core.passes import Plan
from pipeline.models.model import Model, ModelError
from pipeline.recipe.mistakes import RecipeError
from pipeline.recipe.recipe import parse
from pipeline.store.versions import Store
from pipeline.updates.read_alike import read_alike

TRAIN = """
store = "{root}/models"
cache = false
[engine]
workers = 1
[[stage]]
use = "{reader}"
url = "{corpus}"
[[stage]]
use = "lowercase"
[[stage]]
use = "shuffle"
[[stage]]
use = "build_vocab"
min_count = 1
[[stage]]
use = "{train}"
vector_size = 8
[[stage]]
use = "publish"
"""
INFER = """
store = "{root}/models"
[[stage]]
use = "load_latest"
[[stage]]
use = "json_lines"
url = "{root}/new.jsonl"
tags = "id"
[[stage]]
use = "infer"
to = "{root}/out.parquet"
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "old.txt").write_text("The mill turns\nthe race runs\n" * 20)
    (tmp_path / "new.txt").write_text("THE MILL runs\nnothing known here\n\nthe race turns\n")
    (tmp_path / "new.jsonl").write_text(
        '{"id": [7, 8], "text": "the mill"}\n{"id": 9, "text": "?"}\n'
    )
    return tmp_path


def train(root, reader="tagged_line_document", model="train_doc2vec", corpus=None, **values):
    corpus = corpus or f"{root}/old.txt"
    job.run(
        parse(TRAIN.format(root=root, reader=reader, train=model, corpus=corpus), **values),
        Lines(str),
    )
    return Store.open(f"{root}/models").latest()


def millrace(*arguments):
    return run_command(commands, list(map(str, arguments)))


def test_the_command_reads_as_the_recipe_did(root):
    version = train(root, corpus="${OLD}", environment={"OLD": f"{root}/old.txt"})
    assert millrace("infer", f"{root}/models", root / "new.txt", "--to", root / "a.parquet") == 0
    table = pq.read_table(root / "a.parquet")
    assert table.column_names == ["row", "tags", "vector", "known"]
    assert table["row"].to_pylist() == [0, 1, 2, 3]
    assert table["tags"].to_pylist() == [[f"new.txt:{n}"] for n in (1, 2, 3, 4)]
    assert table["known"].to_pylist() == [True, False, False, True]
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 8)
    # In lower case, as the model's own text was.
    model = Model.open(version.folder())
    texts = [["the", "mill", "runs"], ["nothing"], [], ["the", "race", "turns"]]
    expected = model.infer(texts, Plan(20))
    assert table["vector"].to_pylist() == expected.vectors.tolist()
    assert len(Store.open(f"{root}/models").versions()) == 1


def test_the_vectors_do_not_depend_on_the_workers(root):
    train(root)
    for workers in (1, 3):
        to = root / f"{workers}.parquet"
        assert (
            millrace(
                "infer", f"{root}/models@1", root / "new.txt", "--to", to, "--workers", workers
            )
            == 0
        )
    assert (root / "1.parquet").read_bytes() == (root / "3.parquet").read_bytes()


def test_the_stage_takes_any_reader(root):
    train(root)
    state = job.run(parse(INFER.format(root=root)), Lines(str))
    table = pq.read_table(root / "out.parquet")
    assert table["tags"].to_pylist() == [[7, 8], [9]]
    assert table["known"].to_pylist() == [True, False]
    assert state.version is None
    assert state.model.tags.size == 40


def test_another_recipe_says_how_to_read(root):
    train(root)
    (root / "how.toml").write_text(INFER.format(root=root))
    to = root / "b.parquet"
    assert (
        millrace(
            "infer", f"{root}/models", root / "new.jsonl", "--to", to, "--recipe", root / "how.toml"
        )
        == 0
    )
    assert pq.read_table(to)["tags"].to_pylist() == [[7, 8], [9]]


def test_nothing_half_written_stays(root, monkeypatch):
    train(root)
    model = Model.open(Store.open(f"{root}/models").latest().folder())
    (root / "bad.txt").write_bytes(b"the mill\n" * 100 + b"\xff\n")
    before = sorted(path.name for path in root.iterdir())
    with pytest.raises(CorpusError, match="not UTF-8"):
        inferring.infer_to(model, LineSentence(root / "bad.txt"), root / "out.parquet", Plan())
    assert sorted(path.name for path in root.iterdir()) == before


def test_a_file_that_is_there_is_replaced_whole(root):
    train(root)
    model = Model.open(Store.open(f"{root}/models").latest().folder())
    for lines in (["the"], ["the", "mill"]):
        inferring.infer_to(model, Sentences([lines] * len(lines)), root / "o.parquet", Plan())
    assert pq.read_table(root / "o.parquet").num_rows == 2
    assert inferring.infer_to(model, Sentences([]), root / "o.parquet", Plan()) == 0
    assert pq.read_table(root / "o.parquet").num_rows == 0


def test_it_may_be_written_to_any_address(root):
    train(root)
    model = Model.open(Store.open(f"{root}/models").latest().folder())
    inferring.infer_to(model, Sentences([["the"]]), "memory://vectors/o.parquet", Plan())
    with fsspec.open("memory://vectors/o.parquet") as file:
        assert pq.read_table(file)["known"].to_pylist() == [True]


def test_a_folder_that_is_not_there_ends_the_run_before_it_begins(root):
    with pytest.raises(CorpusError, match="nowhere can't be written"):
        job.run(parse(INFER.format(root=root).replace("out.", "nowhere/out.")), Lines(str))


def test_a_model_of_words_has_no_documents(root):
    train(root, reader="line_sentence", model="train_word2vec")
    model = Model.open(Store.open(f"{root}/models").latest().folder())
    with pytest.raises(ModelError, match="vectors of words only"):
        inferring.infer_to(model, Sentences([["the"]]), root / "o.parquet", Plan())
    assert not (root / "o.parquet").exists()


def test_long_documents_stay_whole_and_no_row_is_left_out(root):
    reader = TaggedLineDocument(root / "old.txt", max_document_length=2)
    corpus = read_alike(
        reader.lowercase().sample(0.1).take(3).filter(min_tokens=9), root / "new.txt"
    )
    assert next(document.words for document in corpus) == ["the", "mill"]
    whole = read_alike(reader.lowercase(), str(root / "new.txt"), max_document_length=None)
    assert len(list(whole)) == 4
    first, second = JsonLines(root / "a", text="body"), LineSentence(root / "b")
    assert read_alike(first + second, "c") == JsonLines("c", text="body")
    with pytest.raises(CorpusError, match="Sentences reads no files"):
        read_alike(Sentences([["a"]]), "c")


def test_a_version_that_forgot_needs_a_recipe(root):
    version = train(root)
    published = version.store.publish(
        Model.open(version.folder()).save, parent=1, recipe="# left out\n", ledger=version.ledger
    )
    from pipeline.infer_files import recipe_for

    with pytest.raises(MillraceError, match="give one that reads such files with --recipe"):
        recipe_for(published, None)


def test_a_name_that_says_another_format_is_refused(root, capsys):
    train(root)
    capsys.readouterr()
    to = root / "v.csv"
    assert millrace("infer", f"{root}/models", root / "new.txt", "--to", to) == 2
    assert (
        "v.csv: vectors are written as Parquet. To mend it: give a name" in capsys.readouterr().err
    )
    assert not to.exists()
    with pytest.raises(RecipeError, match=r"ends in \.parquet"):
        parse(INFER.format(root=root).replace("out.parquet", "v.csv"))

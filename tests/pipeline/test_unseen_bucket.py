"""new_only on an object store: a bucket that grows."""

import pytest
from servers import S3, SECRET

from corpora import LineSentence
from pipeline import job
from pipeline.cli.progress import Lines
from pipeline.planning.plan import planned
from pipeline.recipe.recipe import parse
from pipeline.store.versions import Store
from pipeline.updates.unseen import compared

RECIPE = """
store = "{root}/models"
cache = "{root}/cache"
[engine]
workers = 1
[[stage]]
use = "load_latest"
[[stage]]
use = "line_sentence"
url = "{url}"
storage_options = {options}
new_only = true
vanished = "forget"
[[stage]]
use = "lowercase"
[[stage]]
use = "build_vocab"
update = true
min_count = 1
[[stage]]
use = "train_word2vec"
vector_size = 8
[[stage]]
use = "publish"
"""


@pytest.fixture
def bucket(tmp_path):
    with S3.started(tmp_path / "s3") as started:
        yield started


def written(value):
    """Return a value as TOML has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {written(one)}" for key, one in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def test_a_bucket_that_grows(bucket, tmp_path):
    for name, text in (("1.txt", b"the mill turns\n"), ("2.txt", b"the race runs\n")):
        bucket.put(f"days/{name}", text)
    url, options = bucket.at("days/*.txt")
    ready = parse(RECIPE.format(root=tmp_path, url=url, options=written(options)))
    assert job.run(ready, Lines(str)).receipt.rows == 2
    assert job.run(ready, Lines(str)).version is None

    bucket.put("days/3.txt", b"the mill stands\n")
    bucket.put("days/2.txt", b"the race runs on and on\n")
    (reading,) = planned(ready).readings
    assert (reading.new.files, reading.changed.files, reading.known.files) == (1, 1, 1)
    assert reading.reads.bytes == 40
    assert job.run(ready, Lines(str)).receipt.rows == 2

    ledger = Store.open(f"{tmp_path}/models").latest().ledger
    other = LineSentence(url.replace("*", "[12]"), storage_options=options, new_only=True)
    assert compared(other, ledger).vanished == ()
    assert len(ledger.vanished([])) == 3
    assert SECRET not in str(ledger.table.to_pydict())

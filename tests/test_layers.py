"""The layers: a module imports only from earlier ones. The graph is derived from the source."""

import ast
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Earlier first. A module belongs to the first pattern that it matches; modules of one line may
# import each other (a cycle is refused all the same). A package's __init__ is only a shop window:
# the modules of the package don't look at it.
LAYERS = """\
corpora.errors
corpora.old_names
corpora.declared
corpora.registry
corpora.part
corpora.sources.members
corpora.sources.codecs
corpora.sources.readahead
corpora.sources.byte_stream
corpora.sources.address
corpora.sources.retry
corpora.sources.fingerprint
corpora.sources.filesystems
corpora.sources.seekable
corpora.sources.ranges
corpora.sources.archives
corpora.sources.stored
corpora.sources.archived
corpora.sources.source
corpora.sources.open_file
corpora.sources.folders
corpora.sources.covered
corpora._tokens
corpora.tokens.isa
corpora.tokens.buffers
corpora.rows.tag_kinds
corpora.tokens.interner
corpora.tokens.pairs
corpora.tokens.decoding
corpora.tokens.lines
corpora.tokens.units
corpora.tokens.side_by_side
corpora.tokens.token_batches
corpora.rows.tagged_document
corpora.rows.draws
corpora.rows.columns
corpora.rows.cut_rows
corpora.rows.row_builder
corpora.rows.tag_names
corpora.rows.table_rows
corpora.rows.brown_lines
corpora.transform
corpora.phrase_files
corpora.phrases
corpora.transforms.*
corpora.mapping
corpora.corpus
corpora.reader
corpora.table_reader
corpora.readers.*
corpora.shards.encoder
corpora.shards.shard_set
corpora.shards.token_shard
corpora.shards.cached
corpora.shards.cut
corpora.shards.first_pass
corpora.shards.streamed
corpora.shards.encode
corpora.shards
corpora
corpora.sources corpora.tokens corpora.rows corpora.readers corpora.transforms
pipeline._train
pipeline.core.batch
pipeline.core.kernels
pipeline.words.sorted_runs
pipeline.words.counting
pipeline.words.key_index
pipeline.words.admission
pipeline.words.vocabulary
pipeline.words.fading
pipeline.core.settings
pipeline.core.row_file
pipeline.core.weights
pipeline.core.tree
pipeline.words.tags
pipeline.words.tag_checks
pipeline.core.passes
pipeline.core.checkpoint
pipeline.core.replay
pipeline.core.training pipeline.core.inference
pipeline.core.callbacks
pipeline.vectors.arrow_plain
pipeline.vectors.keys pipeline.vectors.rows pipeline.vectors.blas
pipeline.vectors.search pipeline.vectors.attributes
pipeline.vectors.keyed
pipeline.vectors.compared
pipeline.vectors.searched
pipeline.vectors.errors pipeline.vectors.correlation
pipeline.vectors.files
pipeline.vectors.judged pipeline.vectors.mover pipeline.vectors.approximate
pipeline.vectors.word2vec_bytes
pipeline.vectors.word2vec_text pipeline.vectors.word2vec_binary
pipeline.vectors.word2vec_read pipeline.vectors.word2vec_write
pipeline.vectors.arrow_file
pipeline.vectors.export
pipeline.vectors
pipeline.phrases.scores pipeline.phrases.finder pipeline.phrases.joining
pipeline.phrases.counting
pipeline.phrases.counts
pipeline.phrases.vocab pipeline.phrases.text pipeline.phrases.stored
pipeline.phrases.frozen
pipeline.phrases.model pipeline.phrases.joined
pipeline.phrases
pipeline.old_shapes
pipeline.old_names
pipeline.models.keyed_vectors
pipeline.models.zip_members
pipeline.models.model_files
pipeline.models.model
pipeline.models.bundle
pipeline.models.parameters pipeline.models.given pipeline.models.scan pipeline.models.memory
pipeline.models.answers pipeline.models.word_paths
pipeline.models.reporting pipeline.models.lifecycle
pipeline.models.preparing
pipeline.models.face
pipeline.models.saved
pipeline.models.word2vec
pipeline.models.*
pipeline.store.errors
pipeline.store.source_names
pipeline.store.manifest pipeline.store.ledger
pipeline.store.durable
pipeline.store.local
pipeline.store.storage
pipeline.store.versions
pipeline.store.left_runs
pipeline.store.collect pipeline.store.shards
pipeline.updates.cut_out
pipeline.updates.compacting
pipeline.updates.forget
pipeline.store.forgetting pipeline.store.diff
pipeline.stage
pipeline.updates.unseen
pipeline.updates.read_alike
pipeline.stage_unread
pipeline.stage_corpus
pipeline.evaluation.measures pipeline.evaluation.held_out
pipeline.evaluation.gates pipeline.inferring
pipeline.run_key
pipeline.updates.old_text pipeline.updates.anchor pipeline.updates.align
pipeline.updates.first_vectors pipeline.updates.row_rates
pipeline.updates.known_documents
pipeline.stage_update
pipeline.stage_training
pipeline.stages.*
pipeline.engine
pipeline.engines.*
pipeline.recipe.mistakes pipeline.recipe.variables pipeline.recipe.names
pipeline.recipe.validation
pipeline.recipe.order
pipeline.recipe.recipe
pipeline.recipe.same_text
pipeline.recipe.schema
pipeline.job
pipeline.cli.progress
pipeline pipeline.models pipeline.stages pipeline.engines pipeline.store pipeline.recipe
pipeline.evaluation pipeline.planning pipeline.cli pipeline.core pipeline.words pipeline.updates
pipeline.exporting
pipeline.planning.outlook
pipeline.planning.plan pipeline.infer_files
pipeline.planning.told
pipeline.cli.edge pipeline.cli.results
pipeline.cli.shown
pipeline.cli.models pipeline.cli.store pipeline.cli.plan
pipeline.cli.commands
""".splitlines()


COMPILED = {"corpora._tokens", "pipeline._train"}


def layer(module):
    for number, patterns in enumerate(LAYERS):
        if any(fnmatch(module, pattern) for pattern in patterns.split()):
            return number
    return None


def modules(root, packages=("corpora", "pipeline")):
    """Every module's name and file."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module, path, known):
    """The modules among `known` that the source at `path` imports, wherever in it they stand."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(
                [*(base if node.level else []), *([node.module] if node.module else [])]
            )
            # `from a import b` takes the module a.b if there is one, and else a name out of a.
            names = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
                for alias in node.names
            ]
        else:
            continue
        for name in names:
            parents = (name.rsplit(".", up)[0] for up in range(name.count(".") + 1))
            found.add(next((parent for parent in parents if parent in known), module))
    found.discard(module)
    return found


def broken(root):
    """What breaks the layers in the tree at `root`, a line for each."""
    found = modules(root)
    known = found.keys() | COMPILED
    graph = {module: imports(module, path, known) for module, path in found.items()}
    wrong = [f"{module} has no layer" for module in graph if layer(module) is None]
    for module, used in graph.items():
        for other in sorted(used):
            at, there = layer(module), layer(other)
            if at is not None and there is not None and there > at:
                wrong.append(f"{module} imports {other}, of a later layer")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        wrong.append("a cycle: " + " -> ".join(error.args[1]))
    return wrong


def test_the_layers_hold():
    assert "\n".join(broken(ROOT)) == ""


def tree(root, **sources):
    for name, source in sources.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"corpora__errors": "", "pipeline__store__versions": "from corpora.errors import X"}, []),
        (
            {
                "corpora__sources__source": "import pipeline.store.versions",
                "pipeline__store__versions": "",
            },
            ["corpora.sources.source imports pipeline.store.versions, of a later layer"],
        ),
        (
            {
                "pipeline__store__versions": "def f():\n    from pipeline.cli import commands",
                "pipeline__cli__commands": "",
            },
            ["pipeline.store.versions imports pipeline.cli.commands, of a later layer"],
        ),
        (
            {
                "pipeline__words__vocabulary": "from ..core.training import train",
                "pipeline__core__training": "",
            },
            ["pipeline.words.vocabulary imports pipeline.core.training, of a later layer"],
        ),
        (
            {
                "corpora__readers__a": "from corpora.readers.b import B",
                "corpora__readers__b": "from corpora.readers import a",
            },
            ["a cycle: corpora.readers.a -> corpora.readers.b -> corpora.readers.a"],
        ),
        ({"pipeline__helpers": ""}, ["pipeline.helpers has no layer"]),
    ],
)
def test_it_can_fail(tmp_path, sources, expected):
    found = broken(tree(tmp_path, **sources))
    if expected and expected[0].startswith("a cycle"):
        assert len(found) == 1
        assert found[0].startswith("a cycle: ")
    else:
        assert found == expected

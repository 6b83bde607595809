"""Doc2Vec under its known names: every mode learns, grows, is saved, and infers."""

import numpy as np
import pyarrow as pa
import pytest

from corpora import Documents, LineSentence, Sentences, TaggedDocument, TaggedLineDocument
from pipeline import Doc2Vec, Word2Vec
from pipeline.core.weights import Weights
from pipeline.models.model import Model, ModelError
from pipeline.words.tags import TagError

TOPICS = [[f"{topic}{k}" for k in range(8)] for topic in "ab"]
PLAIN = [f"n{k}" for k in range(8)]
MODES = {
    "dbow": {"dm": 0},
    "dbow with words": {"dm": 0, "dbow_words": 1},
    "dm mean": {"dm": 1},
    "dm exact": {"dm": 1, "exact_gradient": True},
    "dm sum": {"dm": 1, "dm_mean": 0},
    "dm concat": {"dm": 1, "dm_concat": 1, "window": 2},
}
OUTPUTS = {
    "noise": {},
    "tree": {"hs": 1, "negative": 0},
    "both": {"hs": 1, "negative": 3},
}


def texts(n=60, words=40, seed=1):
    """Four words of five say nothing of the topic, so that a word's neighbours don't tell it."""
    rng = np.random.default_rng(seed)
    plain = rng.random((n, words)) < 0.8
    made = ((rng.choice(PLAIN, words), rng.choice(TOPICS[k % 2], words)) for k in range(n))
    return [
        [str(word) for word in np.where(mask, *pair)]
        for mask, pair in zip(plain, made, strict=True)
    ]


def documents(first=0, n=60, **more):
    named = enumerate(texts(n, **more), first)
    return [TaggedDocument(words, [f"{'ab'[k % 2]}-{k}"]) for k, words in named]


def made(given=None, **changes):
    how = {"vector_size": 16, "window": 3, "min_count": 1, "workers": 1, "sample": 0, "epochs": 40}
    return Doc2Vec(given, **{"alpha": 0.05, **how, **changes})


def apart(vectors, kinds):
    """How much nearer, by cosine, vectors are to those of their own kind than to the others."""
    unit = vectors - vectors.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    same = np.equal.outer(kinds, kinds)
    cosines = unit @ unit.T
    return cosines[same].mean() - cosines[~same].mean()


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_tells_the_topics_apart(mode, output, tmp_path):
    model = made(documents(), **MODES[mode], **OUTPUTS[output])
    kinds = [tag[0] for tag in model.dv]
    assert model.dv.vectors.shape == (60, 16)
    assert apart(model.dv.vectors, kinds) > 0.4
    new = texts(20, seed=2)
    inferred = model.infer_vectors(new)
    assert inferred.shape == (20, 16)
    assert apart(np.vstack([model.dv.vectors, inferred]), [*kinds, *"ab" * 10]) > 0.3
    np.testing.assert_array_equal(inferred[3], model.infer_vector(new[3]))
    held = model._known()
    held.save(tmp_path)
    again = Model.open(tmp_path)
    found = again.infer(new, model.plan)
    np.testing.assert_array_equal(found.vectors, inferred)
    assert found.known.all()
    assert not isinstance(again._weights, Weights)  # the documents are mapped still
    assert again.settings == model.settings
    assert again.keyed_documents.most_similar("a-0") == model.dv.most_similar("a-0")
    for name in ("input", "output", "nodes", "tags"):
        one, other = getattr(held.weights, name), getattr(again.weights, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(again.infer(new, model.plan).vectors, inferred)


@pytest.mark.parametrize("mode", MODES)
def test_growing_keeps_every_row_and_place(mode):
    model = made(documents(), **MODES[mode], hs=1)
    tags, words = list(model.dv), list(model.wv)
    before = model.dv.vectors.copy(), model.wv.vectors.copy()
    paths = model._known().tree.leaves.copy()
    words_of_it = ["a0", "new", "words"] * 5
    later = [TaggedDocument(words_of_it, [tag]) for tag in ("fresh", "a-2")] * 3
    model.build_vocab(later, update=True)
    assert list(model.dv) == [*tags, "fresh"]
    assert list(model.wv) == [*words, "new", "words"]
    np.testing.assert_array_equal(model.dv.vectors[:60], before[0])
    np.testing.assert_array_equal(model.wv.vectors[: len(words)], before[1])
    np.testing.assert_array_equal(model._known().tree.leaves[: len(words)] // 2, paths // 2)
    start = model.dv["fresh"].copy()
    model.train(later)
    assert np.isfinite(model.dv.vectors).all()
    untouched = [row for row, tag in enumerate(tags) if tag != "a-2"]
    np.testing.assert_array_equal(model.dv.vectors[untouched], before[0][untouched])
    assert (model.dv["fresh"] != start).any()
    assert (model.dv["a-2"] != before[0][tags.index("a-2")]).any()
    assert model._known().tags.counts[tags.index("a-2")] == 4


def test_growing_is_not_needed_in_one_go_and_many():
    steps = made(dm=0)
    steps.build_vocab(documents(0, 30))
    steps.build_vocab(documents(30, 30), update=True)
    assert list(steps.dv) == [d.tags[0] for d in documents()][:30] + [
        d.tags[0] for d in documents(30, 30)
    ]
    at_once = made(dm=0)
    at_once.build_vocab(documents(0, 30) + documents(30, 30))
    np.testing.assert_array_equal(steps.dv.vectors, at_once.dv.vectors)


@pytest.mark.parametrize("mode", MODES)
def test_one_worker_gives_the_same_bits(mode):
    one, other = (made(documents(), **MODES[mode], epochs=3) for _ in range(2))
    np.testing.assert_array_equal(one.dv.vectors, other.dv.vectors)
    np.testing.assert_array_equal(one.wv.vectors, other.wv.vectors)


@pytest.mark.parametrize("mode", MODES)
def test_several_workers(mode):
    many = documents(n=4000)  # three units of work
    alone, together = (made(many, **MODES[mode], workers=n, epochs=6) for n in (1, 3))
    kinds = [tag[0] for tag in alone.dv]
    assert apart(together.dv.vectors, kinds) > 0.8 * apart(alone.dv.vectors, kinds) > 0.1
    assert together.receipt.rows == 4000


def test_a_file_and_a_list_give_the_same(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(" ".join(words) + "\n" for words in texts()))
    listed = [TaggedDocument(words, [k]) for k, words in enumerate(texts())]
    from_list, from_file = made(listed), made(TaggedLineDocument(path, tags="line"))
    np.testing.assert_array_equal(from_list.dv.vectors, from_file.dv.vectors)


def test_whole_numbers_as_tags():
    listed = [TaggedDocument(words, [1000 - k]) for k, words in enumerate(texts())]
    model = made(listed, dm=0)
    assert list(model.dv)[:3] == [1000, 999, 998]
    assert 1000 in model.dv
    assert 0 not in model.dv
    assert "1000" not in model.dv
    np.testing.assert_array_equal(model.dv[998], model.dv.vectors[2])
    np.testing.assert_array_equal(model.dv[np.int64(998)], model.dv.vectors[2])
    with pytest.raises(KeyError, match="0 is not among the 60 keys"):
        model.dv[0]
    near = model.dv.most_similar(1000, topn=20)
    assert all(isinstance(tag, int) and tag % 2 == 0 for tag, _ in near)
    assert model.dv.doesnt_match([1000, 998, 997, 996]) == 997


def test_strings_and_numbers_as_tags():
    few = texts()
    listed = [TaggedDocument(few[0], ["7"]), TaggedDocument(few[1], [7]), TaggedDocument([], [9])]
    model = made(listed, dm=0)
    assert list(model.dv) == ["7", 7, 9]
    assert (model.dv["7"] != model.dv[7]).any()
    assert model.dv.most_similar("7", topn=5)[0][0] in (7, 9)
    with pytest.raises(KeyError):
        model.dv[0]


def test_several_tags_and_tags_that_are_shared():
    listed = [
        TaggedDocument(words, [f"own {k}", "ab"[k % 2], "all"]) for k, words in enumerate(texts())
    ]
    for mode in ({"dm": 0}, {"dm": 1}):
        model = made(listed, **mode)
        assert len(model.dv) == 63
        assert np.linalg.norm(model.dv.vectors, axis=1).min() > 0.3
        near = [[tag for tag, _ in model.dv.most_similar(k, topn=40)] for k in "ab"]
        assert sum(tag.startswith("own") for tag in near[0]) > 30
        own = [[int(tag[4:]) % 2 for tag in some if tag.startswith("own")] for some in near]
        assert np.mean(own[0]) < 0.5 < np.mean(own[1])


def test_documents_that_are_empty_short_unknown_or_without_tags():
    odd = [([], ["empty"]), (["a0"], ["one"]), (["hapax"], ["unknown"]), (["a1"] * 9, [])]
    listed = [*documents(), *(TaggedDocument(*pair) for pair in odd)]
    for mode in MODES.values():
        if mode.get("dm_concat"):
            continue
        model = made(listed, **mode, min_count=2)
        assert {"empty", "one", "unknown"} <= set(model.dv)
        start = Model.fresh(model._known().vocabulary, model.settings, 1, model._known().tags)
        for tag in ("empty", "unknown"):
            np.testing.assert_array_equal(model.dv[tag], start.keyed_documents[tag])
        assert np.isfinite(model.dv.vectors).all()


def test_a_long_document_is_cut_under_one_tag():
    words = [str(word) for word in np.random.default_rng(1).choice(TOPICS[0], 25_000)]
    model = made([TaggedDocument(words, ["long"]), *documents()], dm=0, epochs=2)
    assert (model.receipt.split, model.receipt.rows) == (2, 63)
    assert model.receipt.epochs[0].trained == 25_000 + 60 * 40
    assert model._known().tags.counts[0] == 3


def test_inference_is_a_function_of_the_text(tmp_path):
    model = made(documents(), dm=0, workers=3)
    new = texts(150, seed=3)
    whole = model.infer_vectors(new)
    np.testing.assert_array_equal(whole, model.infer_vectors(new))
    np.testing.assert_array_equal(whole[::-1], model.infer_vectors(new[::-1]))
    path = tmp_path / "new.txt"
    path.write_text("".join(" ".join(words) + "\n" for words in new))
    np.testing.assert_array_equal(whole, model.infer_vectors(LineSentence(path)))
    arrow = pa.array(new, pa.list_(pa.string()))
    np.testing.assert_array_equal(whole, model._known().infer(arrow, model.plan).vectors)
    odd = model.infer_vectors([["nobody", "knows"], [], new[0] + ["nobody"]])
    assert not odd[:2].any()
    np.testing.assert_array_equal(odd[2], whole[0])
    found = model._known().infer([["nobody"], new[0]], model.plan)
    assert found.known.tolist() == [False, True]
    assert (model.infer_vector(new[0], epochs=3) != whole[0]).any()
    assert model.infer_vectors([]).shape == (0, 16)
    before = model.dv.vectors.copy()
    model.infer_vectors(new)
    np.testing.assert_array_equal(model.dv.vectors, before)


def test_inference_refuses(tmp_path):
    model = made(documents(), dm=0)
    with pytest.raises(TypeError, match="split it first"):
        model.infer_vector("one string")
    with pytest.raises(TypeError, match="lists of words, which are strings"):
        model.infer_vector([1, 2])
    long = Documents([TaggedDocument(["a0"] * 30, [])], max_document_length=10)
    with pytest.raises(ModelError, match="max_document_length"):
        model.infer_vectors(long)
    with pytest.raises(ValueError, match="alpha must not rise"):
        model.infer_vector(["a0"], alpha=0.01, min_alpha=0.1)
    words = Word2Vec(texts(), vector_size=4, min_count=1, workers=1)
    with pytest.raises(ModelError, match="train_doc2vec"):
        words._known().infer([["a0"]], words.plan)


def test_what_is_refused():
    with pytest.raises(TagError, match="no tags"):
        made(Sentences(texts()), dm=0)
    model = made(documents(), dm=0)
    with pytest.raises(TagError, match="update=True"):
        model.train([TaggedDocument(["a0"], ["stranger"])])
    with pytest.raises(TagError, match="row 60: it has 2 tags"):
        made([*documents(), TaggedDocument(["a0"], ["x", "y"])], dm_concat=1)
    with pytest.raises(ValueError, match="tag_count"):
        made(dm_concat=1, dm_tag_count=0)
    assert len(made().dv) == 0


def test_concatenation_with_two_tags():
    listed = [TaggedDocument(words, [k, 1000 + k // 30]) for k, words in enumerate(texts())]
    model = made(listed, dm_concat=1, dm_tag_count=2, window=2)
    assert model.settings.blocks == 6
    own = [k for k, tag in enumerate(model.dv) if tag < 1000]
    assert apart(model.dv.vectors[own], ["ab"[k % 2] for k in range(60)]) > 0.3


def test_what_dm_mean_means():
    mean, default, total = (made(dm_mean=value).settings.join for value in (1, None, 0))
    assert (mean, default, total) == ("mean", "mean", "sum")


def test_words_stay_as_they_were_without_dbow_words():
    model = made(documents(), dm=0)
    fresh = Model.fresh(model._known().vocabulary, model.settings, 1, model._known().tags)
    np.testing.assert_array_equal(model.wv.vectors, fresh.vectors)
    trained = made(documents(), dm=0, dbow_words=1)
    assert apart(trained.wv.vectors, [word[0] for word in trained.wv]) > 0.2


def test_many_tags_make_no_python_objects():
    model = made(documents(), dm=0)
    assert "a-0" in model.dv
    model.dv.most_similar("a-0")
    _ = model.dv[["a-0", "b-1"]]
    assert "index_to_key" not in vars(model.dv)
    assert "key_to_index" not in vars(model.dv)
    assert model.dv.key_to_index["a-4"] == 4

"""The models' names of gensim 2.x, and of later versions that have them no more: what they are now.

Each works, and warns once with today's spelling; `corpora/old_names.py` says how, and has those of
the readers. `docs/gensim.md` shows this table.
"""

from corpora.old_names import Instead, Table
from pipeline.old_shapes import (
    Doctag,
    Vocab,
    VocabView,
    accuracy,
    doctags,
    drop_training_data,
    estimated_lookup_memory,
    evaluate_word_pairs,
    indexed_doctags,
    init_sims,
    log_accuracy,
    log_evaluate_word_pairs,
    max_rawint,
    scale_vocab,
    seeded_vector,
    similarity_unseen_docs,
    string_tags,
    word_vec,
)

LENGTHS = "fill_norms(), for lengths, or unit_normalize_all(), for what was replace=True,"
QUIET = "warnings.filterwarnings('ignore', category=DeprecationWarning)"
PAIR = "train() or score(), which do it for whole corpora at once"

KEYED_VECTORS: Table = {
    "index2entity": "index_to_key",
    "index2word": "index_to_key",
    "syn0": "vectors",
    "syn0_lockf": "vectors_lockf",
    "syn0norm": Instead("get_normed_vectors()", lambda wv: wv.get_normed_vectors()),
    "vectors_norm": Instead("get_normed_vectors()", lambda wv: wv.get_normed_vectors()),
    "vocab": Instead('key_to_index, with get_vecattr(word, "count")', VocabView),
    "wv": Instead("these vectors themselves", lambda wv: wv),
    "accuracy()": Instead("evaluate_word_analogies()", accuracy),
    "add()": "add_vectors",
    "get_keras_embedding()": Instead(
        "keras_embedding()",
        lambda wv, train_embeddings=False: wv.keras_embedding(0, trainable=train_embeddings)[0],
    ),
    "init_sims()": Instead(LENGTHS, init_sims),
    "log_accuracy()": Instead("what evaluate_word_analogies() returns", log_accuracy, True),
    "log_evaluate_word_pairs()": Instead(
        "what evaluate_word_pairs() returns", log_evaluate_word_pairs, True
    ),
    "similar_by_entity()": "similar_by_key",
    "word_vec()": Instead("get_vector()", word_vec),
    "words_closer_than()": "closer_than",
    # DocvecsArray's
    "count": Instead("len(dv)", len),
    "doctag_syn0": "vectors",
    "doctag_syn0_lockf": "vectors_lockf",
    "doctag_syn0norm": Instead("get_normed_vectors()", lambda dv: dv.get_normed_vectors()),
    "doctags": Instead('key_to_index, with get_vecattr(tag, "doc_count")', doctags),
    "max_rawint": Instead("max(index_to_key)", max_rawint),
    "offset2doctag": Instead("index_to_key", string_tags),
    "vectors_docs": "vectors",
    "vectors_docs_lockf": "vectors_lockf",
    "vectors_docs_norm": Instead("get_normed_vectors()", lambda dv: dv.get_normed_vectors()),
    "borrow_from()": Instead("reset_from(other_model), a model's method"),
    "clear_sims()": Instead("fill_norms(force=True)", lambda dv: dv.fill_norms(force=True)),
    "estimated_lookup_memory()": Instead(
        "estimated_lookup_memory(), a model's method", estimated_lookup_memory
    ),
    "index_to_doctag()": Instead("index_to_key[index]", lambda dv, index: dv.index_to_key[index]),
    "indexed_doctags()": Instead("get_index(tag) and vectors", indexed_doctags),
    "note_doctag()": Instead("build_vocab(), which notes the tags of a whole corpus"),
    "reset_weights()": Instead("init_weights(), a model's method"),
    "similarity_unseen_docs()": Instead(
        "similarity_unseen_docs(), a model's method", similarity_unseen_docs
    ),
    "trained_item()": Instead("nothing: training writes to vectors", lambda *_: None),
}

MODEL: Table = {
    "__init__(iter=)": "epochs",
    "__init__(size=)": "vector_size",
    "build_vocab(sentences=)": "corpus_iterable",
    "scan_vocab(sentences=)": "corpus_iterable",
    "train(sentences=)": "corpus_iterable",
    "index2word": "wv.index_to_key",
    "iter": "epochs",
    "keyed_vector_warnings": Instead(QUIET, lambda _: True),
    "syn0": "wv.vectors",
    "syn0_lockf": "wv.vectors_lockf",
    "syn0norm": Instead("wv.get_normed_vectors()", lambda model: model.wv.get_normed_vectors()),
    "vocab": Instead(
        'wv.key_to_index, with wv.get_vecattr(word, "count")',
        lambda model: VocabView(model.wv),
    ),
    "__contains__()": Instead("key in wv", lambda model, key: key in model.wv),
    "__getitem__()": Instead("wv[key]", lambda model, key: model.wv[key]),
    "accuracy()": Instead(
        "wv.evaluate_word_analogies()",
        lambda model, *args, **given: accuracy(model.wv, *args, **given),
    ),
    "delete_temporary_training_data()": Instead(
        "nothing: to free memory keep wv and dv, and let go of the model", drop_training_data
    ),
    "disable_keyed_vectors_warnings()": Instead(QUIET, lambda _: None, True),
    "doesnt_match()": "wv.doesnt_match",
    "enable_keyed_vectors_warnings()": Instead(QUIET, lambda _: None, True),
    "evaluate_word_pairs()": Instead(
        "wv.evaluate_word_pairs()",
        lambda model, *args, **given: evaluate_word_pairs(model.wv, *args, **given),
    ),
    "finalize_vocab()": "prepare_weights",
    "init_sims()": Instead(
        f"wv.{LENGTHS}", lambda model, replace=False: init_sims(model.wv, replace)
    ),
    "intersect_word2vec_format()": "wv.intersect_word2vec_format",
    "load_word2vec_format()": "pipeline:KeyedVectors.load_word2vec_format",
    "log_accuracy()": Instead("what wv.evaluate_word_analogies() returns", log_accuracy, True),
    "log_evaluate_word_pairs()": Instead(
        "what wv.evaluate_word_pairs() returns", log_evaluate_word_pairs, True
    ),
    "most_similar()": "wv.most_similar",
    "most_similar_cosmul()": "wv.most_similar_cosmul",
    "n_similarity()": "wv.n_similarity",
    "reset_weights()": "init_weights",
    "save_word2vec_format()": "wv.save_word2vec_format",
    "scale_vocab()": Instead("prepare_vocab() and estimate_memory()", scale_vocab),
    "seeded_vector()": Instead("numpy.random.default_rng(seed)", seeded_vector),
    "similar_by_vector()": "wv.similar_by_vector",
    "similar_by_word()": "wv.similar_by_word",
    "similarity()": "wv.similarity",
    "sort_vocab()": Instead("nothing: build_vocab() sorts the words", lambda _: None),
    "wmdistance()": "wv.wmdistance",
}

DOC2VEC: Table = {  # beside those of MODEL, which Doc2Vec inherits
    "__init__(iter=)": "epochs",
    "__init__(size=)": "vector_size",
    "__init__(docvecs=)": "dv",
    "__init__(docvecs_mapfile=)": "dv_mapfile",
    "build_vocab(documents=)": "corpus_iterable",
    "infer_vector(steps=)": "epochs",
    "scan_vocab(documents=)": "corpus_iterable",
    "train(documents=)": "corpus_iterable",
    "docvecs": "dv",
}

PIPELINE: Table = {  # what is imported from the package
    "Doc2VecKeyedVectors": "pipeline:KeyedVectors",
    "Doctag": Instead('dv.get_vecattr(tag, "doc_count")', lambda: Doctag),
    "DocvecsArray": "pipeline:KeyedVectors",
    "Vocab": Instead('wv.get_vecattr(word, "count")', lambda: Vocab),
    "Word2VecKeyedVectors": "pipeline:KeyedVectors",
    "score_cbow_pair": Instead(PAIR),
    "score_sg_pair": Instead(PAIR),
    "train_cbow_pair": Instead(PAIR),
    "train_sg_pair": Instead(PAIR),
}

"""How much memory a model takes, by the peers' rule of thumb."""

FLOAT = 4  # bytes
WORD, WORD_IN_TREE = 500, 700  # bytes that the peers reckon a word with its bookkeeping takes
TAG = 200


def of_words(
    words: int, vector_size: int, layer1_size: int, *, hs: bool, negative: bool
) -> dict[str, int]:
    """Return bytes by part: "vocab", "vectors", "syn1" (tree), "syn1neg" (noise).

    vectors: words x vector_size float32; syn1, syn1neg: words x layer1_size. What the words
    themselves take is the peers' figure; here it is some 40 bytes and their letters.

    >>> of_words(1000, 100, 100, hs=False, negative=True)
    {'vocab': 500000, 'vectors': 400000, 'syn1neg': 400000}
    """
    parts = {
        "vocab": words * (WORD_IN_TREE if hs else WORD),
        "vectors": words * vector_size * FLOAT,
    }
    wide = words * layer1_size * FLOAT
    return parts | ({"syn1": wide} if hs else {}) | ({"syn1neg": wide} if negative else {})


def of_tags(tags: int, vector_size: int) -> dict[str, int]:
    """Return bytes by part: "doctag_lookup" (the peers' figure) and "doctag_syn0" (float32).

    >>> of_tags(10, 100)
    {'doctag_lookup': 2000, 'doctag_syn0': 4000}
    """
    return {"doctag_lookup": tags * TAG, "doctag_syn0": tags * vector_size * FLOAT}

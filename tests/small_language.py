"""A small language: sentences from which king - man + woman = queen can be learnt."""

import random

# Words with what they have in common: each word stands beside markers of its traits.
TRAITS = {
    "man": "male adult", "woman": "female adult", "king": "male royal", "queen": "female royal",
    "boy": "male young", "girl": "female young", "father": "male parent",
    "mother": "female parent", "he": "male subject", "she": "female subject",
    "his": "male owner", "her": "female owner",
    "big": "size plain", "bigger": "size more", "bad": "worth plain", "worse": "worth more",
    "going": "walk now", "went": "walk past", "being": "live now", "was": "live past",
    "breakfast": "meal meal", "dinner": "meal meal", "lunch": "meal meal", "cereal": "grain grain",
    "green": "colour colour", "blue": "colour colour", "red": "colour colour",
    "zebra": "beast beast", "elephant": "beast beast",
    "one": "number number", "two": "number number", "three": "number number",
    "computer": "machine machine", "code": "machine machine",
}  # fmt: skip
FRAME = ["the", "the", "the", "of", "of", "and"]


def sentences(count=4_000, seed=1, padding=0):
    """Lists of words: one with its markers each, among the frame's words.

    padding: how many words that mean nothing stand at either end, for text without sentences.
    """
    rng = random.Random(seed)
    words = list(TRAITS)
    made = []
    for _ in range(count):
        word = rng.choice(words)
        markers = [f"{trait}{rng.randrange(3)}" for trait in TRAITS[word].split() for _ in range(2)]
        row = [word, *markers, *rng.sample(FRAME, 3)]
        rng.shuffle(row)
        ends = [[f"noise{rng.randrange(400)}" for _ in range(padding)] for _ in range(2)]
        made.append([*ends[0], *row, *ends[1]])
    return made


def running_text(count=4_000, seed=1):
    """One long text, as text8 is."""
    return " " + " ".join(word for row in sentences(count, seed, padding=3) for word in row)

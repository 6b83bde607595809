"""The NumPy twin of the training core: slow, readable, in double precision; the tests' oracle.

Written from the definitions (csrc/train/train.h and the papers named in csrc/train), not from the
core's code paths: no blocks, no vectors, one window after the other, with the same draws.

The model in a paragraph. Every word of a text in turn is the centre that is predicted, by rows X:
its context words (rows of `input`), its document's tags (rows of `tags`), or both. What says
whether it was predicted are rows W with labels: with negative sampling the centre's own row of
`output` (label 1) and some noise words' (label 0); with hierarchical softmax the inner nodes on
the way to its leaf of the Huffman tree (label 1 where the way turns to code 0). The loss of x and
w is -log sigma(x w) for label 1 and -log sigma(-x w) for label 0; each step goes down its slope,
g = alpha (label - sigma(x w)): x += g w, w += g x.

Pair methods (skip_gram, dbow, dbow_words) take such a step for each row of X; hidden methods (cbow,
dm) make one hidden vector h of all of them: their mean, their sum, or one beside the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
KEEP, WINDOW, NOISE, WEIGHTS, TAG_WEIGHTS = 1, 2, 3, 4, 5  # what a row's streams are for
PLACES = 2  # places of a text that are walked at once
STEP = 4  # rows of X whose slopes are taken together


def mix(z: int) -> int:
    z &= MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def stream(seed: int, epoch: int, row: int, purpose: int) -> int:
    h = mix(seed + GOLDEN)
    h = mix(h + epoch * GOLDEN + 1)
    return mix(h + row * GOLDEN + purpose)


def draw(of: int, i: int) -> int:
    return mix(of + (i + 1) * GOLDEN)


def below(r: int, n: int) -> int:
    return ((r >> 32) * n) >> 32


def initial(row: int, dim: int, seed: int, purpose: int = WEIGHTS) -> np.ndarray:
    s = stream(seed, 0, row, purpose)
    return np.array([((draw(s, k) >> 40) - 2**23) / 2**23 / dim for k in range(dim)])


def noise_word(r: int, table: np.ndarray) -> int:
    column = below(r, len(table))
    entry = int(table[column])
    return column if (r & 0xFFFFFFFF) < (entry & 0xFFFFFFFF) else entry >> 32


class Row(NamedTuple):
    """A row of X: where it lies, and the factor of its learning rate (0: frozen)."""

    matrix: np.ndarray
    at: int
    rate: float

    def learn(self, change: np.ndarray) -> None:
        if self.rate != 0:
            self.matrix[self.at] += self.rate * change


class Output(NamedTuple):
    """A row of W: of `output` or of `nodes`, and the factor of its learning rate (0: frozen)."""

    matrix: np.ndarray
    at: int
    label: int
    rate: float


class Centre(NamedTuple):
    """A word that is predicted, with all that the step needs to know of it."""

    word: int
    i: int  # its place in the text
    step: int  # the step of the walk that it is in, whose centres may share their noise
    rows: list[Row | None]  # X; None is an empty slot of a concatenation
    alpha: float


@dataclass
class Twin:
    """Names and shapes as in train.h, without padding; matrices are float64, trained in place.

    With join="concat" a row of `output` or `nodes` has (tag_slots + 2 * window) * dim columns.
    """

    input: np.ndarray
    output: np.ndarray | None = None
    nodes: np.ndarray | None = None
    tags: np.ndarray | None = None
    input_rates: np.ndarray | None = None
    tag_rates: np.ndarray | None = None
    output_rates: np.ndarray | None = None
    node_rates: np.ndarray | None = None
    keep: np.ndarray | None = None
    noise: np.ndarray | None = None
    path_at: np.ndarray | None = None
    path: np.ndarray | None = None
    method: str = "skip_gram"
    join: str = "mean"
    exact: bool = False
    window: int = 5
    negative: int = 5
    hierarchical: bool = False
    shrink: bool = True
    share: bool = True
    tag_slots: int = 1
    alpha: float = 0.025
    min_alpha: float = 0.0001
    tokens: int = 1
    seed: int = 1
    loss: float = 0.0
    terms: int = 0
    outputs_learn: bool = True

    def train(
        self,
        ids: Sequence[int],
        tags: Sequence[int] = (),
        *,
        row: int = 0,
        epoch: int = 0,
        first_token: int = 0,
    ) -> None:
        """Train on row number `row`: its words' and its tags' ids, -1 for what has none."""
        drawn = stream(self.seed, epoch, row, KEEP)
        kept = [
            word
            for t, word in enumerate(ids)
            if word >= 0 and draw(drawn, t) >> 32 <= int(self.keep[word])
        ]

        def alpha(i: int) -> float:
            done = (first_token + i * len(ids) / len(kept)) / self.tokens
            return self.alpha + (self.min_alpha - self.alpha) * done

        has_tags = self.method not in ("skip_gram", "cbow")
        known = [tag for tag in tags if tag >= 0 and has_tags]
        windows = stream(self.seed, epoch, row, WINDOW)
        self._walk(kept, known, windows, stream(self.seed, epoch, row, NOISE), alpha)

    def infer(self, ids: Sequence[int], epochs: int) -> np.ndarray:
        """Return the vector (dim) of a document while words and outputs stay as they are.

        In place of the row's number, its known words decide all draws.
        """
        known = [word for word in ids if word >= 0]
        if not known:
            return np.zeros(self.input.shape[1])
        h = 0
        for word in known:
            h = mix(h + word + 1)
        inferring = replace(
            self,
            method="dbow" if self.method == "dbow_words" else self.method,
            tags=initial(h, self.input.shape[1], self.seed)[None],
            tag_rates=None,
            input_rates=np.zeros(len(self.input)),
            outputs_learn=False,
            tokens=epochs * len(known),
        )
        for epoch in range(epochs):
            inferring.train(known, [0], row=h, epoch=epoch, first_token=epoch * len(known))
        self.loss, self.terms = inferring.loss, inferring.terms
        return inferring.tags[0]

    def score(self, ids: Sequence[int]) -> float:
        """Return a row's log probability by hierarchical softmax, over whole windows."""
        scoring = replace(
            self,
            negative=0,
            hierarchical=True,
            shrink=False,
            keep=np.full(len(self.input), 0xFFFFFFFF, np.uint32),
            input_rates=np.zeros(len(self.input)),
            outputs_learn=False,
            loss=0.0,
        )
        scoring.train(ids)
        return -scoring.loss

    def _walk(
        self,
        words: list[int],
        tags: list[int],
        windows: int,
        noise: int,
        alpha: Callable[[int], float],
    ) -> None:
        """Make each of the words the centre once, in PLACES equal parts of the text at a time."""
        part = -(-len(words) // PLACES)
        phase = below(draw(windows, 0), self.window)
        for step in range(part):
            reach = self.window
            if self.shrink and self.join != "concat":
                reach = 1 + (phase + step) % self.window
            centres = [
                Centre(words[i], i, step, self._rows(words, i, reach, tags), alpha(i))
                for i in range(step, len(words), part)
            ]
            if self.method in ("cbow", "dm"):
                self._hidden(centres, noise)
            elif self.share:
                self._pieces(centres, noise)
            else:
                self._pairs(centres, noise, len(tags))

    def _rows(self, words: list[int], i: int, reach: int, tags: list[int]) -> list[Row | None]:
        """Return X for centre i: context words, then tags; concatenations have tags first."""

        def rows(matrix: np.ndarray, rates: np.ndarray | None, ids: list[int]) -> list[Row | None]:
            return [Row(matrix, k, rate_of(rates, k)) for k in ids]

        before = rows(self.input, self.input_rates, words[max(i - reach, 0) : i])
        after = rows(self.input, self.input_rates, words[i + 1 : i + 1 + reach])
        if self.method in ("skip_gram", "cbow"):
            return before + after
        about = rows(self.tags, self.tag_rates, tags)
        if self.method == "dbow":
            return about
        if self.join != "concat" or self.method != "dm":
            return before + after + about
        about = about[: self.tag_slots]
        return [
            *about,
            *[None] * (self.tag_slots - len(about)),
            *[None] * (self.window - len(before)),
            *before,
            *after,
            *[None] * (self.window - len(after)),
        ]

    def _outputs(self, word: int, number: int, noise: int) -> list[Output]:
        """Return W for a centre, with the noise words that are draws `number` * negative and on."""
        outputs: list[Output] = []
        if self.negative:
            ids = [word]
            for k in range(self.negative):
                other = noise_word(draw(noise, number * self.negative + k), self.noise)
                if other not in ids:
                    ids.append(other)
            outputs += [
                Output(self.output, k, int(k == word), rate_of(self.output_rates, k)) for k in ids
            ]
        if self.hierarchical:
            for step in self.path[self.path_at[word] : self.path_at[word + 1]].tolist():
                rate = rate_of(self.node_rates, step >> 1)
                outputs.append(Output(self.nodes, step >> 1, 1 - (step & 1), rate))
        return outputs

    def _slopes(self, x: np.ndarray, outputs: list[Output], alpha: float) -> np.ndarray:
        """Return g (rows of x, outputs) and add up their loss."""
        f = x @ values(outputs).T
        label = np.array([output.label for output in outputs])
        self.loss += np.logaddexp(0, np.where(label == 1, -f, f)).sum()
        self.terms += f.size
        return alpha * (label - np.exp(-np.logaddexp(0, -f)))

    def _outputs_learn(self, outputs: list[Output], g: np.ndarray, x: np.ndarray) -> None:
        if self.outputs_learn:
            for output, slope in zip(outputs, g, strict=True):
                if output.rate != 0:
                    output.matrix[output.at] += output.rate * slope * x

    def _pair_update(self, rows: list[Row], outputs: list[Output], g: np.ndarray) -> None:
        """Row by row, each from what those before it have made of W, W from what the row was."""
        old = values(rows)
        for row, slope, x in zip(rows, g, old, strict=True):
            row.learn(slope @ values(outputs))
            self._outputs_learn(outputs, slope, x)

    def _pieces(self, centres: list[Centre], noise: int) -> None:
        """Each place's X in pieces: the slopes of a piece of every place, then the updates."""
        outputs = [self._outputs(centre.word, centre.step, noise) for centre in centres]
        longest = max(len(centre.rows) for centre in centres)
        for c in range(0, longest, STEP):
            updates = []
            for centre, w in zip(centres, outputs, strict=True):
                piece = centre.rows[c : c + STEP]
                if piece and w:
                    updates.append((piece, w, self._slopes(values(piece), w, centre.alpha)))
            for update in updates:
                self._pair_update(*update)

    def _pairs(self, centres: list[Centre], noise: int, tags: int) -> None:
        """Noise words of its own for every row of X: one step after the other."""
        for centre in centres:
            for c, row in enumerate(centre.rows):
                number = centre.i * (2 * self.window + tags) + c
                if w := self._outputs(centre.word, number, noise):
                    self._pair_update([row], w, self._slopes(values([row]), w, centre.alpha))

    def _hidden(self, centres: list[Centre], noise: int) -> None:
        """One hidden vector for each centre: the slopes of every place, then the updates."""
        dim = self.input.shape[1]
        updates = []
        for centre in centres:
            rows = [row for row in centre.rows if row is not None]
            w = self._outputs(centre.word, centre.step if self.share else centre.i, noise)
            if not rows or not w:  # a tree of one word has no inner node
                continue
            if self.join == "concat":
                slots = [np.zeros(dim) if row is None else value(row) for row in centre.rows]
                h = np.concatenate(slots)
            else:
                h = values(rows).sum(0) / (len(rows) if self.join == "mean" else 1)
            updates.append((centre, len(rows), w, h, self._slopes(h[None], w, centre.alpha)[0]))
        for centre, n, w, h, g in updates:
            change = g @ values(w)
            self._outputs_learn(w, g, h)
            if self.join == "concat":
                for row, block in zip(centre.rows, change.reshape(-1, dim), strict=True):
                    if row is not None:
                        row.learn(block)
                continue
            # The gradient of a mean is 1/n of h's for each row, of a sum all of it. The peers have
            # it the other way round.
            part = 1 / n if (self.join == "mean") == self.exact else 1
            for row in centre.rows:
                row.learn(part * change)


def rate_of(rates: np.ndarray | None, at: int) -> float:
    return 1.0 if rates is None else float(rates[at])


def value(row: Row | Output) -> np.ndarray:
    return row.matrix[row.at]


def values(rows: Sequence[Row | Output]) -> np.ndarray:
    return np.stack([value(row) for row in rows])

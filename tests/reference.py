"""The NumPy twin of the training core: slow, readable, in double precision; the tests' oracle.

Written from the definitions in csrc/train (and the papers named there), not from its code paths:
no blocks, no vectors, one window after the other, with the same draws.
"""

from dataclasses import dataclass

import numpy as np

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
KEEP, WINDOW, NOISE, WEIGHTS = 1, 2, 3, 4
PLACES = 2  # places of a sentence that are walked at once
STEP = 4  # contexts whose slopes are taken together


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


def initial(row: int, dim: int, seed: int) -> np.ndarray:
    s = stream(seed, 0, row, WEIGHTS)
    return np.array([((draw(s, k) >> 40) - 2**23) / 2**23 / dim for k in range(dim)])


def noise_word(r: int, table: np.ndarray) -> int:
    column = ((r >> 32) * len(table)) >> 32
    entry = int(table[column])
    return column if (r & 0xFFFFFFFF) < (entry & 0xFFFFFFFF) else entry >> 32


@dataclass
class Twin:
    """`input` and `output` are (rows, dim) float64 and are trained in place."""

    input: np.ndarray
    output: np.ndarray
    keep: np.ndarray
    noise: np.ndarray
    cbow: bool = False
    window: int = 5
    negative: int = 5
    shrink: bool = True
    mean: bool = True
    share: bool = True
    alpha: float = 0.025
    min_alpha: float = 0.0001
    tokens: int = 1
    seed: int = 1
    loss: float = 0.0
    terms: int = 0

    def sentence(self, ids: list[int], row: int, epoch: int, first_token: int) -> None:
        """Train on one row of vocabulary ids, -1 for unknown words."""
        keep = stream(self.seed, epoch, row, KEEP)
        kept = [
            word
            for t, word in enumerate(ids)
            if word >= 0 and draw(keep, t) >> 32 <= int(self.keep[word])
        ]
        n = len(kept)
        part = -(-n // PLACES)
        for step in range(part):
            windows = []
            for k in range(PLACES):
                i = k * part + step
                if i < min((k + 1) * part, n):
                    done = (first_token + i * len(ids) / n) / self.tokens
                    alpha = self.alpha + (self.min_alpha - self.alpha) * done
                    context = self._context(kept, i, step, row, epoch)
                    if self.share or self.cbow:
                        words = self._outputs(kept[i], i, row, epoch)
                        windows.append((context, words, alpha))
                        continue
                    for c, word in enumerate(context):
                        words = self._outputs(kept[i], i * 2 * self.window + c, row, epoch)
                        self._update(*self._slopes([word], words, alpha))
            # pieces of windows, one of each place at a time: all slopes, then all updates
            longest = max((len(context) for context, _, _ in windows), default=0)
            piece = longest or 1 if self.cbow else STEP
            for c in range(0, longest, piece):
                changes = [self._slopes(x[c : c + piece], w, a) for x, w, a in windows if x[c:]]
                for change in changes:
                    self._update(*change)

    def _context(self, kept: list[int], i: int, step: int, row: int, epoch: int) -> list[int]:
        """Return the words around centre i."""
        r = draw(stream(self.seed, epoch, row, WINDOW), step)
        reach = 1 + (((r >> 32) * self.window) >> 32) if self.shrink else self.window
        return kept[max(i - reach, 0) : i] + kept[i + 1 : i + reach + 1]

    def _outputs(self, target: int, number: int, row: int, epoch: int) -> list[int]:
        """Return the target and its noise words: the draws of the centre, or pair, `number`."""
        noise = stream(self.seed, epoch, row, NOISE)
        words = [target]
        for k in range(self.negative):
            word = noise_word(draw(noise, number * self.negative + k), self.noise)
            if word not in words:
                words.append(word)
        return words

    def _slopes(self, context: list[int], words: list[int], alpha: float) -> tuple:
        """Return contexts, outputs, CBOW's hidden vector, and the gradients (contexts, outputs)."""
        x, w = self.input[context], self.output[words]
        if self.cbow:
            x = x.mean(0, keepdims=True) if self.mean else x.sum(0, keepdims=True)
        label = np.zeros(len(words))
        label[0] = 1
        f = x @ w.T
        sign = np.where(label > 0, 1, -1)
        self.loss += np.logaddexp(0, -sign * f).sum()
        self.terms += f.size
        return context, words, x, alpha * (label - 1 / (1 + np.exp(-f)))

    def _update(self, context: list[int], words: list[int], x: np.ndarray, g: np.ndarray) -> None:
        """Add a step's changes context by context; gradients and X are what they were before."""
        if self.cbow:
            w = self.output[words]
            change = g @ w if self.mean else g @ w / len(context)
            np.add.at(self.input, context, np.repeat(change, len(context), axis=0))
            self.output[words] += g.T @ x
            return
        given = self.input[context]
        for c, word in enumerate(context):
            self.input[word] += g[c] @ self.output[words]
            self.output[words] += np.outer(g[c], given[c])

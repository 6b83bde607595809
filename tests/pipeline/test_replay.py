"""Replay: which old rows come, how often, in which order; and that nothing else does."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from corpora import Sentences, encode
from corpora.shards import TokenShards
from pipeline.core.checkpoint import opened
from pipeline.core.passes import Plan
from pipeline.core.replay import Epochs, Kept, Replay
from pipeline.core.settings import Settings
from pipeline.models.model import Model
from pipeline.words.vocabulary import Vocabulary


class Pieces:
    """A shard of rows that hold their own number, in batches of the given sizes."""

    def __init__(self, first, sizes):
        self.first, self.sizes = first, sizes
        self.rows = sum(sizes)
        numbers = np.arange(first, first + self.rows)
        self.lengths = 1 + numbers % 3
        self.tokens = int(self.lengths.sum())
        self.split = self.replaced = 0
        self.opened = 0

    def batches(self):
        self.opened += 1
        at = 0
        for size in self.sizes:
            lengths = self.lengths[at : at + size]
            offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
            tokens = np.repeat(np.arange(self.first + at, self.first + at + size), lengths)
            lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(tokens, pa.int32()))
            yield pa.record_batch([lists], ["tokens"])
            at += size


def shards(*sizes):
    first, made = 0, []
    for batches in sizes:
        made.append(Pieces(first, batches))
        first += made[-1].rows
    return TokenShards(made)


def replayed(new, old, **how):
    """A replay of old shards, of which every two lie together."""
    pairs = [old[at : at + 2] for at in range(0, len(old), 2)]
    kept = [Kept(sum(s.rows for s in pair), lambda pair=pair: pair) for pair in pairs]
    return Replay(new, kept, **how)


def rows_of(replay, epoch):
    """The numbers of an epoch's rows, in order, new ones and old ones apart."""
    new, old = [], []
    for place, batch in replay.batches(epoch):
        firsts = [row[0] for row in batch.column("tokens").to_pylist()]
        (new if place < replay.new else old).extend(firsts)
    return new, old


OLD = ([50, 30], [7], [200, 1, 1], [3], [108])


@pytest.mark.parametrize("share", [0.01, 0.2, 1 / 3, 0.9, 1.0])
def test_every_epoch_draws_exactly_its_share_and_all_that_is_new(share):
    new, old = shards([20, 20]), shards(*OLD)
    replay = replayed(new, old, share=share, epochs=7, seed=3)
    assert replay.replayed == round(share * 400)
    for epoch in range(7):
        came, drawn = rows_of(replay, epoch)
        assert came == list(range(40))
        assert len(drawn) == len(set(drawn)) == replay.replayed
        lengths = sum(1 + row % 3 for row in (*came, *drawn))
        assert replay.totals[epoch] == (40 + replay.replayed, lengths)


def test_no_row_comes_again_before_the_others_of_its_batch():
    replay = replayed(shards([5]), shards(*OLD), share=0.2, epochs=10, seed=1)
    seen = Counter(row for epoch in range(10) for row in rows_of(replay, epoch)[1])
    assert sum(seen.values()) == 800
    for first, size in ((0, 50), (50, 30), (87, 200), (292, 108)):
        times = [seen[row] for row in range(first, first + size)]
        assert max(times) - min(times) <= 1, (first, size)
        assert sum(times) == pytest.approx(2 * size, abs=5)


def test_draws_depend_on_seed_and_epoch_and_old_rows_and_nothing_else():
    def drawn(seed=1, epoch=0, old=OLD, new=(5,)):
        return rows_of(replayed(shards(new), shards(*old), share=0.1, epochs=3, seed=seed), epoch)[
            1
        ]

    assert drawn() == drawn() == drawn(new=(9, 9))
    others = [drawn(seed=2), drawn(epoch=1), drawn(old=(*OLD, [1]))]
    assert all(other != drawn() for other in others)


def test_old_rows_come_between_new_ones():
    new, old = shards([10] * 20), shards([100] * 10)
    places = [place for place, _ in replayed(new, old, share=0.2, epochs=1, seed=1).batches(0)]
    assert max(map(len, "".join(map(str, places)).split("1"))) <= 3


def test_a_shard_that_nothing_is_drawn_from_is_not_opened():
    old = shards(*([1] for _ in range(1000)))
    replay = replayed(shards([5]), old, share=0.01, epochs=2, seed=1)
    list(replay.batches(0)), list(replay.batches(1))
    assert sum(piece.opened > 0 for piece in old) <= 20
    assert len(replay.shards) <= 21


@pytest.mark.parametrize("old", [shards(), shards([])])
def test_nothing_old(old):
    replay = replayed(shards([4]), old, share=0.5, epochs=2, seed=1)
    assert (replay.replayed, rows_of(replay, 1)) == (0, ([0, 1, 2, 3], []))


def test_nothing_new():
    replay = replayed(shards(), shards([10]), share=0.5, epochs=1, seed=1)
    assert len(rows_of(replay, 0)[1]) == 5


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ValueError, match="replay must be from 0 to 1"):
        replayed(shards([1]), shards([1]), share=share, epochs=1, seed=1)


def test_epochs_of_shards_that_are_real():
    made = encode(Sentences([["a", "b"], ["a"]]))
    epochs = Epochs(made, 3)
    assert (epochs.totals, epochs.replayed) == ([(2, 3)] * 3, 0)
    assert [batch.num_rows for _, batch in epochs.batches(2)] == [2]


def test_shards_with_other_rows_than_were_said_are_refused():
    old = shards([3], [4])
    with pytest.raises(ValueError, match="shards of 8 rows have 7"):
        Replay(shards([1]), [Kept(8, lambda: old)], share=0.5, epochs=1, seed=1)


def sentences(words, rows, seed):
    rng = np.random.default_rng(seed)
    return encode(Sentences([rng.choice(words, 12).tolist() for _ in range(rows)]))


def test_a_training_with_replay_that_was_killed_ends_with_the_same_bits(tmp_path):
    words = [f"w{n}" for n in range(40)]
    old, new = sentences(words[:30], 3000, 1), sentences(words[10:], 1000, 2)
    vocabulary = Vocabulary.build([*old, *new], 1)
    plan = Plan(epochs=3)

    def trained(**how):
        model = Model.fresh(vocabulary, Settings(vector_size=8), seed=1)
        work = Replay(new, [Kept(3000, lambda: old)], share=0.3, epochs=3, seed=1)
        return model.train(work, plan, **how), model.vectors

    def die(receipt):
        if len(receipt.epochs) == 2:
            raise KeyboardInterrupt
        return False

    receipt, vectors = trained()
    assert (receipt.rows, receipt.replayed) == (1000, 900)
    assert [epoch.rows for epoch in receipt.epochs] == [1900] * 3
    with opened(tmp_path, "one", every=0) as checkpoints:
        with pytest.raises(KeyboardInterrupt):
            trained(on_epoch=die, checkpoints=checkpoints)
        again, same = trained(checkpoints=checkpoints)
    assert again == receipt
    assert same.tobytes() == vectors.tobytes()


def test_the_plan_has_as_many_epochs_as_were_made_ready():
    old = sentences(["a", "b"], 5, 1)
    model = Model.fresh(Vocabulary.build(old, 1), Settings(vector_size=8), seed=1)
    with pytest.raises(ValueError, match="2 epochs were made ready, and the plan has 3"):
        model.train(Epochs(old, 2), Plan(epochs=3))

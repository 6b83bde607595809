"""Stage `train_word2vec`: train the vectors of words."""

from dataclasses import dataclass
from typing import Literal

from pipeline.core.settings import Settings
from pipeline.stage_training import TrainStage


@dataclass(frozen=True, kw_only=True)
class TrainWord2vec(TrainStage):
    """Train vectors of words (Mikolov et al. 2013).

    sg: 1 for skip-gram, 0 for CBOW. cbow_mean: with CBOW, 1 to take the mean of a window's words, 0
    their sum.
    """

    sg: Literal[0, 1] = 1
    cbow_mean: Literal[0, 1] = 1

    def settings(self) -> Settings:
        """Return the settings that the keys spell."""
        return Settings(
            method="skip_gram" if self.sg else "cbow",
            join="mean" if self.sg or self.cbow_mean else "sum",
            exact_gradient=self.exact_gradient and not self.sg,
            **self._common(),
        )

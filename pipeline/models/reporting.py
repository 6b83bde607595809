"""How far reading and training are, told to Python's logging at level INFO."""

import logging
import time

from pipeline.core.training import Progress

log = logging.getLogger("pipeline")


class TrainingLog:
    """Takes progress, and logs it every `delay` seconds at most."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._next = time.monotonic() + delay

    def __call__(self, progress: Progress) -> None:
        """Log where it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._delay
        log.info(
            "epoch %d of %d: %.1f %% of all words, %.0f words/s, alpha %.5f, loss %.4f",
            progress.epoch,
            progress.epochs,
            100 * progress.tokens / max(progress.total, 1),
            progress.tokens_per_second,
            progress.alpha,
            progress.loss,
        )


class ScanLog:
    """Takes how much has been read, and logs it about every `rows` rows."""

    def __init__(self, rows: int) -> None:
        self._rows = max(rows, 1)
        self._next = self._rows

    def __call__(self, tokens: int, rows: int) -> None:
        """Log where it is time to."""
        if rows >= self._next:
            self._next = rows + self._rows
            log.info("read %d rows with %d words", rows, tokens)

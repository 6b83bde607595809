"""The engine of one machine: threads that share its memory."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from corpora.declared import Declared
from pipeline.engine import Engine
from pipeline.stage import Stage, State
from pipeline.stage_corpus import applied, is_revised, settled


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class Local(Engine):
    """Run on this machine.

    workers: Threads that train; by default one for each processor that this process may use.
        With 1 the result is the same to the last bit in every run.
    checkpoint: Seconds of training between two checkpoints in the store: a run that is killed goes
        on from the newest when it is started again. They take a twentieth of the time at most; 0
        makes one after each unit of work.
    """

    workers: Annotated[int, Ge(1)] = field(default_factory=processors)
    checkpoint: Annotated[float, Ge(0)] = 60.0

    def run(self, stages: Sequence[Declared], state: State) -> State:
        """Run one stage after the other, here."""
        for number, stage in enumerate(stages, start=1):
            state.report.stage(number, len(stages), type(stage).use())
            state, idle = settled(stage, state)
            if idle:
                if not is_revised(state):
                    state.report.say(f"nothing new since version {state.parent}: nothing to do")
                    return state
                state.report.say("there is no new text")
                continue
            state = stage.run(state) if isinstance(stage, Stage) else applied(stage, state)
        return state

"""What happened to a model: a list of events that is saved with it."""

import logging
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

MOST = 1000  # events kept: a model that is updated every hour must not grow by its history

log = logging.getLogger("pipeline")


class Lifecycle:
    """lifecycle_events: what happened and when, the first and the newest; None keeps none."""

    lifecycle_events: list[dict[str, Any]] | None

    def add_lifecycle_event(
        self, event_name: str, log_level: int | bool = logging.INFO, **event: Any
    ) -> None:
        """Note an event with values that JSON can hold, and log it, unless log_level is False.

        Added to it: "event" (its name), "datetime" (UTC), "millrace", "python" and "platform".

        >>> from pipeline import Word2Vec
        >>> model = Word2Vec()
        >>> model.add_lifecycle_event("looked over", by="me")
        >>> [event["event"] for event in model.lifecycle_events]
        ['created', 'looked over']
        """
        said = {
            **event,
            "datetime": datetime.now(UTC).isoformat(),
            "millrace": release(),
            "python": sys.version,
            "platform": platform.platform(),
            "event": event_name,
        }
        if log_level:
            log.log(int(log_level), "%s: %s", event_name, event)
        if self.lifecycle_events is not None:
            self.lifecycle_events.append(said)
            del self.lifecycle_events[1 : max(1, len(self.lifecycle_events) - MOST + 1)]


def release() -> str:
    """Return the library's version, "unknown" where it is run from its sources."""
    try:
        return version("millrace")
    except PackageNotFoundError:  # run from its sources
        return "unknown"

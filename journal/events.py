"""Logging of what happens at the edges: an event and its fields, through the standard library.

Programs see these like any other library's records (`logging.getLogger("indelible")`);
the command line and servers decide how they look.
"""

import logging
from typing import Any

import structlog


def event_logger(name: str) -> Any:
    """A logger whose calls are `logger.warning("what happened", field=value)`."""
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )

"""Faust agents on the topics of a ledger (extra `faust`).

```
history topic --read_committed--> revisions(app, ledger, table) --> agent --> your tables and topics
                                                                    |
                              once: what was done, and up to where, in one record of one table
```

```
app.py        an application with the settings that matter     records.py   Revision, Block
transport.py  reads committed records only                     codecs.py    bytes -> records
sources.py    revisions(), blocks(): typed topics              effects.py   each revision once
handled.py    what was done up to where (pure)                 lag.py       when it stands still (pure)
watching.py   ends a worker that stands still
```

Nothing outside this folder imports Faust; without it, importing this package says what to install.
"""

from journal.errors import ConfigurationError

try:
    from streams.agents.app import agent_app, work
    from streams.agents.codecs import Format
    from streams.agents.effects import deliver, once
    from streams.agents.records import Block, Placed, Revision
    from streams.agents.sources import blocks, revisions
    from streams.agents.watching import STALLED_EXIT_CODE
except ModuleNotFoundError as error:
    if error.name != "faust":
        raise
    raise ConfigurationError(
        "streams.agents needs Faust, which is not installed",
        hint='pip install "indelible[faust]"',
    ) from error

__all__ = [
    "STALLED_EXIT_CODE",
    "Block",
    "Format",
    "Placed",
    "Revision",
    "agent_app",
    "blocks",
    "deliver",
    "once",
    "revisions",
    "work",
]

"""The query language. See `materializer.partiql.view` for the port to whatever holds the documents.

```
text -> lexer -> parser -> resolve -> plan -> compile -> rows, effects
        tokens   syntax    logical    logical  closures   over a View
```

`prepare` goes from text to closures; `StatementCache` keeps them. `evaluate` is the same over plain
values, for conformance suites and tests.
"""

from materializer.partiql.cache import StatementCache
from materializer.partiql.lexer import normalise
from materializer.partiql.parser import parse
from materializer.partiql.statement import Statement, evaluate, prepare

__all__ = ["Statement", "StatementCache", "evaluate", "normalise", "parse", "prepare"]

r"""Audit: everything about a journal proven again from its bytes and a public key.

```
records -> sources (scan: hashes, keys) -> linking (reader rule, tree, catalog) -> anchors (checkpoints)
                                    \-> runs -> neighbours (versions, transaction ids)      -> Report
```

`audit` is the whole of it; `Auditor` one that goes on as the journal grows.
"""

from verifier.audit.anchors import Anchor, KeyChain
from verifier.audit.auditor import Auditor, Progress, audit
from verifier.audit.report import NOT_ANCHORED, Report
from verifier.audit.sources import Source

__all__ = ["NOT_ANCHORED", "Anchor", "Auditor", "KeyChain", "Progress", "Report", "Source", "audit"]

"""A journal as a folder of files that any Avro tool can read.

```
manifest.json             which files, their hashes, which ledger; checks itself
blocks-000000000000.avro  Avro Object Container Files: the accepted blocks, in order
blocks-000000010240.avro
```

`ExportWriter` makes the folder, all or nothing; `ExportLog` reads it as a `journal.log.Log` whose offsets
are the sequence numbers. A byte that was flipped anywhere in the folder is found by whoever reads all of
it. Bytes: docs/formats/export.md.
"""

from journal.export.log import ExportLog
from journal.export.manifest import MANIFEST_FILE, ExportedFile, Manifest, read_manifest
from journal.export.writer import ExportFacts, ExportWriter

__all__ = [
    "MANIFEST_FILE",
    "ExportFacts",
    "ExportLog",
    "ExportWriter",
    "ExportedFile",
    "Manifest",
    "read_manifest",
]

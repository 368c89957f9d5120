"""Documents as plain JSON, for programs that know nothing of Indelible's types.

Input is what orjson reads from a document's canonical bytes, tags included (docs/formats/document.md).

```
{"$decimal":"10.50"}     "10.50"         {"$float":"2.0"}   2.0       "NaN", "Infinity" stay texts
{"$timestamp":"2026T"}   "2026T"         {"$int":"9007199254740993"}  "9007199254740993"
{"$date":...} {"$time":...} {"$bytes":...} {"$symbol":...} {"$ion":...}: their text
```

Nothing is rounded: what JSON's numbers cannot hold everywhere is a string. A key that begins with `$`
loses the one it was given.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

_TAG: Final = b'"$'


def plain(value: Any) -> Any:
    """A tagged value in plain JSON values.

    >>> plain({"price": {"$decimal": "10.50"}, "$$x": [{"$float": "2.0"}]})
    {'price': '10.50', '$x': [2.0]}
    """
    if isinstance(value, dict):
        tag = tag_of(value)
        if tag:
            return _UNTAG.get(tag, _text)(value[tag])
        return {key.removeprefix("$"): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def tag_of(value: dict[str, Any]) -> str:
    """The tag, if a JSON object is a tagged value; else empty.

    >>> tag_of({"$decimal": "1"}), tag_of({"$$decimal": "1"}), tag_of({"a": 1})
    ('$decimal', '', '')
    """
    if len(value) == 1:
        (key,) = value
        if key[:1] == "$" and key[:2] != "$$":
            return key
    return ""


def plain_text(document: bytes) -> str:
    """The plain JSON text of canonical bytes; untagged ones are not even decoded.

    >>> plain_text(b'{"a":1}'), plain_text(b'{"a":{"$int":"9007199254740993"}}')
    ('{"a":1}', '{"a":"9007199254740993"}')
    """
    if _TAG not in document:
        return document.decode()
    return orjson.dumps(plain(orjson.loads(document))).decode()


def plain_document(document: bytes) -> Any:
    """The plain JSON value of canonical bytes."""
    value = orjson.loads(document)
    return value if _TAG not in document else plain(value)


def _text(text: str) -> Any:
    return text


def _float(text: str) -> Any:
    value = float(text)
    return value if value - value == 0 else text


_UNTAG: Final[dict[str, Callable[[str], Any]]] = {"$float": _float}

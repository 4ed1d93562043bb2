"""The messages that are sent: records of JSON, as applications exchange them. The same bytes in every run."""

import json
import random

ASCII_WORDS = "alpha beta gamma delta order price volume status pending filled rejected user session update".split()
MIXED_WORDS = ["Grüße", "naïve", "Привет", "данные", "東京", "値段", "世界", "café", "Zürich", "😀", *ASCII_WORDS]


def record(source, words):
    """One record with the usual mixture of types."""
    return {
        "id": source.randrange(10**9),
        "type": source.choice(words),
        "price": round(source.uniform(1, 1000), 2),
        "active": source.random() < 0.5,
        "tags": source.sample(words, 3),
        "note": " ".join(source.choices(words, k=source.randrange(3, 12))),
    }


def text(size, mixed=False):
    """JSON-like text of exactly so many bytes; mixed: about a third of its words are not ASCII."""
    source = random.Random(6455)
    words = MIXED_WORDS if mixed else ASCII_WORDS
    parts, length = [], 0
    while length < size:
        parts.append(json.dumps(record(source, words), ensure_ascii=False).encode() + b",")
        length += len(parts[-1])
    # What is cut off may leave half a character behind.
    return b"".join(parts)[:size].decode(errors="ignore").encode().ljust(size)

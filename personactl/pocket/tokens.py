"""The pack's own tokenizer: CLIP's byte-pair format, merges learnt from the caption grammar.

The vocabulary holds the whole byte alphabet twice (inside and at the end of a word), so that any text can be encoded,
then the merges, then the two marks. Every grammar word is one token; a full caption takes about 20 of 48.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer

from personactl.pocket.scene import GRAMMAR, grammar_words

LENGTH = 48
END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"
# Words that operators write around the grammar; they get a token each, though captions never taught their meaning.
PLAIN_WORDS = (
    "a the in with wearing and at of photo portrait person woman man face persona character illustration drawing "
    "looking camera light day night view left right hair glasses beard young old blurry low quality"
)


def spoken(caption: str) -> list[int]:
    """Per class of the grammar the place of the word that the caption names, -1 where it names none."""
    said = {part for phrase in caption.split(", ") for part in (phrase, *phrase.split(" "))}
    found = []
    for words in GRAMMAR:
        named = [place for place, word in enumerate(words) if word in said]
        found.append(named[0] if named else -1)
    return found


def byte_alphabet() -> list[str]:
    """The 256 printable stand-ins for bytes that GPT-2 introduced and CLIP uses."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(code) for code in printable] + [chr(256 + place) for place in range(len(others))]


def learn_merges() -> list[tuple[str, str]]:
    """Byte-pair merges under which each word of the grammar and each plain word becomes one token.

    The most frequent pair first, ties in alphabetical order: the same list on every machine.
    """
    text = " ".join([*grammar_words(), PLAIN_WORDS])
    counts = Counter(re.findall(r"[a-z]+", text))
    pieces = {word: (*word[:-1], word[-1] + END_OF_WORD) for word in counts}
    merges: list[tuple[str, str]] = []
    while any(len(parts) > 1 for parts in pieces.values()):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in pieces.items():
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        pieces = {word: _merged(parts, best) for word, parts in pieces.items()}
    return merges


def _merged(parts: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    joined: list[str] = []
    at = 0
    while at < len(parts):
        width = 2 if parts[at : at + 2] == pair else 1
        joined.append("".join(parts[at : at + width]))
        at += width
    return tuple(joined)


def build_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write the tokenizer into `folder`, unless it is there, and return it as the pipelines will load it.

    The folder appears in one piece, so that processes that start together never read half of it.
    """
    if not folder.exists():
        staged = Path(tempfile.mkdtemp(prefix=".tokenizer-", dir=folder.parent))
        _write(staged)
        try:
            staged.rename(folder)
        except OSError:  # another process was first, with the same content
            shutil.rmtree(staged)
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def _write(folder: Path) -> None:
    merges = learn_merges()
    alphabet = byte_alphabet()
    entries = [*alphabet, *(symbol + END_OF_WORD for symbol in alphabet)]
    entries += [first + second for first, second in merges]
    vocabulary = {entry: place for place, entry in enumerate(dict.fromkeys([*entries, START, END]))}
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=LENGTH, pad_token=END, local_files_only=True)
    tokenizer.save_pretrained(folder)

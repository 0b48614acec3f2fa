"""The pack's own tokenizer: CLIP's byte-pair format, merges learnt from the caption grammar.

The vocabulary holds the whole byte alphabet twice (inside and at the end of a word), so that any text can be encoded,
then the merges, then the two marks. Every grammar word is one token; a full caption takes about 20 of 48.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex as TokenPattern
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from personactl.pocket.scene import grammar_words

LENGTH = 48
END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"
# Words that operators write around the grammar; they get a token each, though captions never taught their meaning.
PLAIN_WORDS = (
    "a the in with wearing and at of photo portrait person woman man face persona character illustration drawing "
    "looking camera light day night view left right hair glasses beard young old blurry low quality"
)


def byte_alphabet() -> list[str]:
    """The 256 printable stand-ins for bytes that GPT-2 introduced and CLIP uses."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(code) for code in printable] + [chr(256 + place) for place in range(len(others))]


def learn_merges() -> list[tuple[str, str]]:
    """Byte-pair merges under which each word of the grammar becomes one token, in order of frequency."""
    trainee = Tokenizer(models.BPE(unk_token=END, end_of_word_suffix=END_OF_WORD, continuing_subword_prefix=""))
    trainee.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    word = TokenPattern(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    trainee.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(word, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainee.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        initial_alphabet=byte_alphabet(),
        end_of_word_suffix=END_OF_WORD,
        min_frequency=1,
        special_tokens=[],
        show_progress=False,
    )
    trainee.train_from_iterator([", ".join(grammar_words()), PLAIN_WORDS], trainer)
    merges = json.loads(trainee.to_str())["model"]["merges"]
    return [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in merges]


def build_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write the tokenizer into `folder` and return it as the pipelines will load it."""
    folder.mkdir(parents=True, exist_ok=True)
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
    return tokenizer

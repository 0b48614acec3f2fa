"""The tokenizer is the same wherever it is built, and can spell anything."""

import pytest

from personactl.pocket.scene import grammar_words
from personactl.pocket.tokens import LENGTH, build_tokenizer, byte_alphabet, learn_merges


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return build_tokenizer(tmp_path_factory.mktemp("tokens") / "tokenizer")


def test_the_merges_are_the_same_every_time():
    assert learn_merges() == learn_merges()


def test_every_grammar_word_is_one_token(tokenizer):
    for phrase in grammar_words():
        words = phrase.replace("-", " - ").split()
        assert len(tokenizer(phrase).input_ids) == len(words) + 2, phrase


def test_the_vocabulary_holds_the_byte_alphabet_twice(tokenizer):
    alphabet = byte_alphabet()
    assert len(set(alphabet)) == 256
    assert {*alphabet, *(symbol + "</w>" for symbol in alphabet)} <= set(tokenizer.get_vocab())


def test_text_outside_the_grammar_keeps_its_letters(tokenizer):
    ids = tokenizer("Zoë").input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True).strip() == "zoë"
    assert ids.count(tokenizer.eos_token_id) == 1


def test_long_prompts_are_cut_to_the_length(tokenizer):
    assert len(tokenizer("beach, " * 100, truncation=True, max_length=LENGTH).input_ids) == LENGTH


def test_a_finished_folder_is_loaded_not_written(tokenizer, tmp_path):
    first = build_tokenizer(tmp_path / "tokenizer")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "tokenizer").iterdir()}
    again = build_tokenizer(tmp_path / "tokenizer")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "tokenizer").iterdir()} == before
    assert first.get_vocab() == again.get_vocab() == tokenizer.get_vocab()

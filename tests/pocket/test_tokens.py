"""The tokenizer is the same wherever it is built, and can spell anything."""

import pytest

from personactl.pocket.scene import GRAMMAR, caption, grammar_words, sample_scene
from personactl.pocket.tokens import LENGTH, build_tokenizer, byte_alphabet, learn_merges, spoken


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("portrait, smiling, frontal view, night street, yellow shirt, soft light", [1, 1, 0, 2, 5, 1, 0]),
        ("blue coat, forest", [-1, -1, -1, 4, 1, 0, -1]),
        ("tilted head", [-1, -1, 3, -1, -1, -1, -1]),
        ("looking left, warm", [-1] * 7),
        ("", [-1] * 7),
    ],
    ids=["all", "two phrases", "a view of two words", "plain words", "empty"],
)
def test_a_captions_words_are_found_class_by_class(text, words):
    assert spoken(text) == words


def test_every_caption_names_the_words_of_its_scene():
    for seed in range(50):
        scene = sample_scene(seed)
        asked = [scene.framing, scene.expression, scene.view, scene.background]
        asked += [scene.colour, scene.clothing, scene.light]
        assert [group[place] for group, place in zip(GRAMMAR, spoken(caption(scene)), strict=True)] == asked

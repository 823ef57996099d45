"""The corpus: what is skipped and counted, duplicates, and the split by tune."""

import random

import pytest

from debias.errors import InputError
from labs.music import corpus
from labs.music.corpus import pieces_of, read, split, without_duplicates
from labs.music.notation import Tune

NOTES = "CDEFGABcdefg"


def tune(seed, key="C", length=64):
    body = "".join(random.Random(seed).choices(NOTES, k=length))
    return Tune("reel", "C", "1/8", key, "|".join(body[start : start + 8] for start in range(0, length, 8)) + "|")


def moved(tune, steps):
    """The same melody, so many steps of the scale higher."""
    names = list("CDEFGABcdefgab")
    table = {name: names[names.index(name) + steps] for name in NOTES}
    return Tune(tune.kind, tune.metre, tune.unit, "D", "".join(table.get(sign, sign) for sign in tune.body))


def test_broken_tunes_are_skipped_and_counted():
    text = "".join(
        f"X:{number}\nM:{metre}\nL:1/8\nK:C\n{tune(number).body}\n\n" for number, metre in enumerate(("C", "7/9", "C"))
    )
    tunes, found, skipped = read({"mine": text + "X:9\nM:C\nL:1/8\nK:C\nCDE|\n"})
    assert len(tunes) == 2 and found == {"mine": 4}
    assert sum(skipped.values()) == 2 and skipped["hardly any notes"] == 1


def test_text_before_the_first_tune_is_no_tune():
    assert pieces_of("% a file\n\nX:1\nK:C\nC|\n\nX:2\nK:C\nD|") == ["X:1\nK:C\nC|\n\n", "X:2\nK:C\nD|"]


def test_a_byte_order_mark_does_not_hide_the_first_tune():
    text = "X:1\nK:C\nC|\n\nX:2\nK:C\nD|"
    assert pieces_of("\ufeff" + text) == pieces_of("\u00ef\u00bb\u00bf" + text) == pieces_of(text)


def test_a_tune_that_nobody_can_play_is_skipped_and_counted():
    body = tune(1).body + tune(2).body
    _, found, skipped = read({"mine": f"X:1\nM:C\nL:1/8\nK:C\n{body}2{body}\n"})
    assert found == {"mine": 1} and skipped["a second ending without a first"] == 1


def test_a_melody_is_known_again_in_another_key_and_after_small_changes():
    first, other = tune(1), tune(2)
    varied = Tune("reel", "C", "1/8", "C", first.body[:8].replace(first.body[3], "z") + first.body[8:])
    assert without_duplicates([first, moved(first, 2), varied, other]) == [first, other]


def test_no_tune_is_in_two_parts_and_the_split_depends_on_the_seed_alone():
    tunes = [tune(seed) for seed in range(50)]
    parts = split(tunes, {}, {}, seed=1)
    together = [*parts.train, *parts.validation, *parts.test]
    assert sorted(together, key=tunes.index) == tunes
    assert (len(parts.validation), len(parts.test)) == (4, 4)
    assert split(tunes, {}, {}, seed=1) == parts != split(tunes, {}, {}, seed=2)


def test_an_empty_corpus_is_one_line():
    with pytest.raises(InputError, match="at least three") as caught:
        split([], {}, {})
    assert "\n" not in str(caught.value)


def test_what_was_read_without_a_network_is_not_taken_for_all(tmp_path, monkeypatch):
    text = "".join(f"X:{number}\nR:reel\nM:C\nL:1/8\nK:C\n{tune(number).body}\n\n" for number in range(4))
    texts = {"O'Neill's": text}
    monkeypatch.setattr(corpus, "collections_of_abc", lambda cache: dict(texts))
    assert set(corpus.load(tmp_path).found) == {"O'Neill's"} == set(corpus.load(tmp_path).found)
    texts[corpus.COURSE] = text
    assert set(corpus.load(tmp_path).found) == set(texts)


def test_the_real_collections(cache):
    tunes = corpus.load(cache)
    assert tunes.found["O'Neill's Music of Ireland"] == 2009 and tunes.found["Ryan's Mammoth Collection"] == 1059
    assert len(tunes.train) > 2_000 and len(tunes.test) > 200
    bodies = [tune.body for part in (tunes.train, tunes.validation, tunes.test) for tune in part]
    assert len(set(bodies)) == len(bodies)


@pytest.fixture(scope="module")
def cache():
    """The repository's cache, so that nothing is downloaded twice."""
    from labs.build import ROOT

    return ROOT / ".cache"

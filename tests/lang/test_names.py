"""What must survive translation: numbers and names."""

from __future__ import annotations

from lang.names import lost_names, lost_numbers, masked, names, unmasked


def test_numbers_are_compared_by_digits() -> None:
    assert lost_numbers("He paid $3.50 in 1969.", "Ele pagou US$ 3,50 em 1969.") == ()
    assert lost_numbers("Rooms 5, 5 and 12", "Salas 5 e 12") == ("5",)


def test_names() -> None:
    assert names("Hello, my name is Jordi Mas and I am from Barcelona.") == ("Jordi Mas", "Barcelona")
    assert names("The end. We go. I'm here, I think.") == ()
    assert lost_names("My name is Jordi Mas.", "mi nombre es Jordi Pero.") == ("Jordi Mas",)
    assert lost_names("I am from Barcelona.", "Io sono di Barcellona.") == ()


def test_masks_come_off_whole_or_not_at_all() -> None:
    hidden = ("Jordi Mas",)
    covered = masked("Meu nome é Jordi Mas, mas não.", hidden)
    assert "Jordi" not in covered
    assert covered.endswith("mas não.")
    assert unmasked(covered, hidden) == "Meu nome é Jordi Mas, mas não."
    assert unmasked(covered.replace("Qxbqa", ""), hidden) is None

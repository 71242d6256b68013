"""No sound that a voice makes is left to the default: every phoneme espeak-ng says has lips of its own."""

from engines.tts import espeak
from engines.tts.espeak_voices import VOICES
from lang.phonemes import is_known, visemes
from lang.udhr import article_1

WORDS = 8


def test_every_phoneme_of_every_espeak_voice_has_lips() -> None:
    """On the first words of the article that most languages have."""
    voice, texts = espeak.load(), article_1()
    unknown, n_voices = set(), 0
    for locale in VOICES:
        text = texts.get(locale) or texts.get(type(locale)(locale.language))
        if text is None:
            continue
        said = voice.say(" ".join(text.split()[:WORDS]), locale).phonemes
        n_voices += 1
        unknown |= {(str(locale), p.ipa) for p in said if not is_known(p.ipa) or not visemes(p.ipa)}
    assert n_voices > 90
    assert unknown == set()

"""Write engines/tts/data/espeak_voices.csv: which locales espeak-ng 1.52 reads as words, with the evidence.

    .venv/bin/python infra/measure_espeak_voices.py [--listen]

Each voice reads Article 1 of the Universal Declaration of Human Rights (or the sentence below, where the collection
lacks the language) in a process of its own, for one of them ends it. `--listen` also asks the recogniser of the
embedded profile (whisper-base), which knows a third of these languages and hears a robot badly: a low figure proves,
a high one does not. Words, not figures, decide: the verdicts that no figure shows are in REFUSED, read by eye from the
phonemes.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dub.word_error import aligned, characters_wrong, comparable_words
from lang.bcp47 import Locale
from lang.udhr import article_1

TABLE = Path(__file__).parents[1] / "engines/tts/data/espeak_voices.csv"
LANGUAGES = Path(__file__).parents[1] / "lang/data/languages.csv"
COLUMNS = (
    "locale", "voice", "scripts", "reads", "text", "time_vs_english", "foreign", "vowelless", "misheard", "respell",
    "reason",
)  # fmt: skip

# Locale -> its voice where that has another name, and the scripts that the voice reads ("" = the registry's own).
SAME_NAME = """af am an ar as az ba be bg bn bs ca cs cv cy da de el eo es es-419 et eu fa fi fo ga gd gn grc gu hak haw
he hi hr ht hu hy ia id is it ja ka kaa kk kl kn ko kok ku ky la lb lt ltg lv mi mk ml mr ms mt my nb ne nl nog om or pa
pap pl qu quc ro ru sd shn si sk sl smj sq sr sv sw ta te th ti tk tn tr tt ug uk ur uz vi yue""".split()  # noqa: SIM905
OTHER_NAME = {
    "en": "en-us", "en-GB": "en", "fr": "fr", "fr-BE": "fr-be", "fr-CH": "fr-ch", "pt": "pt-br", "pt-BR": "pt-br",
    "pt-PT": "pt", "zh": "cmn", "no": "nb", "nn": "nb", "ca-valencia": "ca-va", "quh": "qu", "quy": "qu", "qvc": "qu",
}  # fmt: skip
SCRIPTS = {
    "bs": "Latn Cyrl", "hr": "Latn Cyrl", "sr": "Cyrl Latn", "uz": "Latn Cyrl", "ug": "Arab Latn",
    "zh": "Hans Hant", "yue": "Hant Hans", "ia": "Latn", "smj": "Latn", "no": "Latn", "hak": "Hans",
}  # fmt: skip
# Letters that the dictionary lacks, so that the whole word is spelled: what is read instead.
RESPELL = {"or": "ୱ=ବ", "gn": "ʼ=' ’='", "am": "፡=_", "ti": "፡=_"}

REFUSED = {
    "fo": "no dictionary comes with the library: nothing is said",
    "kaa": "no dictionary comes with the library: nothing is said",
    "hak": "says 'Chinese letter' for every sign",
    "ja": "says 'Chinese letter' for every kanji",
    "he": "writing without vowel points is read without vowels",
    "kok": "names the vowel signs ('halant') instead of joining them",
    "my": "the library ends the process (buffer overflow)",
    "qvc": "Cajamarca Quechua is spelled by other rules than the voice's",
    "shn": "says 'Myanmar letter' for half of the signs",
    "th": "reads signs one by one: vowels that are written first are said first, silent letters are said",
}
BORROWED = {
    "nn": "by the Bokmål voice, whose spelling rules it shares",
    "no": "Bokmål",
    "quh": "by the Southern Quechua voice",
    "quy": "by the Southern Quechua voice",
    "tn": "final e is named 'l' among its phonemes",
    "ar": "unpointed: some short vowels are missing",
}

# The first sentence of Article 1, for languages that the collection lacks.
SENTENCES = {
    "an": "Totz os sers humans naixen libres y iguals en dignidat y dreitos.",
    "as": "জন্মগতভাৱে সকলো মানুহ মৰ্য্যদা আৰু অধিকাৰত সমান আৰু স্বতন্ত্ৰ।",
    "ba": "Барлыҡ кешеләр ҙә азат, дәрәжәләре һәм хоҡуҡтары яғынан тиң булып тыуалар.",
    "grc": "ἅπαντες οἱ ἄνθρωποι ἐλεύθεροι καὶ ἴσοι ἀξίᾳ καὶ δικαιώμασιν γεννῶνται.",
    "hak": "人人生而自由,在尊严和权利上一律平等。",
    "ia": "Tote le esseres human nasce libere e equal in dignitate e in derectos.",
    "kok": "सगळे मनीस जल्मतः स्वतंत्र आनी प्रतिष्ठा आनी हक्क हांचे वांटेकार समान आसात.",
    "ltg": "Vysi cylvāki pīdzymst breivi i vīnleidzeigi sovā pašcīnā i tīseibuos.",
    "nog": "Баьри инсанлар да эркин эм оьз намысында эм хукукларында тен болып туувадылар.",
    "or": "ସବୁ ମନୁଷ୍ୟ ଜନ୍ମକାଳରୁ ସ୍ୱାଧୀନ। ସେମାନଙ୍କର ମର୍ଯ୍ୟାଦା ଓ ଅଧିକାର ସମାନ।",
    "sd": "سمورا انسان آزاد ۽ عزت ۽ حقن جي حوالي کان برابر پيدا ٿيا آهن.",
    "smj": "Gájkka ulmutja li riegádam frijjan ja avtalágásj árvon ja rievtesvuodajn.",
}
ENGLISH_OF_SENTENCES = "All human beings are born free and equal in dignity and rights."

VOWELS = frozenset("aɑæʌɐɶeɛɜəɘɚɝɤᵊɞiɪɨɯᵻoɔɒɵuʊʉyʏøœAEIOU@")


def main() -> None:
    listen = "--listen" in sys.argv
    articles = article_1()
    times: dict[str, float] = {}
    rows = []
    for tag in sorted({*SAME_NAME, *OTHER_NAME}):
        voice = OTHER_NAME.get(tag, tag)
        text = articles.get(Locale(tag)) or articles.get(Locale(tag.split("-")[0])) or SENTENCES.get(tag, "")
        text = text or articles[Locale("nb")]
        english = ENGLISH_OF_SENTENCES if tag in SENTENCES else articles[Locale("en")]
        if english not in times:
            times[english] = _read("en-us", english)[0]
        seconds, phonemes = _read(voice, respelled(text, RESPELL.get(tag, "")))
        rows.append({
            "locale": tag,
            "voice": voice,
            "scripts": SCRIPTS.get(tag, "") or _script(tag),
            "reads": "no" if tag in REFUSED else "yes",
            "text": "sentence" if tag in SENTENCES else "article",
            "time_vs_english": f"{seconds / times[english]:.2f}",
            "foreign": f"{len(re.findall(r'[(][a-z-]+[)]', phonemes)) / 2 / max(1, len(phonemes.split())):.2f}",
            "vowelless": f"{_vowelless(phonemes):.2f}",
            "misheard": _misheard(tag, voice, text) if listen and seconds and tag not in REFUSED else "",
            "respell": RESPELL.get(tag, ""),
            "reason": REFUSED.get(tag, BORROWED.get(tag, "")),
        })  # fmt: skip
        print(rows[-1])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(sum(row["reads"] == "yes" for row in rows), "locales read,", len(REFUSED), "refused")


def respelled(text: str, pairs: str) -> str:
    from engines.tts.espeak_voices import respell

    return respell(text, pairs)


def _script(tag: str) -> str:
    with LANGUAGES.open(encoding="utf-8", newline="") as file:
        return next(row["script"] for row in csv.DictReader(file) if row["locale"] == tag.split("-")[0])


def _read(voice: str, text: str) -> tuple[float, str]:
    """Seconds of sound and phonemes, with a flag in brackets where another language's voice reads."""
    script = (
        "import sys; from engines.tts.espeak import load; e = load();"
        "h = e.library.read(sys.argv[2], sys.argv[1], 165);"
        "print(sum(b.size for b in h.blocks) / 22050); print(e.library.phonemes(sys.argv[2], sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", script, voice, text], capture_output=True, text=True, check=False)
    if done.returncode:
        return 0.0, ""
    seconds, phonemes = done.stdout.split("\n", 1)
    return float(seconds), phonemes.strip()


def _vowelless(phonemes: str) -> float:
    """Share of words of two sounds or more that have no vowel."""
    words = [word for word in phonemes.split() if sum(symbol.isalpha() for symbol in word) > 1]
    return sum(not VOWELS & set(word) for word in words) / max(1, len(words))


def _misheard(tag: str, voice: str, text: str) -> str:
    from dub.wav import write_wav
    from engines import registry
    from lang.registry import whisper_locales

    if Locale(tag) not in whisper_locales():
        return ""
    sentence = re.split(r"(?<=[.!?।。።۔])\s*", text)[0][:160]
    speech = registry.load("tts", "espeak").speak(sentence, Locale(tag), b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        write_wav(path, speech.samples, speech.rate_hz)
        heard = " ".join(
            part.text for part in registry.load("asr", "faster-whisper").recognise(path, Locale(tag)).segments
        )
    rate = characters_wrong(aligned(comparable_words(sentence), comparable_words(heard))).rate
    return f"{min(rate or 0.0, 1.0):.2f}"


if __name__ == "__main__":
    main()

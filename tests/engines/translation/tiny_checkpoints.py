"""Checkpoints of the real architectures with tiny weights, laid out file by file as the hub's are, made in the test.

A model is taught one thing: word for word translation of a made-up lexicon (`said`), so that its answers can be
checked to be right for each language code, not only to be there. Teaching takes two seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

WORDS = ("house", "dog", "water", "red", "runs", "sees")
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


def said(sentence: str, language: str) -> str:
    """What a taught model answers: `house dog.` is `housees doges.` in es."""
    words = sentence.rstrip(".").split()
    return " ".join(f"{word}{language}" for word in words) + sentence[len(sentence.rstrip(".")) :]


def corpus(languages: tuple[str, ...]) -> list[str]:
    """Every word that a tokenizer has to know whole."""
    forms = [f"{word}{language}" for word in WORDS for language in languages]
    return [" ".join((*WORDS, *forms, "."))] * 20


def teach(
    model: Any,
    languages: tuple[str, ...],
    encode: Callable[[str, str], list[int]],
    encode_answer: Callable[[str, str], list[int]],
    *,
    n_steps: int = 250,
    seed: int = 1,
) -> None:
    """Trains on random sentences of the lexicon. `encode`, `encode_answer`: (text, language) to token ids."""
    import torch

    torch.set_num_threads(1)  # more only wait for each other on matrices this small
    torch.manual_seed(seed)
    chance = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=n_steps)
    model.train()
    for _ in range(n_steps):
        n_words = chance.randint(1, 4)  # one length per batch: no padding to mask
        end = chance.choice(("", "."))
        pairs = [(" ".join(chance.choices(WORDS, k=n_words)) + end, chance.choice(languages)) for _ in range(32)]
        given = torch.tensor([encode(sentence, language) for sentence, language in pairs])
        wanted = torch.tensor([encode_answer(said(sentence, language), language) for sentence, language in pairs])
        loss = model(input_ids=given, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def nllb(folder: Path, taught: Mapping[str, str]) -> Path:
    """NLLB-200 as on the hub: config.json, model.safetensors, tokenizer.json (BPE, 202 language codes, mask).

    `taught`: NLLB's code by the ending that its words have.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES, NllbTokenizer

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("isolated")]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=1000, special_tokens=list(_SPECIAL), show_progress=False)
    tokenizer.train_from_iterator(corpus(tuple(taught)), trainer)
    tokenizer.add_special_tokens([AddedToken(code, special=True) for code in FAIRSEQ_LANGUAGE_CODES])
    tokenizer.add_special_tokens([AddedToken("<mask>", special=True, lstrip=True)])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab()

    def text_ids(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    model = _m2m100_model(len(vocabulary) + 3)
    teach(
        model,
        tuple(taught),
        lambda text, _: [vocabulary["eng_Latn"], *text_ids(text), vocabulary["</s>"]],
        lambda text, language: [vocabulary[taught[language]], *text_ids(text), vocabulary["</s>"]],
    )
    model.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "NllbTokenizer"}')
    assert len(NllbTokenizer.from_pretrained(folder).get_vocab()) == len(vocabulary)
    return folder


def _m2m100_model(n_tokens: int) -> Any:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(0)
    sizes = dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "d_model"), 32)
    layers = dict.fromkeys(("encoder_layers", "decoder_layers"), 1)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4)
    off = dict.fromkeys(
        ("dropout", "attention_dropout", "activation_dropout", "encoder_layerdrop", "decoder_layerdrop"), 0.0
    )
    config = M2M100Config(
        vocab_size=n_tokens,
        max_position_embeddings=1024,
        init_std=0.1,  # the usual 0.02 is for widths of 1024; this learns in seconds
        decoder_start_token_id=2,
        **sizes,
        **layers,
        **heads,
        **off,
    )
    return M2M100ForConditionalGeneration(config)

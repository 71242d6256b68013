"""Checkpoints of the real architectures with tiny weights, laid out file by file as the hub's are, made in the test.

A model is taught one thing: word for word translation of a made-up lexicon (`said`), so that its answers can be
checked to be right for each language code, not only to be there. Teaching takes two seconds.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

WORDS = ("house", "dog", "water", "red", "runs", "sees")
_TINY_SIZES: dict[str, Any] = {
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "d_model"), 32),
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 1),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("dropout", "attention_dropout", "activation_dropout"), 0.0),
    **dict.fromkeys(("encoder_layerdrop", "decoder_layerdrop"), 0.0),
}
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
    rate: float = 1e-2,
    longest: int = 4,
) -> None:
    """Trains on random sentences of up to `longest` words. `encode`, `encode_answer`: (text, language) to token ids."""
    import torch

    torch.set_num_threads(1)  # more only wait for each other on matrices this small
    torch.manual_seed(seed)
    chance = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=n_steps)
    model.train()
    for _ in range(n_steps):
        n_words = chance.randint(1, longest)  # one length per batch: no padding to mask
        end = chance.choice(("", "."))
        pairs = [(" ".join(chance.choices(WORDS, k=n_words)) + end, chance.choice(languages)) for _ in range(32)]
        given = torch.tensor([encode(sentence, language) for sentence, language in pairs])
        wanted = torch.tensor([encode_answer(said(sentence, language), language) for sentence, language in pairs])
        loss = model(input_ids=given, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():  # as in the real ones; CTranslate2 counts on Marian's padding being all zeros
            model.get_input_embeddings().weight[model.config.pad_token_id] = 0.0
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


def m2m100(folder: Path, taught: Mapping[str, str]) -> Path:
    """M2M100 as on the hub: sentencepiece.bpe.model and vocab.json; its language tokens, `__es__`, are in neither, but
    in special_tokens_map.json.

    `taught`: M2M100's code by the ending that its words have.
    """
    from transformers import M2M100Tokenizer
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    folder.mkdir(parents=True)
    pieces = sentence_pieces(folder / "sentencepiece.bpe.model", corpus(tuple(taught)))
    known = [pieces.id_to_piece(number) for number in range(3, pieces.get_piece_size())]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate((*_SPECIAL, *known))}))
    (folder / "tokenizer_config.json").write_text('{"bos_token": "<s>", "src_lang": null, "tgt_lang": null}')
    languages = [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]]
    (folder / "special_tokens_map.json").write_text(json.dumps({"additional_special_tokens": languages}))
    tokenizer = M2M100Tokenizer.from_pretrained(folder)
    n_made_up = 8  # rows that no token has, in the real ones as well
    model = _m2m100_model(len(tokenizer.get_vocab()) + n_made_up)

    def ids(code: str, text: str) -> list[int]:
        return [tokenizer.get_lang_id(code), *tokenizer.encode(text, add_special_tokens=False), 2]

    teach(
        model,
        tuple(taught),
        lambda text, _: ids("en", text),
        lambda text, language: ids(taught[language], text),
    )
    model.save_pretrained(folder)
    return folder


def _m2m100_model(n_tokens: int) -> Any:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=n_tokens,
        max_position_embeddings=1024,
        init_std=0.1,  # the usual 0.02 is for widths of 1024; this learns in seconds
        decoder_start_token_id=2,
        **_TINY_SIZES,
    )
    return M2M100ForConditionalGeneration(config)


def madlad(folder: Path, taught: Mapping[str, str], target_tokens: Collection[str]) -> Path:
    """MADLAD-400 as on the hub: a T5 whose tokenizer.json (Unigram) has every `<2xx>`, and no language of the source.

    `taught`: MADLAD's token by the ending that its words have; `target_tokens`: all that the tokenizer knows.
    """
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import T5Config, T5ForConditionalGeneration

    words = corpus(tuple(taught))[0].split()[:-1]
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *((token, 0.0) for token in sorted(target_tokens))]
    pieces += [(f"▁{word}", -1.0) for word in words] + [(sign, -9.0) for sign in "▁.…abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in ("<unk>", "<s>", "</s>")])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "pad_token": "<s>", "eos_token": "</s>"}'
    )
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(pieces) + 4,  # the real one's table is longer than its vocabulary, too
            **dict.fromkeys(("d_model", "d_ff"), 32),
            **dict.fromkeys(("num_layers", "num_decoder_layers"), 1),
            num_heads=4,
            d_kv=8,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=0,
        )
    )

    def ids(text: str) -> list[int]:
        return [*tokenizer.encode(text, add_special_tokens=False).ids, 2]

    # T5 has no absolute positions: word order takes it longer than a test may.
    teach(
        model,
        tuple(taught),
        lambda text, language: ids(f"{taught[language]} {text}"),
        lambda text, _: ids(text),
        longest=1,
    )
    model.save_pretrained(folder)
    return folder


def marian(folder: Path, taught: Mapping[str, str], *, n_steps: int = 250) -> Path:
    """An OPUS-MT model as on the hub: source.spm, target.spm and vocab.json.

    `taught`: the token that asks for a language (`>>ara<<`), by the ending that its words have; "" where the model has
    one target only.
    """
    import torch
    from transformers import MarianConfig, MarianMTModel

    endings = tuple(taught)
    folder.mkdir(parents=True)
    given = sentence_pieces(folder / "source.spm", [" ".join((*WORDS, "."))] * 20)
    answers = sentence_pieces(folder / "target.spm", corpus(endings))
    known = {piece for spm in (given, answers) for piece in map(spm.id_to_piece, range(spm.get_piece_size()))}
    special = ("<s>", "</s>", "<unk>")
    pieces = ["</s>", "<unk>", *sorted(filter(None, taught.values())), *sorted(known - set(special)), "<pad>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    torch.manual_seed(0)
    config = MarianConfig(
        vocab_size=len(pieces),
        pad_token_id=vocabulary["<pad>"],
        decoder_start_token_id=vocabulary["<pad>"],
        eos_token_id=0,
        forced_eos_token_id=0,
        max_position_embeddings=512,
        init_std=0.1,
        scale_embedding=True,
        share_encoder_decoder_embeddings=True,
        **_TINY_SIZES,
    )
    model = MarianMTModel(config)

    def ids(spm: Any, text: str, *prefix: str) -> list[int]:
        return [vocabulary[piece] for piece in (*filter(None, prefix), *spm.encode(text, out_type=str), "</s>")]

    teach(
        model,
        endings,
        lambda text, language: ids(given, text, taught[language]),
        lambda text, _: ids(answers, text),
        n_steps=n_steps,
        rate=5e-3,
        longest=2,
    )
    model.save_pretrained(folder)
    return folder


def sentence_pieces(file: Path, texts: list[str]) -> Any:
    """A SentencePiece model trained until each word of the texts is one piece, written to the file."""
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        vocab_size=1000,
        hard_vocab_limit=False,
        model_type="bpe",
        character_coverage=1.0,
        minloglevel=2,
    )
    file.write_bytes(model.getvalue())
    return SentencePieceProcessor(model_file=str(file))

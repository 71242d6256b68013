"""A tiny chat model of HunYuan's architecture, taught the lexicon of tiny_checkpoints.py word by word."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.engines.translation.tiny_checkpoints import WORDS, corpus, said


def hunyuan(folder: Path, taught: Mapping[str, str], prompt: Callable[[str, str], str]) -> Path:
    """A HunYuan chat model as on the hub: byte-level BPE, chat_template.jinja, one safetensors file.

    `taught`: the English name of a language by the ending that its words have; `prompt(name, text)`: what the engine
    asks.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoTokenizer, HunYuanDenseV1Config, HunYuanDenseV1ForCausalLM

    special = ["<pad>", "<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = [*corpus(tuple(taught)), *(prompt(name, word) for name in taught.values() for word in WORDS)] * 5
    texts += [f"{word}{ending}" for word in WORDS for ending in taught] * 20  # at the start of a line, too
    trainer = trainers.BpeTrainer(
        vocab_size=1200,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "bos_token": "<|begin|>", '
        '"eos_token": "<|end|>"}'
    )
    (folder / "chat_template.jinja").write_text(
        "<|begin|>{% for message in messages %}<|user|>{{ message['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    chat = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    model = HunYuanDenseV1ForCausalLM(
        HunYuanDenseV1Config(
            vocab_size=tokenizer.get_vocab_size(),
            **dict.fromkeys(("hidden_size", "intermediate_size"), 64),
            **dict.fromkeys(("num_attention_heads", "num_key_value_heads"), 4),
            head_dim=16,
            num_hidden_layers=2,
            max_position_embeddings=4096,
            initializer_range=0.1,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            tie_word_embeddings=True,
        )
    )

    def asked(text: str, ending: str) -> list[int]:
        messages = [{"role": "user", "content": prompt(taught[ending], text)}]
        return list(chat.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"])

    teach_to_continue(
        model,
        tuple(taught),
        asked,
        lambda text, ending: [*chat.encode(said(text, ending), add_special_tokens=False), 2],
    )
    model.generation_config.update(do_sample=True, temperature=0.7, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    return folder


def teach_to_continue(
    model: Any,
    endings: tuple[str, ...],
    encode: Callable[[str, str], list[int]],
    encode_answer: Callable[[str, str], list[int]],
    *,
    n_steps: int = 250,
) -> None:
    """As `teach`, for a model that continues its prompt; sentences are one word long."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    chance = random.Random(1)
    examples = [
        (encode(word + stop, ending), encode_answer(word + stop, ending))
        for word in WORDS
        for ending in endings
        for stop in ("", ".")
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    model.train()
    for _ in range(n_steps):
        batch = chance.sample(examples, 12)
        longest = max(len(asked) + len(answer) for asked, answer in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        labels = torch.full_like(ids, -100)
        for row, (asked, answer) in enumerate(batch):
            ids[row, : len(asked) + len(answer)] = torch.tensor([*asked, *answer])
            labels[row, len(asked) : len(asked) + len(answer)] = torch.tensor(answer)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()

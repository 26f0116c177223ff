"""Makes tiny tokenizers with the structure of the tokenizer.json of each model family.

    pip install tokenizers sentencepiece gguf
    python make_family_fixtures.py

Normalizer, pre_tokenizer, model options, post_processor, decoder and the flags of the added tokens
are those of the published files (or of what transformers 5 writes for the family); vocabulary and
merges are learned from a few lines. Golden files as in make_tokenizer_fixtures.py.
"""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

from make_tokenizer_fixtures import CL100K, CORPUS, HERE, UGLY, characters, golden, write

TEXTS = [
    "a\n\nb\n\n\nc\n\n\n\n\nd", "\n\n\n", "a  b   c    d     e", "    x", "def f():\n        return 1\n\n\n\n    # x", "\t\tx\t y",
    "1 12 123 1234 12345 123456 1234567, 3,14 v2.0.10 2024-01-31", "I'm you're he'll they'd we've DON'T Y'ALL'S l'été o'clock",
    "cafe\u0301 café A\u030angstro\u0308m \uac00 \u1100\u1161 \ufb01 \u2126 \u1e0b\u0323", "🙂👩\u200d👩\u200d👧 ❤\ufe0f 🏴\u200d☠\ufe0f é\u200dx", "𓀀 \u0f00 ☃ ᚠ \u2060",
    "<|user|>\nhi <|end|>\n<|assistant|>\n  ok<|end|>", "<|user|>  \t\n  x<|user|><|assistant|> </s>  y </s>\n", " <|system|> x <s> <s>",
    "<start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n", "<bos>x<eos><unused1> <unused12><pad>", "▁▁x ▁▁▁ y▁",
    "<think>\n\n</think>\n\nok<tool_call>{}</tool_call>", "<|extratoken_1|><|extratoken_12|> x <|extratoken_3|>y", "</s>x</s> <pad></s>",
    "|||IP_ADDRESS||| x |||EMAIL_ADDRESS|||.", "<|begin_of_text|>x<|eot_id|><|endoftext|>\n\n<|endoftext|> ", "<0x0A><0xE2> <0x0a>", "the weather together", "[INST] x [/INST]y",
    "HelloWORLD fooBar XMLHttpRequest iPHONE ÀÉn éÀ \u01c5x \u01c4 A", "a/b//c //\n/x !\n//y ./\r\n/", "It'S DON'T we'LLx x'sY 'tA A'RE'vE",
    "日本A語bC ªBc ºD ʰA Aʰb नमस्तेA", "\u0301A \u0301Ab B\u0301C \u0301 \u0301\u0301a (Ab)C _Ab _AB -\u0301A", "ABCDEF ABCd AB12CD 1a2B \u2167A \u2160\u0301a",
    "a \u00a0\u00a0 b\u3000\u3000 c \u2028 d", "x\r\n\r\ny\n\r\nz \r z", "(x)[y]{z}//!\n\n --\n", " \u0301a \u200d's 'S\u0301 's\u0301", "reachable reachable\n\n\n", "don\u2019t \u2018x\u2019 --\u2014",
]

LONG = [("Hello, wörld! 123\r\n", 500), ("a", 10_000), (" ", 10_000), ("\n", 10_000), ("e\u0301", 3_000), ("🦙", 2_000), ("你好 ", 2_000)]


def special(*tokens, **flags):
    return [AddedToken(token, special=True, **{"normalized": False, **flags}) for token in tokens]


def plain(*tokens, **flags):
    return [AddedToken(token, special=False, **{"normalized": False, **flags}) for token in tokens]


UPPER, LOWER, LEAD = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", r"[^\r\n\p{L}\p{N}]?"
CASED = (f"{LEAD}{UPPER}*{LOWER}+@|{LEAD}{UPPER}+{LOWER}*@" r"|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = CASED.replace("@", "")
O200K = CASED.replace("@", "(?i:'s|'t|'re|'ve|'m|'ll|'d)?")


def split(digits, behavior, invert, pattern=CL100K):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern % digits), behavior, invert),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_level(first, pre_tokenizer, normalizer=None, added=(), words=(), **options):
    """A byte-level BPE; the tokens of `first` have the lowest ids, `words` are no merge's result."""
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizer
    learned.train_from_iterator(CORPUS.split("\n"), trainers.BpeTrainer(
        vocab_size=400, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(learned.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    assert not set(pieces) & set(words)
    vocabulary = {token: index for index, token in enumerate([str(token.content) for token in first] + pieces + list(words))}
    tokenizer = Tokenizer(models.BPE(vocabulary, [tuple(merge) for merge in model["merges"]], **options))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoders.ByteLevel()
    add(tokenizer, list(first) + list(added))
    return tokenizer


def add(tokenizer, tokens):
    for token in tokens:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])


def template(tokenizer, single):
    names = [name for name in single.split(" ") if name != "$A"]
    return processors.TemplateProcessing(single=single, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])


def gpt2(**options):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, **options)


def gptj():
    extra = plain(*[f"<|extratoken_{index}|>" for index in range(1, 13)], normalized=True)
    tokenizer = byte_level([], gpt2(), added=special("<|endoftext|>") + extra, continuing_subword_prefix="", end_of_word_suffix="")
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def opt():
    tokenizer = byte_level(special("<s>", "<pad>", "</s>", "<unk>", normalized=True), gpt2(), unk_token="</s>")
    tokenizer.post_processor = template(tokenizer, "</s> $A")
    return tokenizer


def neox():
    added = plain(*[" " * count for count in range(24, 1, -1)], "|||EMAIL_ADDRESS|||", "|||IP_ADDRESS|||", normalized=True)
    tokenizer = byte_level(special("<|endoftext|>", "<|padding|>"), gpt2(), normalizers.NFC(), added)
    tokenizer.post_processor = template(tokenizer, "$A")
    return tokenizer


def olmo2():
    added = plain("|||EMAIL_ADDRESS|||", "|||IP_ADDRESS|||") + special("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>")
    return byte_level([], split("{1,3}", "removed", True), added=added)


def stablelm2():
    added = special("<|endoftext|>", "<|fim_prefix|>", "<|im_start|>", "<|im_end|>")
    tokenizer = byte_level([], split("", "removed", True), normalizers.NFC(), added)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


def qwen3():
    added = special("<|endoftext|>", "<|im_start|>", "<|im_end|>") + plain("<tool_call>", "</tool_call>", "<think>", "</think>")
    tokenizer = byte_level([], split("", "isolated", False), normalizers.NFC(), added, continuing_subword_prefix="", end_of_word_suffix="")
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def smollm3():
    added = special("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>") + plain("<think>", "</think>")
    tokenizer = byte_level([], split("{1,3}", "isolated", False), added=added, words=["123", "Ġreachable", "ĊĊĊ"], ignore_merges=True)
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template(tokenizer, "<|begin_of_text|> $A")])
    return tokenizer


def nemo():
    """Mistral NeMo and later, made by tekken."""
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    tokenizer = byte_level(special(*names), split("", "isolated", False, TEKKEN), words=["Ġreachable"], ignore_merges=True)
    tokenizer.post_processor = template(tokenizer, "<s> $A")
    return tokenizer


def phi4mini():
    added = special("<|endoftext|>", lstrip=True, rstrip=True) + special("<|user|>", "<|end|>", "<|assistant|>", rstrip=True)
    tokenizer = byte_level([], split("{1,3}", "removed", True, O200K), added=added)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
REPLACE = normalizers.Replace(" ", "▁")


def character_level(first, added, more_merges=(), unknown="<unk>"):
    words, merges = characters()
    more = [left + right for left, right in more_merges]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(first + words + more))}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges + list(more_merges), unk_token=unknown, fuse_unk=True, byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    add(tokenizer, added)
    return tokenizer


def gemma():
    """Runs of newlines and of U+2581 are added tokens, and the tab takes the place of its byte."""
    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    unused = [f"<unused{index}>" for index in range(13)]
    turns = ["<start_of_turn>", "<end_of_turn>"]
    runs = ["\n" * count for count in range(1, 9)] + ["▁" * count for count in range(2, 9)] + ["<table>", "<tr>"]
    pieces = ["\t" if token == "<0x09>" else token for token in BYTES]
    spaces = [("▁" * left, "▁" * right) for count in range(2, 9) for left in range(1, count) if (right := count - left)]
    tokenizer = character_level(names + unused + turns + runs + pieces, special(*names) + plain(*unused) + special(*turns) + plain(*runs), spaces)
    tokenizer.normalizer = REPLACE
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = template(tokenizer, "<bos> $A")
    return tokenizer


def phi3():
    turns = ["<|assistant|>", "<|placeholder1|>", "<|system|>", "<|end|>", "<|user|>"]
    added = special("<unk>", "<s>") + plain("</s>", rstrip=True) + special("<|endoftext|>") + special(*turns, rstrip=True)
    tokenizer = character_level(["<unk>", "<s>", "</s>"] + BYTES, added)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), REPLACE])
    strip(tokenizer)
    tokenizer.post_processor = template(tokenizer, "$A")
    return tokenizer


def llama1():
    """Older files: special tokens are looked for in the normalized text."""
    tokenizer = character_level(["<unk>", "<s>", "</s>"] + BYTES, special("<unk>", "<s>", "</s>", normalized=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), REPLACE])
    strip(tokenizer)
    tokenizer.post_processor = template(tokenizer, "<s> $A </s>")
    return tokenizer


def mistral():
    tokenizer = character_level(["<unk>", "<s>", "</s>", "[INST]", "[/INST]"] + BYTES, special("<unk>", "<s>", "</s>", "[INST]", "[/INST]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    strip(tokenizer)
    tokenizer.post_processor = template(tokenizer, "<s> $A")
    return tokenizer


def strip(tokenizer):
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])


def older_form(root):
    """As files of 2021 look: no model type, merges as "a b", no use_regex."""
    del root["model"]["type"]
    root["model"]["merges"] = [" ".join(merge) for merge in root["model"]["merges"]]
    for part in ("pre_tokenizer", "post_processor", "decoder"):
        root[part].pop("use_regex", None)
    return root


GROUPS = {"gptj-opt-neox": [gptj, opt, neox], "olmo2-stablelm2": [olmo2, stablelm2], "qwen3-smollm3": [qwen3, smollm3], "nemo-phi4mini": [nemo, phi4mini],
          "gemma-phi3": [gemma, phi3], "llama1-mistral": [llama1, mistral]}


def main():
    for group, makers in GROUPS.items():
        goldens = []
        for make in makers:
            name = f"tiny-{make.__name__}"
            root = json.loads(make().to_str())
            text = json.dumps(older_form(root) if make is gptj else root, ensure_ascii=False, separators=(",", ":"))
            (HERE / f"{name}.json").write_text(text + "\n")
            tokenizer = Tokenizer.from_str(text)
            goldens.append(golden(name, lambda text: tokenizer.encode(text).ids,
                                  lambda ids: tokenizer.decode(ids, skip_special_tokens=False), LONG, UGLY + TEXTS))
        write(f"golden-{group}.json", goldens)


main()

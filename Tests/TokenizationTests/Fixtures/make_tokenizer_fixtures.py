"""Makes the tokenizer fixtures of this folder with the reference libraries.

    pip install tokenizers sentencepiece gguf
    python make_tokenizer_fixtures.py SHARED_TOKENIZERS SMOLLM2_GGUF

SHARED_TOKENIZERS holds gpt2/, mistral/ and gpt-neox/ as in the project's shared data. Each golden
file is a list of {name, cases: [{text | repeat, ids | count, sha256}], decoded}.
"""

import hashlib
import json
import pathlib
import sys

import gguf
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

HERE = pathlib.Path(__file__).parent

CORPUS = """
The quick brown fox jumps over the lazy dog, and the dog doesn't mind; it's used to foxes by now.
A tokenizer turns text into numbers. The numbers are turned into text again, exactly as it was.
Write a function that returns the sum of two numbers:
def add(first, second):
    return first + second
for index in range(10):
    print(index, add(index, 2 * index))
We'll see what they've done, what you'd do, and what I'm going to do about the weather in 1984.
There are 365 days in a year, 24 hours in a day, 60 minutes in an hour and 3600 seconds in it.
Die Prüfung war schwer, aber schön: Äpfel, Öl und Übung. Voilà, c'était déjà l'été à la plage.
Съешь ещё этих мягких французских булок, да выпей чаю. Привет, мир! Привет, привет.
你好，世界！你好。日本語のテキストもあります。 한국어 텍스트도 있습니다.
the the the there then they them these other another mother father weather together whether
""".strip()

UGLY = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r\n\r\n \r\n", "\t\n", " \n  x", "x \n", "a\u0000b\u0000\u0000",
    "Hello world", " Hello  world ", "Hello, y'all! How are you?", "it's IT'S we'Ll WE'VE 'sx '\u017f 'D 'RE'",
    "0 00 000 0000 1234567890 ½ ² ३४५ ⅷ 1,234.56", "3.14159 3e-5 x2y3 10th", "def f(x):\n    return x**2  # ok\n\n\nf(3)\n",
    "  leading", "trailing   ", "a   b    c\u00a0d\u3000e\u2003f\u0085g", "\u200b\u200d\ufeffzero\u00adwidth\ufeff",
    "Ünïcödé naïve Äpfel Straße ſtraſſe İstanbul ıI", "e\u0301 n\u0303 \u0301x \u1e9b\u0323 A\u030a Å \u212b ﬁ",
    "\u0928\u093f हिन्दी में पाठ", "កាន់តែពិសេសអាចខលចេញ", "ไทยภาษา", "עברית العربية مرحبا", "نص \u202eعكس\u202c نص",
    "你好，世界！日本語のテキスト。한국어 텍스트", "カタカナｶﾀｶﾅ㌔①②", "🚀 (normal) 😶‍🌫️ (multiple emojis concatenated) ✅ 👩‍👩‍👧‍👦 🇩🇪 👍🏽",
    "🦙🦙🦙x🦙", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𒀀 \U0010ffff \ue000", "\u0000\u0001\u0002\u001b[0m\u007f", "a\tb\t\tc\r\rd\n\r", "!!!??? ... --- ///",
    "<html><body class=\"x\">&amp;</body></html>", "https://example.org/a?b=c&d=%20#e", "{\"key\": [1, 2.5, null]}",
    "<|im_start|>user\nhi<|im_end|>\n", "<s> x </s><s>y", "<|endoftext|>", "x<|im_end|>  y  <|im_start|>", "▁under▁score ▁ ▁▁",
    "<0x41> <unk> <pad>", "ab" * 40, "The" * 30, "thethe there\u0301the", "\u0301\u0301\u0301", "'''' '' ' 's' 't", "$$ 5€ £3 ¥9 ¢",
    "CamelCaseAndsnake_case-and-kebab.case", "\n \n  \n   \n    x", " \u3000 \u3000x", "a\u2028b\u2029c\u000bd\u000ce\u001cf",
]

LONG = [("a", 100_000), ("abcdefghij", 10_000), (" ", 100_000), ("\n", 100_000), ("ab cd ", 16_667), ("0123456789", 10_000),
        ("你好", 17_000), ("🦙", 25_000), ("e\u0301", 33_000), ("!?", 50_000), ("Hello, wörld! 123\r\n", 5_000)]


def golden(name, encode, decode=None, long=LONG, texts=UGLY):
    cases = []
    for text in texts:
        ids = encode(text)
        case = {"text": text, "ids": ids}
        if decode:
            case["decoded"] = decode(ids)
        cases.append(case)
    for text, count in long:
        ids = encode(text * count)
        digest = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
        cases.append({"text": text, "repeat": count, "count": len(ids), "sha256": digest})
    return {"name": name, "cases": cases}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def of_tokenizer(name, tokenizer):
    return golden(name, lambda text: tokenizer.encode(text).ids, lambda ids: tokenizer.decode(ids, skip_special_tokens=False))


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def pipeline(kind):
    if kind == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    pattern = CL100K % ("{1,3}" if kind == "llama3" else "")
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_level(kind):
    special = {"smollm": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
               "llama3": ["<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>"],
               "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]}[kind]
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
    tokenizer.pre_tokenizer = pipeline(kind)
    tokenizer.decoder = decoders.ByteLevel()
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainer)
    if kind == "llama3":
        template = processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[
            ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
        tokenizer.add_tokens([AddedToken("thethe", normalized=True, single_word=True), AddedToken("🦙🦙", lstrip=True, rstrip=True, normalized=False)])
    return tokenizer


def characters():
    """Pieces and merges of a character BPE whose words begin with U+2581."""
    plain = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    plain.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    text = ("▁" + CORPUS.replace(" ", "▁")).replace("\n", "")
    # Named one by one: of equally frequent characters the trainer takes others in every run.
    alphabet = sorted(set(text), key=lambda character: (-text.count(character), character))[:90]
    plain.train_from_iterator(CORPUS.split("\n"), trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<unk>"], show_progress=False, limit_alphabet=90, initial_alphabet=alphabet))
    trained = json.loads(plain.to_str())
    words = [token for token, _ in sorted(trained["model"]["vocab"].items(), key=lambda item: item[1]) if token != "<unk>"]
    return words, [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in trained["model"]["merges"]]


def character_level(kind):
    """LLaMA-2's tokenizer.json, in the older form (normalizer) and the newer one (Metaspace)."""
    words, merges = characters()
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + words
    if kind == "unknown":
        tokens = ["<unk>", "<s>", "</s>"] + words
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=kind != "unknown"))
    if kind == "metaspace":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer


def sentencepiece_model(path, **options):
    text = HERE / "corpus.tmp"
    text.write_text(CORPUS)
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(HERE / path), vocab_size=options.pop("vocab_size", 520), character_coverage=0.98,
        byte_fallback=True, normalization_rule_name="identity", minloglevel=2, **options)
    text.unlink()
    (HERE / (path + ".vocab")).unlink()


def of_sentencepiece(name, path, **keywords):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return golden(name, lambda text: processor.encode(text), lambda ids: processor.decode(ids), **keywords)


def smollm2(path):
    fields = gguf.GGUFReader(path).fields
    strings = lambda name: [bytes(fields[name].parts[index]).decode() for index in fields[name].data]
    tokens, merges = strings("tokenizer.ggml.tokens"), strings("tokenizer.ggml.merges")
    types = [int(fields["tokenizer.ggml.token_type"].parts[index][0]) for index in fields["tokenizer.ggml.token_type"].data]
    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, [tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pipeline("smollm")
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token, kind in zip(tokens, types) if kind == 3])
    return tokenizer


def main():
    shared, model = pathlib.Path(sys.argv[1]), sys.argv[2]
    tiny = []
    for kind in ("smollm", "llama3", "qwen2"):
        tokenizer = byte_level(kind)
        tokenizer.save(str(HERE / f"tiny-{kind}.json"), pretty=False)
        tiny.append(of_tokenizer(f"tiny-{kind}", tokenizer))
    for kind in ("llama2", "metaspace", "unknown"):
        tokenizer = character_level(kind)
        tokenizer.save(str(HERE / f"tiny-{kind}.json"), pretty=False)
        tiny.append(of_tokenizer(f"tiny-{kind}", tokenizer))
    write("golden-tiny.json", tiny)
    sentencepiece_model("tiny-bpe", model_type="bpe", remove_extra_whitespaces=False)
    sentencepiece_model("tiny-bpe-symbols", model_type="bpe", user_defined_symbols=["function", "été"], remove_extra_whitespaces=True)
    sentencepiece_model("tiny-unigram", model_type="unigram", vocab_size=420, max_sentencepiece_length=4)
    write("golden-sentencepiece.json", [of_sentencepiece(name, HERE / f"{name}.model") for name in ("tiny-bpe", "tiny-bpe-symbols")])
    gpt2 = Tokenizer(models.BPE.from_file(str(shared / "gpt2/encoder.json"), str(shared / "gpt2/vocab.bpe")))
    gpt2.pre_tokenizer, gpt2.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    gpt2.add_special_tokens(["<|endoftext|>"])
    write("golden-gpt2.json", [of_tokenizer("gpt2", gpt2)])
    write("golden-neox.json", [of_tokenizer("gpt-neox", Tokenizer.from_file(str(shared / "gpt-neox/tokenizer.json")))])
    write("golden-mistral.json", [of_sentencepiece("mistral", shared / "mistral/tokenizer.model.v1")])
    write("golden-smollm2.json", [of_tokenizer("smollm2", smollm2(model))])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Holds the texts and scores of `peqa eval --tasks super_ni` against transformers and rouge-score.

Set-up:  V/bin/pip install torch transformers rouge-score==0.1.2
Use:     peqa eval MODEL --dtype fp32 --tasks super_ni --data-dir DATA --limit 6 --output OUT
         V/bin/python check_generations.py MODEL OUT

MODEL is a Hugging Face directory. Each prompt of OUT/samples_*.jsonl is continued greedily in float32, up to --tokens tokens,
the end of the text or an empty line; texts must be the same, but where the two best tokens lie within --tolerance of each
other, and ROUGE-L and exact match those of the package and of the rules of Super-NaturalInstructions. Exit code 1: a fault.
"""
import argparse, json, string, sys
from pathlib import Path

import torch
from rouge_score import rouge_scorer
from transformers import AutoModelForCausalLM, AutoTokenizer

STOP = "\n\n"


def greedy(model, tokenizer, prompt, limit):
    """The text, and the least distance of the two best logits."""
    tokens = tokenizer(prompt, return_tensors="pt")["input_ids"]
    cache, given, narrowest = None, [], float("inf")
    while len(given) < limit:
        with torch.no_grad():
            found = model(tokens, past_key_values=cache, use_cache=True)
        cache = found.past_key_values
        best = found.logits[0, -1].topk(2)
        narrowest = min(narrowest, float(best.values[0] - best.values[1]))
        token = int(best.indices[0])
        if token == tokenizer.eos_token_id:
            break
        given.append(token)
        if STOP in tokenizer.decode(given, skip_special_tokens=True, clean_up_tokenization_spaces=False):
            break
        tokens = torch.tensor([[token]])
    text = tokenizer.decode(given, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.split(STOP)[0], narrowest


def plain(text):
    return " ".join("".join(c for c in text.lower() if c not in string.punctuation).split())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("samples")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    faults, compared, near = 0, 0, 0
    for path in sorted(Path(options.samples).glob("samples_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            text = sample["filtered_resps"][0]
            targets = sample["target"] if isinstance(sample["target"], list) else [sample["target"]]
            wanted, distance = greedy(model, tokenizer, sample["arguments"]["gen_args_0"]["arg_0"], options.tokens)
            compared += 1
            where = f"{path.stem} {sample['doc_id']}"
            if text != wanted:
                near += distance < options.tolerance
                if distance >= options.tolerance:
                    faults += 1
                    print(f"{where}: {text!r} instead of {wanted!r}, two tokens are {distance:.1e} apart")
            rouge = max(scorer.score(target=target, prediction=text)["rougeL"].fmeasure for target in targets)
            exact = float(any(plain(text) == plain(target) for target in targets))
            if abs(sample["rougeL"] - rouge) > 1e-9 or sample["exact_match"] != exact:
                faults += 1
                print(f"{where}: {sample['rougeL']}, {sample['exact_match']} instead of {rouge}, {exact}: {text!r}")
    print(f"{compared} texts, {near} others by rounding, {faults} faults")
    sys.exit(1 if faults or not compared else 0)


main()

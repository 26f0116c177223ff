"""Makes sampling.json: what Hugging Face's own logits processors keep of random logits.

Needs torch and transformers: python make_sampling.py > sampling.json
"""
import json

import torch
import transformers
from transformers.generation.logits_process import (
    MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
    TopKLogitsWarper, TopPLogitsWarper)

CASES = [  # temperature, top_k, top_p, min_p, repetition_penalty
    (1.0, 0, 1.0, 0.0, 1.0), (0.7, 0, 1.0, 0.0, 1.0), (2.5, 0, 1.0, 0.0, 1.3),
    (1.0, 1, 1.0, 0.0, 1.0), (1.0, 7, 1.0, 0.0, 1.0), (0.8, 40, 1.0, 0.0, 1.2),
    (1.0, 1000, 1.0, 0.0, 1.0), (1.0, 0, 0.1, 0.0, 1.0), (1.0, 0, 0.5, 0.0, 1.0),
    (1.5, 0, 0.95, 0.0, 0.8), (1.0, 0, 0.999, 0.0, 1.0), (1.0, 0, 1.0, 0.05, 1.0),
    (1.0, 0, 1.0, 0.5, 1.0), (1.0, 0, 1.0, 1.0, 1.0), (1.3, 50, 0.9, 0.02, 1.1),
    (0.6, 20, 0.8, 0.1, 1.5),
]

torch.manual_seed(1)
cases = []
for temperature, top_k, top_p, min_p, penalty in CASES:
    # Multiples of 1/64 are exact in any float format and in decimal text.
    logits = (torch.randn(1, 101) * 3 * 64).round() / 64
    seen = torch.randint(0, 101, (1, 12))
    scores = logits.clone()
    processors = []
    if penalty != 1.0:
        processors.append(RepetitionPenaltyLogitsProcessor(penalty))
    if temperature != 1.0:
        processors.append(TemperatureLogitsWarper(temperature))
    if top_k:
        processors.append(TopKLogitsWarper(top_k))
    if top_p < 1.0:
        processors.append(TopPLogitsWarper(top_p))
    if min_p > 0.0:
        processors.append(MinPLogitsWarper(min_p))
    for processor in processors:
        scores = processor(seen, scores)
    probabilities = torch.softmax(scores.double(), dim=-1)[0]
    cases.append({
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
        "repetition_penalty": penalty, "seen": seen[0].tolist(), "logits": logits[0].tolist(),
        "kept": {str(i): round(p, 9) for i, p in enumerate(probabilities.tolist())
                 if torch.isfinite(scores[0, i])},
    })
print(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__,
                  "cases": cases}))

#!/usr/bin/env python3
"""Make distillation/golden.json: losses against a teacher's most probable tokens and their gradients, by torch.autograd.

Use:  V/bin/python make_distillation.py     (set-up as for make_golden.py; the same versions give the same bytes)

Everything is float64, from inputs rounded to float32. The divergence is that of torch.nn.functional.kl_div over the
outcomes "token i" for the tokens that the teacher names, and "another token" for the rest.
"""
import json, os

import numpy as np
import torch

VOCABULARY = 37


def case(rng, cap, temperature, weight, count):
    student = rng.normal(0, 3, VOCABULARY).astype(np.float32)
    teacher = torch.log_softmax(torch.tensor(student + rng.normal(0, 2, VOCABULARY)) / temperature, 0)
    ids = torch.sort(torch.topk(teacher, count).indices).values
    others = torch.ones(VOCABULARY, dtype=bool).scatter(0, ids, False)
    rounded = lambda x: x.numpy().astype(np.float32).astype(float)
    logs = rounded(teacher[ids])
    rest = rounded(torch.logsumexp(teacher[others], 0)) if count < VOCABULARY else None
    target = int(rng.integers(VOCABULARY))

    z = torch.tensor(student.astype(float), requires_grad=True)
    capped = cap * torch.tanh(z / cap) if cap else z
    own = torch.log_softmax(capped / temperature, 0)
    outcomes, wanted = own[ids], torch.tensor(logs)
    if rest is not None:
        outcomes = torch.cat([outcomes, torch.logsumexp(own[others], 0)[None]])
        wanted = torch.cat([wanted, torch.tensor([float(rest)], dtype=torch.float64)])
    kl = torch.nn.functional.kl_div(outcomes, wanted, reduction="sum", log_target=True)
    task = torch.nn.functional.cross_entropy(capped[None], torch.tensor([target]))
    (weight * temperature**2 * kl + (1 - weight) * task).backward()
    return dict(cap=cap, temperature=temperature, weight=weight, ids=ids.tolist(), logs=logs.tolist(),
                rest=None if rest is None else float(rest), target=target, logits=[float(x) for x in student],
                kl=kl.item(), task=task.item(), gradient=z.grad.tolist())


def main():
    rng = np.random.default_rng(7)
    cases = [case(rng, cap, temperature, weight, count)
             for cap in [0, 5.0] for temperature, weight in [(1.0, 1.0), (2.0, 0.25), (0.5, 0.0)]
             for count in [1, 8, VOCABULARY]]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "distillation", "golden.json")
    with open(path, "w") as file:
        json.dump(dict(vocabulary=VOCABULARY, torch=torch.__version__, cases=cases), file)
        file.write("\n")


if __name__ == "__main__":
    main()

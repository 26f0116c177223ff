"""Prints the golden numbers of ScheduleTests and OptimizerTests. Needs torch and transformers."""
import torch
from transformers import (get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup,
                          get_cosine_with_min_lr_schedule_with_warmup,
                          get_linear_schedule_with_warmup)

STEPS = [0, 1, 3, 4, 5, 10, 17, 19, 20, 25]
SCHEDULES = {
    "linear 4": lambda o: get_linear_schedule_with_warmup(o, 4, 20),
    "linear 0": lambda o: get_linear_schedule_with_warmup(o, 0, 20),
    "cosine 4": lambda o: get_cosine_schedule_with_warmup(o, 4, 20),
    "cosine 4 min 0.1": lambda o: get_cosine_with_min_lr_schedule_with_warmup(
        o, 4, 20, min_lr_rate=0.1),
    "constant 4": lambda o: get_constant_schedule_with_warmup(o, 4),
}
for name, make in SCHEDULES.items():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-3)
    factor = make(optimizer).lr_lambdas[0]
    print(name, [3e-3 * factor(step) for step in STEPS])


def gradient(step, i):
    return ((step * 7 + i * 13) % 23 - 11) / 16 * (1 if i != 3 else 1e-4)


for decay in (0.0, 0.1):
    p = torch.nn.Parameter(torch.tensor([0.5, -0.25, 0.0, 1.0, -2.0], dtype=torch.float64))
    optimizer = torch.optim.AdamW([p], lr=1, betas=(0.9, 0.95), eps=1e-8, weight_decay=decay)
    for step in range(12):
        p.grad = torch.tensor([gradient(step, i) for i in range(5)], dtype=torch.float64)
        norm = torch.nn.utils.clip_grad_norm_([p], 1.0)
        optimizer.param_groups[0]["lr"] = 1e-2 * (12 - step) / 12
        optimizer.step()
    print(decay, p.tolist(), float(norm))

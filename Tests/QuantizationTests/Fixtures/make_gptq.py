"""Codes that GPTQModel gives one layer, with the layer, its inputs and the grid: gptq.json beside this file.
Needs gptqmodel (7.7.0 was used) and torch. The inputs are correlated, as those of a model are."""
import json, os
import torch
from gptqmodel.quantization import QuantizeConfig
from gptqmodel.quantization.gptq import GPTQ

torch.manual_seed(1)
cases = []
for bits, group, act in ((3, -1, False), (4, -1, True), (4, 32, False), (2, -1, False)):
    rows, columns, tokens = 12, 64, 96
    mix = torch.randn(columns, columns) / 8 + torch.diag(torch.rand(columns) * 2)
    x = (torch.randn(tokens, columns) @ mix).mul(1000).round().div(1000)
    layer = torch.nn.Linear(columns, rows, bias=False)
    layer.weight.data = (torch.randn(rows, columns) * 500).round() / 10000
    config = QuantizeConfig(bits=bits, group_size=group, sym=False, desc_act=act, damp_percent=0.01,
                            act_group_aware=False)
    task = GPTQ(layer, config)
    task.quantizer.configure(perchannel=True)
    task.add_batch(x.unsqueeze(0), layer(x).unsqueeze(0))
    result = task.quantize()
    q, scale, zero = result[0], result[1], result[2]
    scale, zero = scale.view(rows, -1), zero.view(rows, -1)
    index = torch.arange(columns) // (columns if group == -1 else group)
    if len(result) > 3 and result[3] is not None and group != -1:
        index = result[3].view(-1).long()
    codes = torch.clamp(torch.round(q / scale[:, index]) + zero[:, index], 0, 2**bits - 1)
    cases.append({
        "bits": bits, "group_size": group, "act_order": act, "rows": rows, "columns": columns,
        "weights": [round(w, 4) for w in layer.weight.data.flatten().tolist()], "inputs": [round(v, 3) for v in x.flatten().tolist()],
        "scales": scale.flatten().tolist(), "zeros": [int(z) for z in zero.flatten()],
        "codes": [int(c) for c in codes.flatten()]})
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gptq.json")
with open(path, "w") as file:
    json.dump(cases, file, separators=(",", ":"))

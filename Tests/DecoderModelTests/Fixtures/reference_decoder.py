"""Two decoders that share no code: float64 from the papers, and the `transformers` model."""
import math

import torch
import transformers

from tiny_models import head_dim


class Reference:
    """LLaMA family in one precision throughout; weights by canonical name, one segment [T] at a time."""

    def __init__(self, config, dtype=torch.float64):
        self.c, self.dtype, self.h = config, dtype, head_dim(config)
        self.frequencies = torch.tensor([self.frequency(i) for i in range(self.h // 2)], dtype=torch.float64)
        window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
        self.window = window or 1 << 30

    def frequency(self, i):
        f = self.c["rope_theta"] ** (-2 * i / self.h)
        scaling = self.c.get("rope_scaling")
        if not scaling:
            return f
        if scaling["rope_type"] == "yarn":      # the ramp of the paper, over whole pairs
            pair = lambda turns: (self.h * math.log(scaling["original_max_position_embeddings"] / (turns * 2 * math.pi))
                                  / (2 * math.log(self.c["rope_theta"])))
            low, high = max(math.floor(pair(scaling["beta_fast"])), 0), math.ceil(pair(scaling["beta_slow"]))
            divided = min(max((i - low) / (high - low), 0), 1)
            return (1 - divided) * f + divided * f / scaling["factor"]
        turns = scaling["original_max_position_embeddings"] * f / (2 * math.pi)
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        keep = min(max((turns - low) / (high - low), 0), 1)
        return keep * f + (1 - keep) * f / scaling["factor"]

    def norm(self, x, weight):
        return x / (x.pow(2).mean(-1, keepdim=True) + self.c["rms_norm_eps"]).sqrt() * weight

    def rotate(self, x):
        """x [T, heads, h]: the pair (i, i + h/2) as a complex number turned by position * frequency."""
        angle = torch.arange(x.shape[0], dtype=torch.float64)[:, None] * self.frequencies
        scaling = self.c.get("rope_scaling") or {}
        yarn = scaling.get("rope_type") == "yarn"
        size = 0.1 * math.log(scaling["factor"]) + 1 if yarn else 1.0
        turn = torch.polar(size * torch.ones_like(angle), angle)[:, None, :]
        pair = torch.complex(x[..., :self.h // 2].double(), x[..., self.h // 2:].double()) * turn
        return torch.cat([pair.real, pair.imag], -1).to(self.dtype)

    def logits(self, w, ids):
        c, t = self.c, len(ids)
        linear = lambda x, name: x @ w[name + ".weight"].T + w.get(name + ".bias", 0)
        distance = torch.arange(t)[:, None] - torch.arange(t)[None, :]
        blocked = (distance < 0) | (distance >= self.window)
        x = w["model.embed_tokens.weight"][torch.tensor(ids)]
        for n in range(c["num_hidden_layers"]):
            layer = f"model.layers.{n}."
            y = self.norm(x, w[layer + "input_layernorm.weight"])
            q, k, v = (linear(y, f"{layer}self_attn.{p}_proj").view(t, -1, self.h) for p in "qkv")
            if layer + "self_attn.q_norm.weight" in w:      # of each head by itself
                q = self.norm(q, w[layer + "self_attn.q_norm.weight"])
                k = self.norm(k, w[layer + "self_attn.k_norm.weight"])
            if c.get("no_rope_layers", [1] * c["num_hidden_layers"])[n]:
                q, k = self.rotate(q), self.rotate(k)
            repeat = c["num_attention_heads"] // c["num_key_value_heads"]
            k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
            score = torch.einsum("ihd,jhd->hij", q, k) / math.sqrt(self.h)
            p = score.masked_fill(blocked, -math.inf).softmax(-1)
            x = x + linear(torch.einsum("hij,jhd->ihd", p, v).reshape(t, -1), layer + "self_attn.o_proj")
            y = self.norm(x, w[layer + "post_attention_layernorm.weight"])
            gate = linear(y, layer + "mlp.gate_proj")
            x = x + linear(gate * gate.sigmoid() * linear(y, layer + "mlp.up_proj"), layer + "mlp.down_proj")
        head = "model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"
        return self.norm(x, w["model.norm.weight"]) @ w[head].T


def foreign_model(config):
    """The transformers model with the same meaning of config.json."""
    c = transformers.AutoConfig.for_model(**{k: v for k, v in config.items() if k != "architectures"})
    c._attn_implementation = "eager"
    return transformers.AutoModelForCausalLM.from_config(c).float().eval()


def foreign_logits(model, w, ids):
    if model.config.tie_word_embeddings:
        w = dict(w, **{"lm_head.weight": w["model.embed_tokens.weight"]})
    return torch.func.functional_call(model, w, (torch.tensor([ids]),), dict(use_cache=False)).logits[0]

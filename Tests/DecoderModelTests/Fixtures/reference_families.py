"""A second oracle for make_families.py: float64, from peqa's canonical names and the papers.

It shares no code with `transformers`, so that a wrong name, row order or setting shows.
"""
import math

import torch
from torch.nn.functional import gelu, relu, silu

ACTIVATIONS = dict(gelu=gelu, relu=relu, silu=silu, gelu_new=lambda x: gelu(x, approximate="tanh"),
                   gelu_pytorch_tanh=lambda x: gelu(x, approximate="tanh"))


class FamilyReference:
    def __init__(self, family):
        self.f, self.c = family, family.config
        c, kind = self.c, self.c["model_type"]
        self.gemma = kind.startswith("gemma")
        names = ["hidden_act", "hidden_activation", "activation_function"]
        self.act = ACTIVATIONS[next((c[k] for k in names if k in c), "silu")]
        self.epsilon = 1e-6 if self.gemma or kind in ("qwen3_moe", "llama", "mistral", "qwen2", "qwen3") else 1e-5
        self.parallel = kind == "gptj" or c.get("use_parallel_residual", False)
        self.rotated = {"gptj": c.get("rotary_dim"), "opt": 0, "gpt_neo": 0}.get(
            kind, int(family.head * c.get("rotary_pct", c.get("partial_rotary_factor", 1))))
        self.scale = 1.0 if kind == "gpt_neo" else c.get("query_pre_attn_scalar", family.head) ** -0.5
        self.local = {"gemma2": [True, False], "gpt_neo": [False, True], "gemma3_text": [True, True, False],
                      "mistral": [True, True], "phi3": [True, True], "starcoder2": [True, True], "qwen2": [False, True]}.get(kind)
        self.window = c.get("window_size", c.get("sliding_window"))

    def norm(self, w, x, name):
        if name + ".weight" not in w:
            return x
        if self.f.layer_norm:
            x = x - x.mean(-1, keepdim=True)
        x = x / (x.pow(2).mean(-1, keepdim=True) + self.epsilon).sqrt() * w[name + ".weight"]
        return x + w.get(name + ".bias", 0)

    def rotate(self, x, n):
        """x [T, heads, h]: the pair (i, i + rotated/2) turned by position * frequency, the rest kept."""
        c, t, r = self.c, x.shape[0], self.rotated
        theta = c.get("rope_theta", 10000.0)
        if c["model_type"] == "gemma3_text" and self.local[n]:
            theta = c["rope_local_base_freq"]
        dynamic, limit = c.get("rope_parameters"), c.get("max_position_embeddings")
        if dynamic and t > limit:
            theta *= (dynamic["factor"] * t / limit - (dynamic["factor"] - 1)) ** (r / (r - 2))
        angle = torch.arange(t)[:, None, None] * theta ** (torch.arange(r // 2, dtype=torch.float64) * (-2 / max(r, 1)))
        a, b, kept = x.split([r // 2, r // 2, x.shape[-1] - r], -1)
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin(), kept], -1)

    def linear(self, w, x, name):
        return x @ w[name + ".weight"].T + w.get(name + ".bias", 0)

    def attention(self, w, y, n):
        layer, f, t = f"model.layers.{n}.self_attn.", self.f, len(y)
        q, k, v = (self.linear(w, y, f"{layer}{p}_proj") for p in "qkv")
        whole = self.c["model_type"] == "olmo2"      # q_norm and k_norm see all heads at once
        if whole:
            q, k = self.norm(w, q, layer + "q_norm"), self.norm(w, k, layer + "k_norm")
        q, k, v = (x.view(t, -1, f.head) for x in (q, k, v))
        if not whole:
            q, k = self.norm(w, q, layer + "q_norm"), self.norm(w, k, layer + "k_norm")
        q, k = self.rotate(q, n), self.rotate(k, n)
        k, v = (x.repeat_interleave(f.heads // f.shared, 1) for x in (k, v))
        score = torch.einsum("ihd,jhd->hij", q, k) * self.scale
        if cap := self.c.get("attn_logit_softcapping"):
            score = cap * (score / cap).tanh()
        distance = torch.arange(t)[:, None] - torch.arange(t)
        window = self.window if self.local and self.local[n] else t
        p = score.masked_fill((distance < 0) | (distance >= window), -math.inf).softmax(-1)
        return self.linear(w, torch.einsum("hij,jhd->ihd", p, v).reshape(t, -1), layer + "o_proj")

    def mlp(self, w, x, name):
        up = self.linear(w, x, name + "up_proj")
        hidden = self.act(self.linear(w, x, name + "gate_proj")) * up if self.f.gated else self.act(up)
        return self.linear(w, hidden, name + "down_proj")

    def feed_forward(self, w, x, n):
        name = f"model.layers.{n}.mlp."
        if not self.f.experts:
            return self.mlp(w, x, name)
        p = self.linear(w, x, name + "router").softmax(-1)
        kept = p * (p >= p.sort(-1)[0][:, -2:-1])      # of the two best
        share = kept / kept.sum(-1, keepdim=True)
        return sum(share[:, e, None] * self.mlp(w, x, f"{name}experts.{e}.") for e in range(self.f.experts))

    def logits(self, w, ids):
        c, norm = self.c, lambda x, name: self.norm(w, x, name)
        x = w["model.embed_tokens.weight"][torch.tensor(ids)]
        if self.gemma:
            x = x * math.sqrt(c["hidden_size"])
        if "model.project_in.weight" in w:
            x = self.linear(w, x, "model.project_in")
        if "model.embed_positions.weight" in w:
            x = x + w["model.embed_positions.weight"][:len(ids)]
        for n in range(c.get("num_hidden_layers", 2)):
            layer = f"model.layers.{n}."
            y = norm(x, layer + "input_layernorm")
            a = self.attention(w, y, n)
            if c.get("do_layer_norm_before") is False:
                x = norm(x + a, layer + "attention_output_norm")
                x = norm(x + self.feed_forward(w, x, n), layer + "mlp_output_norm")
                continue
            a = norm(a, layer + "attention_output_norm")
            if not self.parallel:
                y = norm(x + a, layer + "post_attention_layernorm")
            elif layer + "post_attention_layernorm.weight" in w:
                y = norm(x, layer + "post_attention_layernorm")
            x = x + a + norm(self.feed_forward(w, y, n), layer + "mlp_output_norm")
        x = norm(x, "model.norm")
        if "model.project_out.weight" in w:
            x = self.linear(w, x, "model.project_out")
        x = x @ w["model.embed_tokens.weight" if self.f.tied else "lm_head.weight"].T + w.get("lm_head.bias", 0)
        cap = c.get("final_logit_softcapping")
        return cap * (x / cap).tanh() if cap else x

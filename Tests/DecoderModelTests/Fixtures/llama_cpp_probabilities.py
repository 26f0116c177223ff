"""llama.cpp's log-probabilities of the next token: `python llama_cpp_probabilities.py FILE.gguf` reads a JSON list of
token ids and writes {"version", "build", "rows": [a list of all tokens' after every prefix]} to the last line of output.

Without flash attention and with a cache in F32, so that llama.cpp rounds as little as it can.
"""
import json, sys

import xllamacpp


def server(path):
    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.n_parallel, p.n_gpu_layers = path, 256, 1, 0
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    p.warmup = p.fit_params = False
    p.cache_type_k = p.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    p.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return xllamacpp.Server(p)


def row(model, ids, vocabulary):
    answer = model.handle_completions(dict(prompt=ids, n_predict=1, n_probs=vocabulary, temperature=1.0, cache_prompt=False,
                                           post_sampling_probs=False))
    answer = json.loads(answer) if isinstance(answer, str) else answer
    found = {t["id"]: t["logprob"] for t in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}
    assert answer["usage"]["prompt_tokens"] == len(ids) and sorted(found) == list(range(vocabulary)), answer
    return [found[n] for n in range(vocabulary)]


if __name__ == "__main__":
    model, ids = server(sys.argv[1]), json.load(sys.stdin)
    rows = [row(model, ids[:n], 96) for n in range(1, len(ids) + 1)]
    print("\n" + json.dumps(dict(version=f"xllamacpp {xllamacpp.__version__}", build=xllamacpp.BUILD_INFO, rows=rows)))

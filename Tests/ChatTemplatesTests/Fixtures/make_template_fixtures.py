"""Renders the chat templates of templates/ with transformers and writes golden-templates.json.

    pip install transformers jinja2
    python make_template_fixtures.py [SMOLLM2_GGUF]      (with gguf: also golden-smollm2-template.json)
"""

import json
import pathlib
import sys

from transformers.utils.chat_template_utils import render_jinja_template

HERE = pathlib.Path(__file__).parent

USER, ASSISTANT, SYSTEM = (lambda text, role=role: {"role": role, "content": text} for role in ("user", "assistant", "system"))

CONVERSATIONS = [
    [USER("Hi")],
    [USER("  What is 2 + 2?\n"), ASSISTANT(" 4. ")],
    [SYSTEM("Be brief.\n"), USER("Hello"), ASSISTANT("Hi!"), USER("Ünïcödé 🦙 <|im_end|>"), ASSISTANT("Línes\n\nof text")],
    [USER("a"), ASSISTANT("<think>\nhm\n</think>\n\nb"), USER("c"), ASSISTANT("<think>x</think>d")],
    [SYSTEM("s"), USER("{{ not a tag }} \\n")],
    [USER("a"), USER("b")],
    [ASSISTANT("I start."), USER("ok")],
    [{"role": "tool", "content": "t"}, USER("u")],
]

TOOL = {"type": "function", "function": {"name": "add", "description": "Adds \"é\" & <b>", "parameters": {
    "type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "array", "items": []}}, "required": ["a"]}}}

EXTRAS = [{}, {"date_string": "01 Jan 2025"}, {"tools": [TOOL], "date_string": "x"}, {"tools": [TOOL, TOOL], "tools_in_user_message": False, "date_string": "y"},
          {"enable_thinking": False, "date_string": "z"}]


def render(source, messages, prompt, extra):
    names = {"bos_token": "<s>", "eos_token": "</s>", **extra}
    tools = names.pop("tools", None)
    try:
        texts, _ = render_jinja_template([messages], tools=tools, chat_template=source, add_generation_prompt=prompt, **names)
        return {"rendered": texts[0]}
    except Exception as error:
        return {"error": type(error).__name__}


def cases(source, extras):
    result = []
    for messages in CONVERSATIONS:
        for extra in extras if messages in CONVERSATIONS[2:4] else extras[:1]:
            for prompt in (False, True):
                case = {"messages": messages, "prompt": prompt, **render(source, messages, prompt, extra)}
                if extra:
                    case["extra"] = extra
                result.append(case)
    return result


def main():
    golden = []
    for path in sorted((HERE / "templates").glob("*.jinja")):
        source = path.read_text()
        rich = path.stem in ("style-llama31", "style-qwen25", "style-thinking")
        extras = EXTRAS[1:] if path.stem == "style-llama31" else EXTRAS if rich else EXTRAS[:1]
        golden.append({"name": path.stem, "cases": cases(source, extras)})
    (HERE / "golden-templates.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    if len(sys.argv) > 1:
        import gguf

        field = gguf.GGUFReader(sys.argv[1]).fields["tokenizer.chat_template"]
        source = field.contents()
        text = json.dumps([{"name": "smollm2", "cases": cases(source, EXTRAS[:1])}], separators=(",", ":"))
        (HERE / "golden-smollm2-template.json").write_text(text + "\n")


main()

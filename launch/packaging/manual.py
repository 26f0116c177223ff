"""Prints the man page of peqa, made of what ArgumentParser knows of it.

    peqa --experimental-dump-help | manual.py VERSION YYYY-MM-DD > peqa.1
"""
import json
import re
import sys


def roff(text):
    """Plain text, so that roff takes no letter of it for a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    # Each sentence begins a line.
    text = re.sub(r"([.?!]) +(?=\S)", r"\1\n", text)
    lines = [("\\&" + line if line.startswith(".") else line) for line in text.splitlines()]
    return "\n".join(lines)


def paragraphs(text):
    """Paragraphs; indented lines keep their form."""
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        if part.startswith(("  ", "\t")):
            print(".Bd -literal -offset indent\n" + roff(part) + "\n.Ed")
        else:
            print(".Pp\n" + roff(part))


def spelled(name):
    return {"long": "--", "short": "-", "longWithSingleDash": "-"}[name["kind"]] + name["name"]


def item(argument):
    """The head of an argument in the list: its names and its value, as mdoc."""
    value = argument.get("valueName", "value")
    if argument["kind"] == "positional":
        return f".It Ar {roff(value)}"
    names = [roff(spelled(name)) for name in argument.get("names") or []]
    head = " , ".join(f"Sy {name}" for name in names)
    return f".It {head}" + (f" Ar {roff(value)}" if argument["kind"] == "option" else "")


def arguments(command):
    shown = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    if not shown:
        return
    print(".Bl -tag -width Ds")
    for argument in shown:
        print(item(argument))
        text = " ".join(filter(None, [argument.get("abstract"), argument.get("discussion")]))
        if argument.get("defaultValue"):
            text += f" (default: {argument['defaultValue']})"
        print(roff(text))
    print(".El")


def section(command, path):
    """One command and all below it, the program's own options first."""
    print(f".Ss {roff(' '.join(path))}")
    print(roff(command.get("abstract", "")) or ".Pp")
    if command.get("discussion"):
        paragraphs(command["discussion"])
    arguments(command)
    for inner in command.get("subcommands", []):
        if inner["commandName"] != "help":
            section(inner, path + [inner["commandName"]])


def main():
    version, day = sys.argv[1:]
    command = json.load(sys.stdin)["command"]
    print(f".Dd {day}\n.Dt PEQA 1\n.Os peqa {version}")
    print(f".Sh NAME\n.Nm peqa\n.Nd {roff(command['abstract'].rstrip('.').lower())}")
    print(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar options\n.Sh DESCRIPTION")
    print("The arguments of\n.Nm\nand of its commands follow.")
    section(command, ["peqa"])
    print(".Sh FILES\nRun files are YAML;\n.Ql peqa config\nprints all keys with their meaning.")
    print(".Sh EXIT STATUS\nZero means success.")
    print("75 means that the run was saved or cut off: the same command goes on.")
    print("The user guide lists all codes.")
    print(".Sh SEE ALSO\n.Xr mpirun 1")


main()

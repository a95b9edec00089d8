"""The list of log events in docs/operating.md against the sources. `UPDATE_LOG_EVENTS=1` writes it anew."""

import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "operating.md"
BEGIN, END = "<!-- log events: begin -->\n", "<!-- log events: end -->\n"
LEVELS = ["error", "warn", "info", "by status"]
# Not part of a production service.
LEFT_OUT = ["crates/simulator/", "crates/testing/", "crates/server/src/simulation/", "/tests", "/testing/"]
CALL = re.compile(r"tracing::(error|warn|info|\$level)!\(")


def sources():
    for path in sorted(ROOT.glob("crates/*/src/**/*.rs")):
        if not any(part in path.relative_to(ROOT).as_posix() for part in LEFT_OUT):
            yield path.read_text()


def arguments(source: str, start: int) -> list[str]:
    """The arguments of a macro call whose parenthesis opens before `start`."""
    found, depth, quoted, at = [""], 0, False, start
    while True:
        char = source[at]
        if quoted and char == "\\":
            found[-1] += source[at : at + 2]
            at += 2
            continue
        quoted ^= char == '"'
        if not quoted:
            depth += (char in "([{") - (char in ")]}")
            if depth < 0:
                return [argument.strip() for argument in found if argument.strip()]
        if char == "," and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += char
        at += 1


def event(call: re.Match, source: str) -> tuple[str, str, str]:
    *fields, message = [
        argument for argument in arguments(source, call.end()) if not argument.startswith("target:")
    ]
    while fields and fields[-1].startswith('"'):  # the message has arguments of its own
        message = fields.pop()
    message = re.sub(r"\\\s*\n\s*", "", message.strip('"'))
    # `name = value`, `%value`, `?value`, `value.name`
    names = [re.split(r"\s*=\s*", field, maxsplit=1)[0].lstrip("%?").split(".")[-1] for field in fields]
    level = "by status" if call[1] == "$level" else call[1]
    return level, message, ", ".join(f"`{name}`" for name in names)


def written() -> str:
    events = {event(call, source) for source in sources() for call in CALL.finditer(source)}
    # Events without a text of their own are described above the list.
    events = {event for event in events if not re.fullmatch(r"\{\w*\}", event[1])}
    rows = sorted(events, key=lambda row: (LEVELS.index(row[0]), row[1]))
    lines = ["| level | event | fields |", "|---|---|---|"]
    lines += [f"| {level} | {message} | {fields} |" for level, message, fields in rows]
    return "\n".join(lines) + "\n"


def test_the_list_of_log_events_is_that_of_the_sources():
    before, rest = DOCUMENT.read_text().split(BEGIN)
    kept, behind = rest.split(END)
    if os.environ.get("UPDATE_LOG_EVENTS"):
        DOCUMENT.write_text(before + BEGIN + written() + END + behind)
        kept = written()
    assert kept == written(), "write it anew: UPDATE_LOG_EVENTS=1 pytest tests/test_log_events.py"

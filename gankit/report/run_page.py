"""The report of a run: one HTML page that can be mailed, printed and read years later.

The page needs no network and no script: pictures are data URIs (`gankit.report.album`), charts are inline SVG
(`gankit.report.charts`), and a content security policy forbids everything else. Whatever comes from a file is escaped,
and every input may be missing, since the page is most wanted when a run went wrong.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path, PurePath
from typing import Any

from markupsafe import Markup

from gankit.errors import UsageError
from gankit.report import album, charts
from gankit.report import html as page
from gankit.support.files import write
from gankit.support.values import finite, mapping

# Without "better", the direction is guessed from the words of a metric's name, and the page says so.
HIGHER = {"psnr", "ssim", "precision", "recall", "accuracy", "coverage", "density", "inception", "f1", "auc", "map"}
LOWER = {"fid", "kid", "distance", "lpips", "mse", "mae", "rmse", "error", "divergence", "wasserstein", "mmd"}
OURS = "this run"  # the first column of an evaluation; the others are baselines


def write_report(run: Path) -> Path:
    """Writes `report.html` into a run, whole or not at all.

    Args:
        run: The run's directory; every file in it may be missing or torn.

    Returns:
        The path of the page.

    Raises:
        UsageError: `run` is not a directory.
    """
    if not run.is_dir():
        raise UsageError(f"no run at {run}", "give the directory of a run, as `gankit runs` lists them")
    return write(run / "report.html", _page(run))


def _page(run: Path) -> str:
    facts, evaluations, name = _load(run / "run.json"), _evaluations(run), escape(run.resolve().name)
    recipe = escape(_text(facts.get("recipe") or "a run"))
    sections = (
        _summary(recipe, facts, evaluations),
        "<h2>Evaluation</h2>",
        *(map(_evaluation, evaluations) if evaluations else [_soft("This run has not been evaluated.")]),
        *_alarms(facts),
        album.samples(run / "samples"),
        charts.training(run / "metrics.jsonl"),
        _appendix(run, facts),
        _soft(f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by gankit from {name}."),
    )
    return page.document(
        f"{_text(facts.get('recipe') or 'a run')}: {run.resolve().name}",
        "{{ sections }}",
        style=charts.STYLE,
        sections=Markup("\n".join(sections)),
    )


def _soft(html: str) -> str:
    return f'<p class="soft">{html}</p>'


def _load(path: Path) -> Mapping[str, Any]:
    """A JSON object, or {} when it is missing, torn or something else: a report must not fail on its input."""
    try:
        return mapping(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _text(value: Any) -> str:
    """A value as people write it (not yet escaped)."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a JSON object, with dotted names; none if it is something else."""
    for key, item in mapping(value).items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _summary(recipe: str, facts: Mapping[str, Any], evaluations: Sequence[Evaluation]) -> str:
    status = _text(facts.get("status") or "status unknown")
    badge = status if status in ("done", "failed") else ""
    parts = [f'<header>\n<h1>{recipe} <span class="badge {badge}">{escape(status)}</span></h1>']
    parts.append(f"<p>{escape(_trained(facts))}</p>")
    if not facts:
        parts.append('<p class="loses">run.json is missing or cannot be read: how the run was made is not known.</p>')
    if facts.get("error"):
        code = f"\nexit code {facts['exit_code']}" if facts.get("exit_code") is not None else ""
        parts.append(f'<pre class="error">{escape(_text(facts["error"]) + code)}</pre>')
    if status in ("running", "preempted", "interrupted"):
        parts.append(_soft("The run had not finished when this page was written."))
    for evaluation in evaluations[:1]:
        parts += [f"<p>{escape(said)}</p>" for said in evaluation.verdict or evaluation.lost()]

    def tile(title: str, value: str, *below: str, kind: str = "") -> None:
        value = f'<b class="{kind}">{escape(value)}</b>' if kind else escape(value)
        spans = "".join(f"<span>{escape(text)}</span>" for text in below)
        parts.append(f"<div><dt>{escape(title)}</dt><dd>{value}{spans}</dd></div>")

    parts.append('<dl class="tiles">')
    for evaluation in evaluations[:1]:
        ours, *baselines = evaluation.columns
        for metric, value in list(evaluation.columns[ours].items())[:2]:
            best = evaluation.best(metric)
            verdict = "even" if not best else "wins" if OURS in best else "loses"
            beside = [f"{name} {_text(evaluation.columns[name].get(metric))}" for name in baselines]
            tile(metric, _text(value), *beside, kind=verdict)
    if finite(facts.get("seconds")):
        tile("duration", _duration(facts["seconds"]))
    where = [f"{facts['strategy']}, replicas: {facts.get('replicas', 1)}"] if facts.get("strategy") else []
    tile("device", _text(facts.get("device") or "unknown"), *where)
    if facts.get("started"):
        tile("started", _moment(facts["started"]), *([f"to {_moment(facts['ended'])}"] if facts.get("ended") else []))
    parts.append("</dl>")
    if command := _command(facts):
        parts.append(f"{_soft('To reproduce:')}\n<pre>{escape(command)}</pre>")
    return "\n".join(parts) + "\n</header>"


def _trained(facts: Mapping[str, Any]) -> str:
    """A sentence on stages, data and seed."""
    done = []
    for stage in map(mapping, facts["stages"] if isinstance(facts.get("stages"), list) else []):
        steps, planned = stage.get("steps"), stage.get("planned_steps")
        of = f" of {_text(planned)}" if planned not in (None, steps) else ""
        done.append(f"{_text(stage.get('name'))} ({_text(steps)}{of} steps)")
    line = "Trained " + ", then ".join(done) if done else "No training steps are recorded"
    examples = mapping(mapping(facts.get("data")).get("examples"))
    counts = [f"{_text(n)} of {_text(name)}" for name, n in examples.items() if isinstance(n, int)]
    line += f" on examples: {', '.join(counts)}" if counts else ""
    return line + (f", seed {facts['seed']}." if facts.get("seed") is not None else ".")


def _command(facts: Mapping[str, Any]) -> str:
    """The command line of the run, with the seed that it drew if none was given."""
    argv = [str(word) for word in facts["argv"]] if isinstance(facts.get("argv"), list) else []
    program = PurePath(argv[0]).name if argv else ""
    if program in ("gankit", "__main__.py"):  # where it was installed does not matter to others
        argv[0] = "gankit"
    elif argv and not program.startswith("python"):
        argv.insert(0, "gankit")
    if "run" in argv[:4] and facts.get("seed") is not None and not any(word.startswith("--seed") for word in argv):
        argv += ["--seed", str(facts["seed"])]
    return shlex.join(argv)


def _duration(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{seconds:.3g} s"


def _moment(value: Any) -> str:
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return str(value)


@dataclass(frozen=True)
class Evaluation:
    """One table of figures: column -> metric -> value, this run's column first."""

    data: str
    columns: Mapping[str, Mapping[str, Any]]
    better: Mapping[str, Any]
    protocol: str
    limits: frozenset[str] = frozenset()  # columns that nothing is asked to beat
    verdict: tuple[str, ...] = ()  # sentences of the recipe's own

    def sign(self, metric: str) -> int:
        """1 where more is better, -1 where less is, 0 where that is not known."""
        if self.better:
            return {"higher": 1, "lower": -1}.get(str(self.better.get(metric)), 0)
        words = set(re.split(r"[^a-z0-9]+", metric.lower()))
        return bool(words & HIGHER) - bool(words & LOWER)

    def best(self, metric: str) -> set[str]:
        """The columns that share the best value, of at least two; empty where nothing can be compared."""
        sign = self.sign(metric)
        rivals = {name: column for name, column in self.columns.items() if name not in self.limits}
        values = {name: sign * column[metric] for name, column in rivals.items() if finite(column.get(metric))}
        if not sign or len(values) < 2:
            return set()
        return {name for name, value in values.items() if value == max(values.values())}

    def lost(self) -> list[str]:
        """A sentence on each baseline that beats the run."""
        said = []
        for metric, ours in self.columns[OURS].items():
            sign = self.sign(metric)
            for name, column in self.columns.items():
                theirs = None if name in self.limits else column.get(metric)
                if sign and finite(theirs) and not (finite(ours) and sign * ours >= sign * theirs):
                    said.append(f"{name} is better by {metric}: {_text(theirs)} against {_text(ours)}.")
        return said

    def won(self) -> list[str]:
        """A sentence on what the run is best by, if there is anything, and the recipe itself doesn't judge."""
        if self.verdict:
            return []
        ahead = [metric for metric in self.columns[OURS] if self.best(metric) == {OURS}]
        return [f"This run is better than every baseline by {', '.join(ahead)}."] if ahead else []


def _evaluations(run: Path) -> list[Evaluation]:
    found: list[Evaluation] = []
    for path in [run / "evaluation.json", *sorted((run / "evaluations").glob("*.json"))[:20]]:
        raw = _load(path)
        columns = {OURS: raw.get("metrics"), **mapping(raw.get("baselines"))}
        one = Evaluation(
            data=_text(raw.get("data") or "held-out data"),
            columns={name: dict(_flat(column)) for name, column in columns.items()},
            better=mapping(raw.get("better")),
            protocol="; ".join(f"{key}: {_text(value)}" for key, value in _flat(raw.get("protocol"))),
            limits=frozenset(map(str, raw["limits"])) if isinstance(raw.get("limits"), list) else frozenset(),
            verdict=tuple(map(str, raw["verdict"])) if isinstance(raw.get("verdict"), list) else (),
        )
        if one.columns[OURS] and one not in found:  # evaluation.json may be a copy of one of the others
            found.append(one)
    return found


def _evaluation(evaluation: Evaluation) -> str:
    columns = evaluation.columns
    parts = [f"<h3>{escape(evaluation.data)}</h3>"]
    parts += [f"<p>{escape(said)}</p>" for said in (*evaluation.verdict, *evaluation.lost(), *evaluation.won())]
    heads = "".join(f"<th>{escape(column)}{' *' * (column in evaluation.limits)}</th>" for column in columns)
    parts.append(f'<div class="wide"><table><thead><tr><th>metric</th>{heads}</tr></thead><tbody>')
    for metric in dict.fromkeys(metric for column in columns.values() for metric in column):
        arrow, best, cells = ("", " ↑", " ↓")[evaluation.sign(metric)], evaluation.best(metric), ""
        for column, values in columns.items():
            cell = escape(_text(values[metric])) if metric in values else ""
            cells += f"<td><strong>{cell}</strong></td>" if column in best else f"<td>{cell}</td>"
        parts.append(f"<tr><th>{escape(metric)}{arrow}</th>{cells}</tr>")
    notes = "↑ higher is better, ↓ lower is better, bold is best."
    if evaluation.limits:
        notes += " * is a limit, which nothing is asked to beat."
    if not evaluation.better:
        notes += " The evaluation names no directions; they were guessed from the metrics' names."
    if evaluation.protocol:
        notes += f" Protocol: {escape(evaluation.protocol)}."
    return "\n".join([*parts, f"</tbody></table></div>{_soft(notes)}"])


def _alarms(facts: Mapping[str, Any]) -> Iterator[str]:
    """What the monitors found."""
    alarms = facts.get("alarms")
    if not isinstance(alarms, list):
        return
    yield "<h2>Alarms</h2>" if alarms else _soft("The monitors raised no alarm.")
    for alarm in map(mapping, alarms):
        where = f"{_text(alarm.get('stage'))}, from step {_text(alarm.get('since'))}"
        kind = "badge" if alarm.get("level") == "note" else "badge failed"
        yield (
            f'<p><span class="{kind}">{escape(_text(alarm.get("kind")))}</span> {escape(where)}: '
            f"{escape(_text(alarm.get('message')))}.<br>"
            f'<span class="soft">{escape(_text(alarm.get("hint")))}.</span></p>'
        )


def _appendix(run: Path, facts: Mapping[str, Any]) -> str:
    rows = [(f"{name} weights", n) for name, n in mapping(facts.get("weights")).items()]
    rows += [(f"data: {key}", value) for key, value in _flat(facts.get("data"))]
    rows += mapping(facts.get("versions")).items()
    rows += [(key, facts[key]) for key in ("git", "exit_code") if facts.get(key) is not None]
    cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(_text(value))}</td></tr>\n" for key, value in rows)
    try:
        with (run / "config.yaml").open(encoding="utf-8", errors="replace") as file:
            config = f"<h3>config.yaml</h3>\n<pre>{escape(file.read(200_000))}</pre>"
    except OSError:
        config = _soft("config.yaml is missing.")
    table = f'<div class="wide"><table class="facts"><tbody>{cells}</tbody></table></div>'
    return f"<h2>How it was made</h2>\n{table if rows else _soft('Versions and data are not recorded.')}\n{config}"

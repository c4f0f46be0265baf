"""`ringfence hr preview` and `hr presets`, run in this process as the program runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from ringfence.cli import preview_command
from ringfence.cli.invocation import NOT_WELL, REFUSED, USAGE
from ringfence.cli.main import _global_options
from ringfence.domain.hr.presets import PRESETS

BAMBOO = """\
Employee #;First Name;Last Name;Work Email;Location;Department;Reports To;Work Phone;Mobile Phone;Status;Hire Date;Hat
101;Ann;Lee;ann.lee@example.com;Leeds;Care;Zoë Ford;0113 496 0001;07700 900123;Active;01/04/2020;7
102;Bob;Orr;;York;Care;;;07700 900 xyz;Activ;31/04/2020;9
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(BAMBOO, encoding="utf-8")
    return path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.callback()(_global_options)
    hr = typer.Typer()
    preview_command.add_to(hr)
    app.add_typer(hr, name="hr")
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "250"})


def data(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_the_preset_that_fits_best_is_taken_and_said(people: Path) -> None:
    shown = run("hr", "preview", str(people))
    assert shown.exit_code == NOT_WELL
    assert "CSV, UTF-8, semicolon; preset bamboohr (guessed: it fits best)" in shown.stdout
    assert "Columns that feed nothing: Hat" in shown.stdout
    assert "+44*******123 (private)" in shown.stdout
    assert "900123" not in shown.stdout.replace(" ", "")
    assert "2 rows, 1 read, 1 with problems." in shown.stdout
    assert "line 3, Hire Date: '31/04/2020' is no day of the calendar" in shown.stdout
    assert "ends = []" in shown.stdout


def test_the_same_as_data(people: Path) -> None:
    found = data("hr", "preview", str(people), "--preset", "bamboohr", "--map", "ends=", "--rows", "1")
    assert (found["preset"], found["preset_guessed"], found["missing"]) == ("bamboohr", False, [])
    assert found["fields"]["key"] == ["Employee #"]
    assert found["unused"] == ["Hat"]
    (record,) = found["records"]
    assert record["name"] == "Ann Lee"
    assert record["starts"] == "2020-04-01"
    assert {problem["column"] for problem in found["problems"]} == {"Hire Date", "Status", "Mobile Phone"}


def test_columns_may_be_named_one_by_one(people: Path) -> None:
    given = ["--map", "key=Employee #", "--map", "private_number=Mobile Phone", "--map", "private_number=Work Phone"]
    found = data("hr", "preview", str(people), *given)
    assert found["preset"] is None
    assert found["records"][0] == {"key": "101", "numbers": "+44*******123 (private), +44*******001 (private)"}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--preset", "bamboo"], USAGE, "known are plain"),
        (["--map", "Employee #"], USAGE, "FIELD=COLUMN"),
        (["--map", "nmae=First Name"], USAGE, "did you mean name"),
        (["--date-order", "ymd"], USAGE, "neither dmy nor mdy"),
        (["--preset", "workday"], REFUSED, "no column 'Employee ID'"),
        (["--trailer", "EOF;{rows}"], REFUSED, "does not end with the line"),
        (["--source", "payroll"], USAGE, "--config"),
    ],
)
def test_what_cannot_be_shown(people: Path, arguments: list[str], status: int, says: str) -> None:
    shown = run("--config", str(people.parent / "none.toml"), "hr", "preview", str(people), *arguments)
    assert shown.exit_code == status, shown.output
    assert says in shown.stderr


def test_a_file_that_looks_like_no_preset_asks_for_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Staff,Full name\n1,Ann\n")
    shown = run("hr", "preview", str(path))
    assert shown.exit_code == REFUSED
    assert "Staff, Full name" in shown.stderr
    assert run("hr", "preview", str(tmp_path / "gone.csv")).exit_code == USAGE
    assert run("hr", "preview", str(path), "--map", "key=Staff", "--map", "name=Full name").exit_code == 0


def test_a_source_of_the_configuration_says_how_its_files_are_read(people: Path) -> None:
    config = people.parent / "ringfence.toml"
    config.write_text(
        """
        something_else_is_wrong = true
        default_country = "GB"
        [[hr_source]]
        name = "payroll"
        type = "folder"
        path = "/srv/hr"
        preset = "bamboohr"
        status_words = { activ = true }
        fields = { ends = [], starts = [] }
        [[hr_source]]
        name = "ad"
        type = "ldap"
        """
    )
    found = data("--config", str(config), "hr", "preview", str(people), "--source", "payroll")
    assert {problem["column"] for problem in found["problems"]} == {"Mobile Phone"}
    for name, says in (("ad", "reads no files"), ("other", "It has payroll, ad.")):
        shown = run("--config", str(config), "hr", "preview", str(people), "--source", name)
        assert (shown.exit_code, says in shown.stderr) == (USAGE, True)


def test_the_presets_and_their_columns() -> None:
    assert [found["preset"] for found in data("hr", "presets")] == list(PRESETS)
    assert "Personal Reference" in run("hr", "presets", "itrent").stdout
    assert run("hr", "presets", "itrant").exit_code == USAGE


def test_an_id_that_comes_twice_and_reads_as_a_telephone_number_is_hidden(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,name\n" + "447700900123,Ann\n" * 2 + "4711,Bob\n" * 2)
    arguments = ("hr", "preview", str(path), "--map", "key=id", "--map", "name=name")
    assert data(*arguments)["repeated"] == ["*********123", "4711"]
    assert "447700900123 comes" not in (shown := run(*arguments).output)
    assert "*********123 comes more than once" in shown

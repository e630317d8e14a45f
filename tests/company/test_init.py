"""The drafts of `crmkpi init` run, or say what to fill in; nothing is guessed silently."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.company.conftest import DEALS, Run
from tests.corpus.exports import LOCALES, export_of
from tests.corpus.systems import SYSTEMS

import crmkpi as ck
from crmkpi.company.file import company_file
from crmkpi.company.proposing import proposed
from crmkpi.demo import sample_company
from crmkpi.errors import FileFormatError

SAMPLES = sorted((Path(__file__).parents[2] / "docs" / "samples").glob("*.csv"))
FILES = Path(__file__).parents[1] / "presets" / "files"


def proposal(files: list[Path], folder: Path, **options: Any) -> Any:
    """The dataset of the draft for these files, or the draft itself if it has no table yet."""
    found = proposed(files, folder=folder, **options)
    (folder / "crmkpi.toml").write_text(found.text, encoding="utf-8")
    assert tomllib.loads(found.text)["name"] == folder.name
    if "[tables." not in "\n".join(line for line in found.text.splitlines() if not line.startswith("#")):
        return found.text
    return ck.company(folder / "crmkpi.toml")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_an_export_of_a_known_system_runs_as_it_is_proposed(sample: Path, tmp_path: Path) -> None:
    crm = proposal([sample], tmp_path)
    (table,) = crm.tables
    assert list(crm.tables[table]) == list(ck.read_export(sample, tz="UTC"))


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.preset)
def test_an_export_of_every_preset_runs_or_says_what_to_fill_in(system, tmp_path: Path) -> None:
    export = export_of(system, LOCALES[system.locales[0]])
    path = tmp_path / "export.csv"
    path.write_bytes(export.content)
    try:
        found = proposal([path], tmp_path, encoding=export.options.get("encoding"))
    except ck.errors.CrmKpiError as error:  # undetermined, such as the order of dates
        text = (tmp_path / "crmkpi.toml").read_text(encoding="utf-8")
        assert "It cannot be read yet: " in text
        assert str(error).partition(": ")[2].partition(";")[0][:40] in text
        return
    if isinstance(found, str):
        assert "shows no system clearly" in found or "could be" in found
        assert '"?"' in found
    else:
        assert f'preset = "{system.preset}"' in (tmp_path / "crmkpi.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", sorted(sample_company(scale=0.05)))
def test_our_own_headers_are_known(table: str, tmp_path: Path) -> None:
    records = sample_company(scale=0.05)[table]
    ck.write_csv(records, tmp_path / "file.csv")
    crm = proposal([tmp_path / "file.csv"], tmp_path)
    assert [record.id for record in crm.tables[table]] == [record.id for record in records]


def test_a_file_that_nothing_knows_stands_as_a_comment_with_its_columns_and_words(run: Run, folder: Path) -> None:
    (folder / "crmkpi.toml").unlink()
    export = DEALS + "5;Gewonnen;Ada;1,00;\n6;Verloren;Bo;1,00;\n7;Offen;Bo;1,00;\n"
    (folder / "chancen.csv").write_text(export, encoding="utf-8")
    status, _, err = run("init", "chancen.csv")
    assert (status, err.splitlines()[0]) == (
        0,
        "crmkpi: chancen.csv: not recognised; fill in its block of the proposal",
    )
    text = (folder / "crmkpi.toml").read_text(encoding="utf-8")
    assert '# "Phase" = "?"  # such as Gewonnen, Verloren, Offen' in text
    assert '# "Gewonnen" = "?"' in text
    assert '# "1.200,50" = "?"' not in text
    status, _, err = run("run")
    assert (status, "crmkpi.toml has no reports" in err) == (1, True)


def test_words_that_are_not_understood_are_lines_to_fill_in_and_filling_them_in_works(folder: Path) -> None:
    text = "id,status,closed_at\n1,won,2026-01-05\n2,Dead,2026-01-06\n3,Dead,2026-01-07\n"
    (folder / "deals.csv").write_text(text, encoding="utf-8")
    found = proposed([folder / "deals.csv"], folder=folder).text
    assert '# [tables.deals.values.status]\n# "Dead" = "?"  # 2 times' in found
    filled = found.replace(
        '# [tables.deals.values.status]\n# "Dead" = "?"', '[tables.deals.values.status]\n"Dead" = "lost"'
    )
    (folder / "crmkpi.toml").write_text(filled, encoding="utf-8")
    assert ck.lost_deals(ck.company(folder / "crmkpi.toml")).value == 2


def test_two_currencies_are_a_question_and_one_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text(
        "id,status,amount,currency\n1,won,5,EUR\n2,won,7,CHF\n3,won,7,EUR\n", encoding="utf-8"
    )
    assert '# currency = "EUR"\n# rates = { CHF = ? }' in proposed([tmp_path / "deals.csv"], folder=tmp_path).text
    (tmp_path / "deals.csv").write_text("id,status,amount,currency\n1,won,5,CHF\n", encoding="utf-8")
    assert '\ncurrency = "CHF"' in proposed([tmp_path / "deals.csv"], folder=tmp_path).text


def test_names_of_files_and_words_that_toml_would_take_for_its_own_are_written_as_text(tmp_path: Path) -> None:
    name = "a\"b\\c'd].csv"
    (tmp_path / name).write_text('id,status,closed_at\n1,"x"" = 1",\n', encoding="utf-8")
    found = proposed([tmp_path / name], folder=tmp_path)
    assert tomllib.loads(found.text)["tables"]["deals"]["files"] == name


def test_two_files_of_one_table_stand_together_and_those_of_two_systems_do_not(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"id,status,closed_at\n{name},won,\n", encoding="utf-8")
    assert len(proposal([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path).tables["deals"]) == 2
    hubspot = next(path for path in SAMPLES if "hubspot" in path.name)
    found = proposed([tmp_path / "a.csv", hubspot], folder=tmp_path)
    assert "one table has one preset and one encoding" in found.text
    assert "of another system than the other file" in found.notes[-1]


def test_a_proposal_never_replaces_a_file(run: Run, folder: Path) -> None:
    before = (folder / "crmkpi.toml").read_text(encoding="utf-8")
    status, _, err = run("init", "exports/deals_jan.csv")
    assert (status, "exists already; give another name with -o" in err) == (1, True)
    assert (folder / "crmkpi.toml").read_text(encoding="utf-8") == before
    assert run("init", "exports/deals_jan.csv", "-o", "-")[0] == 0


def test_what_cannot_be_looked_at_is_an_error(run: Run, folder: Path) -> None:
    (folder / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(FileFormatError, match="is empty"):
        proposed([folder / "empty.csv"], folder=folder)
    assert run("init")[0] == 2
    assert run("init", "nowhere.csv", "-o", "-")[0] == 1
    assert '"$defs"' in run("init", "--schema")[1]
    assert company_file(folder / "crmkpi.toml").name == "Muster GmbH"


def test_json_shows_its_table_by_its_keys(run: Run, folder: Path) -> None:
    (folder / "crmkpi.toml").unlink()
    (folder / "tickets.jsonl").write_bytes((FILES / "zendesk_ticket_api.jsonl").read_bytes())
    (folder / "deals.json").write_text(
        '[{"id": "1", "status": "won", "stage": "a"}, {"id": "2", "status": "lost"}]', "utf-8"
    )
    (folder / "more.json").write_text('[{"Nr": "1", "Phase": "Gewonnen"}]', encoding="utf-8")
    assert run("init", "tickets.jsonl", "deals.json", "more.json")[0] == 0
    text = (folder / "crmkpi.toml").read_text(encoding="utf-8")
    assert 'preset = "zendesk_ticket_api"' in text
    assert '# "Phase" = "?"  # such as Gewonnen' in text
    crm = ck.company(folder / "crmkpi.toml")
    assert list(crm.tables["tickets"]) == list(ck.read_json(folder / "tickets.jsonl", preset="zendesk_ticket_api"))
    assert ck.win_rate(crm).value == 0.5
    assert run("report", "win_rate", "deals.json", "--format", "csv")[1].count("win_rate") == 1


def test_json_without_an_object_shows_nothing(run: Run, folder: Path) -> None:
    (folder / "empty.json").write_text("[]", encoding="utf-8")
    status, _, err = run("report", "win_rate", "empty.json")
    assert (status, "empty.json holds no object, so its record class is unknown;" in err) == (1, True)
    (folder / "deals.json").write_text('[{"id": "1", "status": "won"}]', encoding="utf-8")
    with pytest.raises(ck.errors.InputError, match="objects have their keys, so leave it out"):
        ck.read_export(folder / "deals.json", headers=["id"])


def test_headers_that_fit_several_tables_alike_are_not_guessed(run: Run, folder: Path) -> None:
    (folder / "crmkpi.toml").unlink()
    (folder / "some.csv").write_text("id,source,owner\n1,web,Ada\n", encoding="utf-8")
    told = "has the columns of Lead, Deal and Customer alike and shows no system"
    status, _, err = run("check", "some.csv")
    assert (status, told in err) == (1, True)
    assert run("init", "some.csv")[0] == 0
    text = (folder / "crmkpi.toml").read_text(encoding="utf-8")
    assert f"# some.csv: some.csv {told}" in text
    assert '# "source" = "?"' in text


def test_what_is_not_utf_8_is_taken_for_cp1252_and_says_so(run: Run, folder: Path) -> None:
    (folder / "crmkpi.toml").unlink()
    (folder / "deals.csv").write_text("id,status,owner\n1,won,Jörg\n", encoding="cp1252")
    (folder / "tickets.csv").write_text("Nr;Größe\n1;ß\n", encoding="cp1252")
    (folder / "leads.csv").write_text("Nr;Größe\n1;ß\n", encoding="utf-8")
    status, _, err = run("init", "deals.csv", "tickets.csv", "leads.csv")
    assert (status, err.count("it is not UTF-8, and is read as cp1252; check that its letters are right")) == (0, 2)
    text = (folder / "crmkpi.toml").read_text(encoding="utf-8")
    assert text.count('\nencoding = "cp1252"') == text.count('\n# encoding = "cp1252"') == 1
    assert text.count('# "Größe" = "?"') == 2
    assert next(iter(ck.company(folder / "crmkpi.toml").tables["deals"])).owner == "Jörg"


def test_a_proposal_speaks_of_the_file_and_not_of_python(folder: Path) -> None:
    (folder / "some.csv").write_text("Vorgang;Phase\n1;offen\n", encoding="utf-8")
    found = proposed([folder / "some.csv"], folder=folder).text
    assert "read_csv" not in found
    assert "# deals: id, status, created_at" in found
    assert '# [[report]]\n# name = "month"' in found

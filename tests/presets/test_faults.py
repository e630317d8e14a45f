"""A fault in a user's preset is one sentence of ours: the preset, the key, and what to write."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import DefinitionError
from crmkpi.sources.presets.model import LeaveOut, Preset, PresetColumn, StageColumns, Warn

WHOLE: dict[str, Any] = {
    "system": "Ours",
    "title": "Our deals",
    "record": "Deal",
    "columns": [{"headers": "Nr", "fills": "id"}],
    "leave_out": [{"alone": True, "reason": "note"}],
    "stages": {"id": ["Nr"], "entered": ["Entered <stage>"]},
    "warn": {"without": {"status": "lost"}, "note": "No lost deals."},
}
PARTS: dict[str, Any] = {"columns": PresetColumn, "leave_out": LeaveOut, "stages": StageColumns, "warn": Warn}
REQUIRED = [("", name) for name, field in Preset.model_fields.items() if field.is_required()] + [
    (part, name) for part, model in PARTS.items() for name, field in model.model_fields.items() if field.is_required()
]
WRONG = (3.5, ["a", 3], {"a": 3}, None, "?")


def part_of(preset: dict[str, Any], part: str) -> dict[str, Any]:
    found = preset[part] if part else preset
    return found[0] if isinstance(found, list) else found


def refusal(preset: Any) -> str:
    with pytest.raises(DefinitionError) as caught:
        ck.preset(preset)
    message = str(caught.value)
    assert "\n" not in message
    assert "pydantic" not in message
    assert "nput" not in message  # of pydantic's "Input should be"
    assert "Field required" not in message
    return message


@pytest.mark.parametrize(("part", "key"), REQUIRED)
def test_a_key_that_lacks_is_named_with_what_to_write_and_writing_it_helps(part: str, key: str, tmp_path: Path) -> None:
    ours = deepcopy(WHOLE)
    del part_of(ours, part)[key]
    path = tmp_path / "ours.json"
    path.write_text(json.dumps(ours), encoding="utf-8")
    message = refusal(path)
    assert message.startswith(f"The preset 'ours' lacks the key '{key}'{f' at {part}' if part else ''}")
    advice = message.partition("; write ")[2]
    written, _ = json.JSONDecoder().raw_decode(advice.partition(": ")[2])
    assert advice.startswith(f'"{key}": ')
    part_of(ours, part)[key] = written
    assert ck.preset(ours).system


@pytest.mark.parametrize("part", ["", *PARTS])
def test_a_value_of_the_wrong_type_names_the_preset_the_key_and_the_value(part: str) -> None:
    model = PARTS.get(part, Preset)
    refused = 0
    for key in set(model.model_fields) - {"name", "extends"}:
        for wrong in WRONG:
            ours = {"name": "ours", **deepcopy(WHOLE)}
            part_of(ours, part)[key] = wrong
            try:
                ck.preset(ours)
            except DefinitionError:
                message = refusal(ours)
                assert message.startswith(("The preset 'ours' has a fault", "The preset 'ours' lacks the key"))
                if "it must be" in message:
                    assert key in message
                    assert "; got " in message
                refused += 1
    assert refused > len(model.model_fields)


@pytest.mark.parametrize("part", ["", *PARTS])
def test_an_unknown_key_is_named_with_the_nearest(part: str) -> None:
    model = PARTS.get(part, Preset)
    for key in model.model_fields:
        ours = deepcopy(WHOLE)
        part_of(ours, part)[f"{key}x"] = "?"
        assert f"has no key '{key}x'" in refusal(ours)
        assert f"Did you mean '{key}'?" in refusal(ours)


@pytest.mark.parametrize("wrong", [3, ["hubspot_deal"], {"a": 1}, True])
def test_what_a_preset_extends_is_a_name(wrong: Any) -> None:
    assert "extends: it must be the name of a preset, such as 'hubspot_deal'" in refusal({"extends": wrong})
    assert ck.preset({"extends": "hubspot_deal"}).system == "HubSpot"

"""Presets for exports of real CRM systems: headers, words and units, one file for each kind of export.

>>> from crmkpi.sources.presets import PRESETS, preset
>>> preset("salesforce_opportunity").record
'Deal'
>>> len(PRESETS) >= 34
True
"""

from __future__ import annotations

from crmkpi.sources.presets.library import PRESETS, preset
from crmkpi.sources.presets.model import LeaveOut, Preset, PresetColumn, StageColumns, Warn

__all__ = ["PRESETS", "LeaveOut", "Preset", "PresetColumn", "StageColumns", "Warn", "preset"]

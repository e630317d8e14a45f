"""What the exports of real CRM systems look like: their headers, words and units, one file for each kind of export.

>>> from crmkpi.sources.presets import preset, presets
>>> preset("salesforce_opportunity").record
'Deal'
>>> len(presets) >= 34
True
"""

from __future__ import annotations

from crmkpi.sources.presets.library import preset, presets
from crmkpi.sources.presets.model import LeaveOut, Preset, PresetColumn, StageColumns, Warn

__all__ = ["LeaveOut", "Preset", "PresetColumn", "StageColumns", "Warn", "preset", "presets"]

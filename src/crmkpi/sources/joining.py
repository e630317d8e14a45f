"""Link leads and deals of two files by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from crmkpi.errors import InputError
from crmkpi.records import Deal, Lead
from crmkpi.sources.files import FileRecords
from crmkpi.sources.loaded import Records

__all__ = ["join_leads"]


def join_leads(leads: Iterable[Lead], deals: Iterable[Deal]) -> tuple[Records[Lead], Records[Deal]]:
    """Link leads with their deals in both directions, whichever of the two files has the other's id.

    Systems store the link on one side only: Salesforce on the lead, Zoho on the deal. A lead that a deal refers to gets
    that deal's id (the first of several), the status converted and, if it has no date of conversion, the day on which
    the deal was opened. A deal that a lead refers to gets that lead's id. Filled fields stay, and ids without a record
    are ignored. The notes and the printed records state how many records were joined.

    >>> leads = [Lead(id="L1"), Lead(id="L2", deal_id="D2")]
    >>> deals = [Deal(id="D1", status="won", lead_id="L1", created_at="2026-01-05"), Deal(id="D2", status="open")]
    >>> leads, deals = join_leads(leads, deals)
    >>> leads[0].status, leads[0].deal_id, str(leads[0].converted_at), deals[1].lead_id
    ('converted', 'D1', '2026-01-05 00:00:00', 'L2')
    >>> print(leads)
    Records: 2 leads from memory; 1 of 2 were joined with a deal
    """
    leads, deals = _kept(leads, Lead), _kept(deals, Deal)
    deal_of = {deal.lead_id: deal for deal in sorted(deals, key=_opened, reverse=True) if deal.lead_id is not None}
    lead_of = {lead.deal_id: lead for lead in leads if lead.deal_id is not None}
    new_leads = [_converted(lead, deal_of[lead.id]) if lead.id in deal_of else lead for lead in leads]
    new_deals = [
        replace(deal, lead_id=lead_of[deal.id].id) if deal.lead_id is None and deal.id in lead_of else deal
        for deal in deals
    ]
    return _records(leads, new_leads, "deal"), _records(deals, new_deals, "lead")


def _opened(deal: Deal) -> tuple[bool, str]:
    """Sort key: the day on which a deal was opened, None last; as text, since aware and naive times do not compare."""
    return deal.created_at is None, "" if deal.created_at is None else deal.created_at.isoformat()


def _converted(lead: Lead, deal: Deal) -> Lead:
    converted_at = deal.created_at if lead.converted_at is None else lead.converted_at
    return replace(lead, deal_id=lead.deal_id or deal.id, status="converted", converted_at=converted_at)


def _kept(records: Iterable[Any], record: type[Any]) -> Records[Any]:
    if not isinstance(records, Iterable):
        raise InputError(f"join_leads() takes leads and then deals, and this is a {type(records).__name__}.")
    kept = records if isinstance(records, Records) else Records(tuple(records), record)
    kept = kept.whole if isinstance(kept, FileRecords) else kept
    other = next((each for each in kept if not isinstance(each, record)), None)
    if other is not None:
        raise InputError(f"join_leads() takes leads and then deals, and this is a {type(other).__name__}.")
    return kept


def _records(before: Records[Any], after: Sequence[Any], other: str) -> Records[Any]:
    """The changed records with the account of those that were read and one more note."""
    changed = sum(new is not old for new, old in zip(after, before, strict=True))
    joined = f"{changed:,} of {len(after):,} were joined with a {other}"
    notes = (*before.notes, f"{joined}.")
    account = replace(before.account, notes=notes)
    return replace(before, _items=tuple(after), notes=notes, joined=joined, account=account)

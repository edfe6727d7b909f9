"""Public clients of Service Layer, unmodified, against the simulator: prints what each of them saw, as one JSON object."""

import asyncio
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
config = json.loads(sys.stdin.read())
os.environ["SSL_CERT_FILE"] = config["caFile"]
os.environ["REQUESTS_CA_BUNDLE"] = config["caFile"]
who = config["credentials"]
out = {}


def journal(key, debit="10.25", credit="10.25"):
    lines = [{"AccountCode": "1405", "Debit": debit}, {"AccountCode": "2202.02", "Credit": credit}]
    return {"ReferenceDate": "2025-01-31", "Reference": key, "JournalEntryLines": lines}


def b1sl(version):
    from b1sl.b1sl import B1Client, B1Config
    from b1sl.b1sl.models._generated.entities.inventory import Item

    url = f"{config['origin']}/b1s/{version}"
    settings = B1Config(base_url=url, username=who["userName"], password=who["password"], company_db=who["companyDb"])
    seen = {}
    with B1Client(settings) as client:
        seen["item"] = client.items.get("M-001").item_name
        seen["streamed"] = len(list(client.items.stream()))
        seen["count"] = client.items.count()
        seen["exists"] = client.items.exists("nope")
        client.items.update("M-001", {"ForeignName": f"by {version}"})
        try:
            client.items.create(Item(item_code="M-001"))
        except Exception as error:
            seen["duplicate"] = str(error)
        with client.batch() as batch:
            batch.items.get("M-002")
            with batch.changeset() as changes:
                changes.items.create(Item(item_code=f"N-{version}", item_name="new"))
                changes.items.update("M-002", {"ForeignName": "changed"})
            results = batch.execute()
            seen["batch"] = [[result.outcome.value, result.status] for result in results]
        with client.batch() as batch:
            with batch.changeset() as changes:
                changes.items.create(Item(item_code=f"O-{version}", item_name="rolled back"))
                changes.items.create(Item(item_code="M-001"))
            batch.items.get("M-002")
            seen["collapsed"] = [[result.outcome.value, result.status] for result in batch.execute()]
        seen["rolledBack"] = client.items.exists(f"O-{version}")
    return seen


async def pyb1slayer():
    from pyb1slayer import SLConnection

    connection = SLConnection(f"{config['origin']}/b1s/v2/", who["companyDb"], who["userName"], who["password"])
    async with connection as client:
        posted = await client.request("JournalEntries").post(journal("pyb1slayer"))
        listed = await client.request("JournalEntries").filter("Reference eq 'pyb1slayer'").select("JdtNum").get()
        return {"number": posted["JdtNum"], "listed": listed["value"]}


def sapb1sl():
    import SAPB1SL as module

    client = module.SAPB1SL(f"{config['origin']}/b1s/v2", who["userName"], who["password"], who["companyDb"])
    posted = client.post("JournalEntries", journal("sapb1sl"))
    try:
        client.post("JournalEntries", journal("sapb1sl", credit="1"))
    except module.SAPRequestError as error:
        refused = str(error)
    return {"number": posted["JdtNum"], "refused": refused, "read": client.get("JournalEntries(1)")["Reference"]}


out["b1sl-v2"] = b1sl("v2")
out["b1sl-v1"] = b1sl("v1")
out["pyb1slayer"] = asyncio.run(pyb1slayer())
out["sapb1sl"] = sapb1sl()
print(json.dumps(out))

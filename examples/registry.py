"""A register of vehicles: who owned which when, and where that is recorded.

Run it: `python examples/registry.py [URL]`; without a URL the ledger is in memory.
"""

import sys

import indelible

VIN = "1N4AL11D75C109151"


def main(url: str) -> None:
    """Register a vehicle, sell it twice, and look back."""
    with indelible.connect(url, principal="registrar") as ledger:
        ledger.execute("CREATE TABLE vehicles")
        ledger.execute("CREATE UNIQUE INDEX ON vehicles (vin)")
        ledger.execute("INSERT INTO vehicles ?", {"vin": VIN, "owner": "Nova"})
        for buyer in ("Ann", "Bob"):
            ledger.execute(
                "UPDATE vehicles AS v SET v.owner = ? WHERE v.vin = ?",
                buyer,
                VIN,
                labels={"reason": "sale"},
            )
        try:
            ledger.execute("INSERT INTO vehicles ?", {"vin": VIN, "owner": "Mallory"})
        except indelible.UniqueViolationError as error:
            print(f"refused: {error}")
        for revision in ledger.history("vehicles"):
            block = revision["blockAddress"]["sequenceNo"]
            print(f"{revision['data']['owner']:6} block {block}  hash {revision['hash']}")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["memory:"])

"""HOW FAST: commits, reads, imports and rebuilds, beside PostgreSQL on the same machine in one run.

```
workload.py  the documents and statements, the same for every target
measure.py   samples, percentiles, medians (pure)
callers.py   threads that call something for a while
targets/     what is measured: Target (a protocol), embedded, kafka, postgres
disk.py      what one durable append costs without any database
commits.py   one document per transaction, by number of callers, targets taking turns
queries.py   point queries by a unique index
imports.py   many documents per transaction
rebuilds.py  the state made anew from the journal, everything verified
beside.py    commits while another thread runs a heavy query
flights.py   a year of flights, its final state compared with plain Python
suite.py     the parts of a run, each with targets and folders of its own
plan.py      how long each part runs
machine.py   where it ran
report.py    rows to a table, to JSON, to Markdown (pure)
profile.py   python -m bench.profile: where the time of a commit goes
partiql.py   python -m bench.partiql: the query engine alone
```

An absolute figure says little: machines differ, and one machine drifts by tens of per cent within an
hour. So targets take turns within each number of callers, medians over the rounds are shown, and what
counts is the ratio to PostgreSQL in the same run.
"""

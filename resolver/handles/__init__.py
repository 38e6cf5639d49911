"""Handles: devices and prefixes as the records that clients of the Handle System read.

`values` derives a record's values from the ledger's own records, `encoding` has their bytes and
digests, `asking` reads a question and filters, `signing` signs where an operator has a key for it,
`verifying` holds an answer against the device's proved record. Pure; specified in
specs/3-resolution.md, "Handles".
"""

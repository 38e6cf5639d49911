"""Verifiable Credentials 2.0: what others sign about a subject, secured by Data Integrity proofs.

Everything here is a calculation on values: the keys come from a `Methods` of the caller, time is an
argument in whole seconds since 1970, status lists are already fetched, and contexts are bundled.

    signed = secure(credential, key, method=url, purpose="assertionMethod", created=when)
    held = verify_credential(signed, methods, now=now)
"""

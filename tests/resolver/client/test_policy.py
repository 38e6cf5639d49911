"""What a client with a policy of witnesses refuses, of a service that has none."""

from __future__ import annotations

import pytest

from identity.errors import QuorumMissing
from tests.resolver.client.conftest import Registry
from tests.resolver.client.test_client import CODE, one_device
from tests.witnesses import policy

ONE = policy("witness w1 {w1}", "quorum w1").format()


def test_what_no_witness_has_cosigned_is_refused_but_logged_receipts_are_not(
    registry: Registry,
) -> None:
    client = registry.client()
    done = one_device(client)
    did = done.did or ""
    assert client.receipt(did, done.operation, witnessed=True)[0].index == done.index
    client.pin(client.trust.asking(ONE))
    assert client.receipt(did, done.operation)[0].index == done.index
    for asked in (
        lambda: client.receipt(did, done.operation, witnessed=True),
        lambda: client.operation_receipt(done.operation, witnessed=True),
        lambda: client.resolve(CODE),
        client.checkpoint,
    ):
        with pytest.raises(QuorumMissing) as refused:
            asked()
        assert refused.value.members["missing"] == ["w1"]

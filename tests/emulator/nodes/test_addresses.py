from emulator.nodes.context import Addresses


def test_two_rehearsals_at_once_use_different_addresses() -> None:
    one, other = Addresses(), Addresses()
    try:
        assert one.block != other.block
        assert {one.take() for _ in range(300)}.isdisjoint(other.take() for _ in range(300))
    finally:
        one.release()
        other.release()


def test_an_address_is_never_handed_out_twice() -> None:
    addresses = Addresses()
    try:
        found = [addresses.take() for _ in range(1000)]
    finally:
        addresses.release()
    assert len(set(found)) == 1000
    assert all(address.startswith(f"127.{addresses.block}.") for address in found)

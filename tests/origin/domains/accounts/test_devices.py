"""Devices are listed, and signed out one by one or all at once, with their access tokens."""

from __future__ import annotations

from tests.origin.domains.accounts.conftest import House


async def test_device_signs_out_itself_another_and_all(house: House) -> None:
    tv = await house.register("anna@example.org")
    phone, tablet = [await house.sign_in("anna@example.org") for _ in range(2)]
    listed = (await tv.call("GET", "/v1/sessions")).body["items"]
    assert [each["current"] for each in listed].count(True) == 1
    assert {each["device"] for each in listed} >= {"first"}
    (own,) = [each["id"] for each in (await phone.call("GET", "/v1/sessions")).body["items"]
              if each["current"]]  # fmt: skip
    assert (await tv.call("DELETE", f"/v1/sessions/{own}")).status == 204
    assert (await phone.call("GET", "/v1/sessions")).status == 401
    assert (await tv.call("DELETE", f"/v1/sessions/{own}")).status == 404
    assert (await tablet.call("DELETE", "/v1/sessions/current")).status == 204
    assert (await tablet.call("GET", "/v1/sessions")).status == 401
    assert (await tv.call("DELETE", "/v1/sessions")).status == 204
    assert (await tv.call("GET", "/v1/sessions")).status == 401
    asked = {"refresh_token": tv.refresh}
    assert (await tv.call("POST", "/v1/sessions/refresh", asked)).status == 401


async def test_other_peoples_devices_are_not_there(house: House) -> None:
    anna = await house.register("anna@example.org")
    ben = await house.register("ben@example.org")
    (device,) = (await anna.call("GET", "/v1/sessions")).body["items"]
    assert (await ben.call("DELETE", f"/v1/sessions/{device['id']}")).status == 404
    assert (await anna.call("GET", "/v1/sessions")).status == 200

"""Profiles belong to their account, and their limits reach the devices they are chosen on."""

from __future__ import annotations

from tests.origin.domains.accounts.conftest import House, OpenHouse

PROFILES = "/v1/profiles"


async def test_profile_is_made_changed_and_erased(open_house: OpenHouse) -> None:
    async with open_house(profiles_max=2) as house:
        anna = await house.register("anna@example.org")
        answer = await anna.call("POST", PROFILES, {"name": "Kim", "age_max": 6, "language": "de"})
        assert answer.status == 201
        assert answer.body | {"id": ""} == {
            "id": "", "name": "Kim", "age_max": 6, "language": "de", "avatar": "", "has_pin": False
        }  # fmt: skip
        kim = f"{PROFILES}/{answer.body['id']}"
        await anna.call("POST", PROFILES, {"name": "Anna"})
        surplus = await anna.call("POST", PROFILES, {"name": "Ben"})
        assert (surplus.status, surplus.code) == (409, "too-many-profiles")
        changed = await anna.call("PATCH", kim, {"avatar": "fox", "pin": "1234"})
        assert (changed.body["avatar"], changed.body["has_pin"]) == ("fox", True)
        assert (await anna.call("PATCH", kim, {"pin": "12a4"})).code == "bad-pin"
        assert not (await anna.call("PATCH", kim, {"pin": ""})).body["has_pin"]
        assert (await anna.call("DELETE", kim)).status == 204
        names = [each["name"] for each in (await anna.call("GET", PROFILES)).body["items"]]
        assert names == ["Anna"]


async def test_new_limit_reaches_the_device_at_once(house: House) -> None:
    anna = await house.register("anna@example.org")
    id = (await anna.call("POST", PROFILES, {"name": "Kim", "age_max": 12})).body["id"]
    device = await house.sign_in("anna@example.org")
    assert (await device.choose(id)).status == 200
    assert (await anna.call("PATCH", f"{PROFILES}/{id}", {"name": "Kai"})).status == 200
    assert (await device.call("GET", PROFILES)).status == 200
    assert (await anna.call("PATCH", f"{PROFILES}/{id}", {"age_max": 6})).status == 200
    assert (await device.call("GET", PROFILES)).status == 401
    device.take(await device.call("POST", "/v1/sessions/refresh",
                                  {"refresh_token": device.refresh}))  # fmt: skip
    assert (await device.call("GET", PROFILES)).status == 200
    assert (await anna.call("DELETE", f"{PROFILES}/{id}")).status == 204
    refreshed = await device.call("POST", "/v1/sessions/refresh", {"refresh_token": device.refresh})
    assert refreshed.status == 200
    device.take(refreshed)
    assert (await device.choose(id)).status == 404


async def test_child_may_not_lift_its_limit(house: House) -> None:
    anna = await house.register("anna@example.org")
    kim = (await anna.call("POST", PROFILES, {"name": "Kim", "age_max": 6})).body["id"]
    grown_up = (await anna.call("POST", PROFILES, {"name": "Anna", "pin": "1234"})).body["id"]
    assert (await anna.choose(kim)).status == 200
    lifted = await anna.call("PATCH", f"{PROFILES}/{kim}", {"age_max": 99})
    assert (lifted.status, lifted.code) == (403, "grown-up-needed")
    assert (await anna.choose(grown_up)).code == "wrong-pin"
    assert (await anna.choose(grown_up, "1234")).status == 200
    assert (await anna.call("PATCH", f"{PROFILES}/{kim}", {"age_max": 7})).status == 200


async def test_other_peoples_profiles_are_not_there(house: House) -> None:
    anna = await house.register("anna@example.org")
    ben = await house.register("ben@example.org")
    id = (await anna.call("POST", PROFILES, {"name": "Kim"})).body["id"]
    assert (await ben.call("PATCH", f"{PROFILES}/{id}", {"name": "Mine"})).status == 404
    assert (await ben.call("DELETE", f"{PROFILES}/{id}")).status == 404
    assert (await ben.choose(id)).status == 404
    assert (await ben.call("GET", PROFILES)).body["items"] == []

import pytest

from vibewell_redis import RateLimitItem


@pytest.mark.plan("2.4")
def test_the_plans_form_is_requests_and_seconds() -> None:
    assert RateLimitItem.parse("auth", "30,60") == RateLimitItem("auth", 30, 60)
    assert str(RateLimitItem.parse("auth", "30,60")) == "30,60"


@pytest.mark.parametrize(
    "text", ["", "30", "30;60", "30, 60", "-1,60", "30,60,1", "a,b", "٣٠,60", "1e2,60", "30,60\n"]
)
def test_any_other_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 120,60"):
        RateLimitItem.parse("auth", text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,60", "0 requests: write 1 to 1000000"),
        ("1000001,60", "1000001 requests: write 1 to 1000000"),
        ("1,0", "0 seconds: write 1 to 1209600"),
        ("1,1209601", "1209601 seconds: write 1 to 1209600"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_range(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RateLimitItem.parse("auth", text)


@pytest.mark.parametrize("name", ["", "Auth", "a:b", "a}b", "1st", "a" * 33, "a b", "a\n"])
def test_a_name_that_could_leave_its_place_in_the_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="becomes part of a key"):
        RateLimitItem.of(name, 1, 1)

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from models.vocabulary import Channel, Method, Outcome, RequestState, Right, Role
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.demo.stories import MAILBOX, STAFF, STORIES, Story, eml
from workflows.rules.mail import House, understand_mail

MAILS = [story for story in STORIES if story.mail]
MEMBERS = {member.slug: member for member in CAST}
by_slug = pytest.mark.parametrize("story", STORIES, ids=lambda s: s.slug)
by_mail = pytest.mark.parametrize("story", MAILS, ids=lambda s: s.slug)


@by_mail
def test_a_mail_is_understood_without_a_person(story: Story) -> None:
    mail = understand_mail(eml(story), House([MAILBOX]), now=datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert mail.triage is None
    assert mail.automatic is None
    assert mail.rights == (story.right,)
    assert mail.language == story.language
    assert mail.claims()["customer_number"] == str(customer_number(story.member))
    assert mail.claims()["email"] == as_person(MEMBERS[story.member]).email


@by_mail
def test_a_mail_is_the_same_bytes_every_time_and_whole(story: Story) -> None:
    assert eml(story) == eml(story)
    parsed = message_from_bytes(eml(story), policy=default)
    assert not parsed.defects
    assert str(parsed["To"]) == MAILBOX
    body = parsed.get_body(("plain",))
    assert body is not None
    assert "{" not in body.get_content()


def test_no_two_mails_have_one_message_id() -> None:
    ids = [message_from_bytes(eml(story))["Message-ID"] for story in MAILS]
    assert len(set(ids)) == len(ids)


def test_a_story_that_began_otherwise_has_no_mail() -> None:
    with pytest.raises(ValueError, match="did not begin with a mail"):
        eml(next(story for story in STORIES if not story.mail))


@by_slug
def test_a_story_ends_as_the_cast_says(story: Story) -> None:
    expected = MEMBERS[story.member].expected(story.right)
    if story.outcome in (Outcome.REFUSED, Outcome.NOTHING_FOUND):  # what staff do about it
        assert story.by
        return
    assert story.outcome is expected.outcome
    assert set(story.holds) <= set(expected.holds)


@by_slug
def test_a_story_is_complete(story: Story) -> None:
    names = dict(STAFF)
    assert (story.channel is Channel.EMAIL) == (story.mail is not None)
    assert (story.verified is Method.DESK) == bool(story.by)
    assert (story.verified is None) == (story.outcome is Outcome.NOT_IDENTIFIED)
    assert (story.refusal is None) == (story.outcome is not Outcome.REFUSED)
    assert (story.state is RequestState.HELD) == (story.outcome is Outcome.PARTLY_ERASED)
    assert all(names[name] in (Role.APPROVER, Role.DPO) for name in story.approvers)
    if story.right is Right.ERASURE and story.refusal is None:
        assert len(set(story.approvers)) == 2
    assert story.identity["name"]
    assert "{" not in story.reason


def test_the_stories_show_both_doors_all_languages_and_every_end() -> None:
    assert len(STORIES) >= 10
    assert {s.channel for s in STORIES} == {Channel.PORTAL, Channel.EMAIL}
    assert {s.language for s in STORIES} == {"fi", "sv", "en"}
    assert {s.outcome for s in STORIES} == {
        Outcome.DELIVERED, Outcome.ERASED, Outcome.PARTLY_ERASED, Outcome.REFUSED,
        Outcome.NOT_IDENTIFIED, Outcome.NOTHING_FOUND,
    }  # fmt: skip
    doors = {(s.right, s.channel) for s in STORIES}
    assert {(r, c) for r in (Right.ACCESS, Right.ERASURE) for c in (Channel.PORTAL, Channel.EMAIL)} <= doors

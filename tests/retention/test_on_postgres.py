from tests.retention.conftest import late_world
from workflows.retention.carrying import carry_out
from workflows.retention.lists import approve, freeze


def test_what_is_past_its_time_goes_from_postgresql_too(tmp_path, fresh_postgres):
    urls = {"shop": fresh_postgres(), "billing": fresh_postgres()}
    world = late_world(tmp_path, database_url=fresh_postgres(), source_urls=urls)
    for category, left in (("C07", [71, 72, 73]), ("C12", [2, 3, 4])):
        made = freeze(world.rt, category, user="anna")
        for user in ("anna", "ben"):
            approve(world.rt, category, made.plan_hash, user=user)
        assert carry_out(world.rt, category, user="ben") == {"erased": 1}
        table = {"C07": ("billing", "invoice"), "C12": ("shop", "orders")}[category]
        assert [row[0] for row in world.rows(*table)] == left
    world.close()

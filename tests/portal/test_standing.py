"""How the page says that a connection stands, without the page."""

from tests.portal.pure import promise


def test_a_run_whose_worker_died_is_told_as_going_on_by_itself():
    promise("""
        import { standing } from "./state.js";
        const run = { mode: "full", state: "running", counts: {} };
        const told = { state: "running", interrupted: true, currentRun: run };

        const { kind, text } = standing({ connection: "active" }, told);

        assert.equal(kind, "busy");
        assert.match(text, /Interrupted, going on by itself/);
    """)

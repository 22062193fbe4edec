# What drives a cloud over nodes in tests, without an engine.

load common.bash

@test "lost over nodes sees two that acknowledge, and breaks one node at a time" { "$CHECKOUT/tests/nodes/test_lost_nodes.py"; }

@test "containers get another clock, and runc all else as it was" { "$CHECKOUT/tests/nodes/test_runtime.py"; }

@test "the measurements over nodes tell of what they measure" { "$CHECKOUT/tests/nodes/test_measure.py"; }

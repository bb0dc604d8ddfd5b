"""The hostile collection: what clumsy and hostile clients send, over every door and protocol, each at three sizes.

`test_hostile` asks for the refusing bound, for no 5xx and for the law of growth. `bench.hostile` sends the same
collection to a real server, and measures milliseconds, a neighbour's wait and memory.
"""

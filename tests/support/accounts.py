"""A dream's account, as the tests of the record need one."""

from pydream.record import Ingredients, NetFacts, PictureFacts, Recipe

A = "a" * 64
NETWORK = NetFacts(
    name="net", weights="w.caffemodel", weights_sha256=A, definition_sha256=A, dtype="float64", runtime="numpy",
    device="CPU:0",
)  # fmt: skip
SKY = PictureFacts(name="sky.png", width=6, height=4, sha256=A)
RECIPE = Recipe(end="conv", seed=7)
INGREDIENTS = Ingredients(network=NETWORK, input=SKY)

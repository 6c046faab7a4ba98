"""The transformer: heads, positions, memory, and what its algorithm can do with it."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.checks.stages import stages
from acceltui.recipe.schema import GPT, PPO, SSM, GTrXL, Recipe


def transformer_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of the section `transformer`, and of the algorithm with it."""
    transformer = recipe.transformer
    if transformer.head == "mixture" and recipe.algorithm.kind == "td3":
        yield Conflict(
            "td3's policies have no distribution, and a mixture is one",
            "use head: plain, or algorithm.kind: sac",
            ("transformer.head", "algorithm.kind", "method"),
        )
    if isinstance(transformer, GPT | GTrXL):
        yield from _heads(transformer)
    if isinstance(transformer, GPT | SSM):
        yield from _memory(recipe, transformer)


def _heads(transformer: GPT | GTrXL) -> Iterator[Conflict]:
    heads, width = transformer.heads, transformer.width
    uses = ("transformer.heads", "transformer.width", "method")
    if width % heads:
        nearest = max(divisor for divisor in range(1, heads) if width % divisor == 0)
        yield Conflict(
            f"{heads} heads do not divide a width of {width}",
            f"give for example {nearest} heads, or a width of {width + heads - width % heads}",
            uses,
        )
    elif transformer.positions == "rotary" and (width // heads) % 2:
        yield Conflict(
            f"rotary positions need an even width a head, and {width} / {heads} is {width // heads}",
            f"give for example a width of {width + heads}",
            ("transformer.positions", *uses),
        )


def _memory(recipe: Recipe, transformer: GPT | SSM) -> Iterator[Conflict]:
    uses = ("transformer.memory", "transformer.kind", "method")
    if transformer.memory == "window":
        if transformer.burn_in:
            yield Conflict(
                "a window has no memory to warm up",
                "use memory: episode, or delete burn_in",
                ("transformer.burn_in", *uses),
            )
        return
    if isinstance(transformer, GPT) and transformer.positions != "rotary":
        yield Conflict(
            f"an episode outgrows {transformer.positions} positions",
            "use rotary, or memory: window",
            ("transformer.positions", *uses),
        )
    if transformer.inputs != "observations":
        yield Conflict(
            "memory: episode reads observations alone",
            "use observations, or memory: window",
            ("transformer.inputs", *uses),
        )
    drawn = {"clone.segment": recipe.clone.segment} if recipe.method == "accelerated" else {}
    online = stages(recipe)[-1]
    if recipe.method != "accelerator" and not isinstance(online.algorithm, PPO):
        drawn[online.key("segment")] = online.algorithm.segment
    for path, segment in drawn.items():
        if segment > 1:
            yield Conflict(
                f"memory: episode draws runs of transformer.context = {transformer.context} of its own",
                "delete it, or use memory: window",
                (path, *uses),
            )
    if recipe.algorithm.kind == "ppo":
        yield Conflict(
            "ppo's rollouts are cut into windows",
            "use memory: window, or algorithm.kind: sac",
            (*uses[:1], "algorithm.kind", *uses[1:]),
        )

"""What no single field of a recipe can say: the values that must fit one another.

Only what the recipe's `method` uses is checked: `scratch` has no accelerator, `accelerator` has no second stage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from acceltui.recipe.schema import Plateau, Recipe, Rule

MAX_RULE_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values that do not fit one another, told as a problem of the first."""

    message: str
    hint: str
    uses: tuple[str, ...]
    """Dotted paths of all values that take part, the one to change first."""

    @property
    def path(self) -> str:
        return self.uses[0]


def check(recipe: Recipe) -> list[Conflict]:
    """All conflicts of a recipe that the schema accepts."""
    found = [*_environment(recipe), *_evaluation(recipe), *_replays(recipe), *_starts(recipe)]
    if recipe.method != "accelerator":
        found += _transformer(recipe)
    if recipe.method == "accelerated":
        found += [*_clone(recipe), *_online(recipe)]
        if recipe.switch:
            found += _rule(recipe, recipe.switch, "switch", depth=1)
    return found


def imported_module(env_id: str) -> str | None:
    """The module that making the environment imports: `module:Name-v0`."""
    module, colon, _ = env_id.partition(":")
    return module if colon else None


def check_import(recipe: Recipe, allowed: Sequence[str]) -> list[Conflict]:
    """An `env.id` that runs code of a module the caller has not named."""
    module = imported_module(recipe.env.id)
    if module is None or module in allowed:
        return []
    if not all(part.isidentifier() for part in module.split(".")):
        message, hint = f"{module!r} is no module's name", "write module:Name-v0, or Name-v0 alone"
    else:
        message = f"making this environment runs the code of the module {module}"
        hint = f"add `--allow-import {module}` if you trust it"
    return [Conflict(message, hint, ("env.id",))]


def _environment(recipe: Recipe) -> Iterator[Conflict]:
    env = recipe.env
    if env.hide is not None and env.keep is not None:
        yield Conflict("keep and hide exclude each other", "delete one of them", ("env.keep", "env.hide"))
    if env.keep is not None and len(set(env.keep)) != len(env.keep):
        repeated = next(index for index in env.keep if env.keep.count(index) > 1)
        yield Conflict(f"index {repeated} is given twice", "name each index once", ("env.keep",))


def _evaluation(recipe: Recipe) -> Iterator[Conflict]:
    evaluation, total = recipe.evaluation, recipe.total_steps
    if evaluation.num_envs > evaluation.episodes:
        yield Conflict(
            f"{evaluation.num_envs} environments have only {evaluation.episodes} episodes to share",
            f"give at most {evaluation.episodes}, or raise evaluation.episodes",
            ("evaluation.num_envs", "evaluation.episodes"),
        )
    if evaluation.every > total:
        yield Conflict(
            f"an evaluation every {evaluation.every} steps never happens in a run of {total}",
            f"give at most {total}",
            ("evaluation.every", *_budgets(recipe)),
        )


def _budgets(recipe: Recipe) -> tuple[str, ...]:
    return ("accelerator.steps", "online.steps", "method")


def _stages(recipe: Recipe) -> Iterator[tuple[str, int, str, int]]:
    """Of each stage that runs: the path and size of its replay, the path and size of its batch."""
    if recipe.method != "scratch":
        yield "accelerator.replay", recipe.accelerator.replay, "algorithm.batch_size", recipe.algorithm.batch_size
    if recipe.method != "accelerator":
        changed = recipe.online.algorithm.batch_size is not None
        batch = "online.algorithm.batch_size" if changed else "algorithm.batch_size"
        yield "online.replay", recipe.online.replay, batch, recipe.online_algorithm.batch_size


def _replays(recipe: Recipe) -> Iterator[Conflict]:
    """A replay holds a batch, and in the ring of each environment more than a window."""
    contexts = recipe.contexts
    longest = max(contexts, key=lambda name: contexts[name])
    num_envs, window = recipe.env.num_envs, contexts[longest]
    for replay_path, replay, batch_path, batch in _stages(recipe):
        if replay < batch:
            yield Conflict(
                f"{replay} transitions hold no batch of {batch}",
                f"give at least {batch_path} = {batch}",
                (replay_path, batch_path, "method"),
            )
        if replay // num_envs <= window:
            share = f" for each of {num_envs} environments" if num_envs > 1 else ""
            yield Conflict(
                f"{replay // num_envs} transitions{share} hold no window of {longest}.context = {window} and the next",
                f"give at least {(window + 1) * num_envs}",
                (
                    replay_path,
                    f"{longest}.context",
                    "env.num_envs",
                    "method",
                    *(f"{name}.context" for name in contexts),
                ),
            )


def _starts(recipe: Recipe) -> Iterator[Conflict]:
    """Updates begin, after the random steps and with a batch to learn from, before the first budget is spent."""
    accelerated = recipe.method == "accelerated"
    budget = recipe.accelerator.steps if accelerated else recipe.total_steps
    name = f"accelerator.steps = {budget}" if accelerated else f"the run's {budget} steps"
    algorithm = recipe.online_algorithm if recipe.method == "scratch" else recipe.algorithm
    if algorithm.random_steps >= budget:
        yield Conflict(
            f"{algorithm.random_steps} random steps leave nothing of {name} to learn in",
            f"give less than {budget}",
            ("algorithm.random_steps", *_budgets(recipe)),
        )
    if algorithm.batch_size > budget:
        yield Conflict(
            f"a batch of {algorithm.batch_size} is never complete within {name}",
            f"give at most {budget}",
            ("algorithm.batch_size", "online.algorithm.batch_size", *_budgets(recipe)),
        )


def _transformer(recipe: Recipe) -> Iterator[Conflict]:
    heads, width = recipe.transformer.heads, recipe.transformer.width
    if width % heads:
        nearest = max(divisor for divisor in range(1, heads) if width % divisor == 0)
        yield Conflict(
            f"{heads} heads do not divide a width of {width}",
            f"give for example {nearest} heads, or a width of {width + heads - width % heads}",
            ("transformer.heads", "transformer.width", "method"),
        )


def _clone(recipe: Recipe) -> Iterator[Conflict]:
    clone, accelerator = recipe.clone, recipe.accelerator
    if clone.from_ == "replay" and clone.newest > accelerator.replay:
        yield Conflict(
            f"the newest {clone.newest} transitions do not fit a replay of {accelerator.replay}",
            f"give at most accelerator.replay = {accelerator.replay}",
            ("clone.newest", "accelerator.replay", "clone.from", "method"),
        )
    if clone.newest < clone.batch_size:
        yield Conflict(
            f"{clone.newest} transitions hold no batch of {clone.batch_size}",
            f"give at least clone.batch_size = {clone.batch_size}",
            ("clone.newest", "clone.batch_size", "method"),
        )
    if clone.from_ == "rollouts" and clone.rollouts.every > accelerator.steps:
        yield Conflict(
            f"rollouts every {clone.rollouts.every} steps never happen within accelerator.steps = {accelerator.steps}",
            f"give at most {accelerator.steps}",
            ("clone.rollouts.every", "accelerator.steps", "clone.from", "method"),
        )


def _online(recipe: Recipe) -> Iterator[Conflict]:
    online, accelerator = recipe.online, recipe.accelerator
    for path, limit in (("online.replay", online.replay), ("accelerator.replay", accelerator.replay)):
        if online.seed_replay > limit:
            yield Conflict(
                f"{online.seed_replay} transitions are more than {path} = {limit} holds",
                f"give at most {limit}",
                ("online.seed_replay", path, "method"),
            )
    if online.clone_fade > online.steps:
        yield Conflict(
            f"a fade over {online.clone_fade} steps does not end within online.steps = {online.steps}",
            f"give at most {online.steps}",
            ("online.clone_fade", "online.steps", "method"),
        )
    if online.critic_warmup >= online.steps:
        yield Conflict(
            f"{online.critic_warmup} steps for the critic alone leave nothing of online.steps = {online.steps}",
            f"give less than {online.steps}",
            ("online.critic_warmup", "online.steps", "method"),
        )


def _rule(recipe: Recipe, rule: Rule, path: str, depth: int) -> Iterator[Conflict]:
    """A rule, and the rules inside it, can fire before the budget of stage accelerate is spent."""
    if depth > MAX_RULE_DEPTH:
        yield Conflict(f"rules nested more than {MAX_RULE_DEPTH} deep", "use fewer levels of any and all", (path,))
        return
    budget = recipe.accelerator.steps
    start_path, start = f"{path}.step", rule.step or 0
    if rule.plateau:
        start_path, start = f"{path}.plateau.after", rule.plateau.after
    elif rule.share:
        start_path, start = f"{path}.share.after", rule.share.after
    if start > budget:
        yield Conflict(
            f"step {start} comes after the end of the stage, accelerator.steps = {budget}",
            f"give at most {budget}",
            (start_path, "accelerator.steps", "method"),
        )
    elif rule.plateau:
        yield from _patience(recipe, rule.plateau, f"{path}.plateau")
    for key, rules in (("any", rule.any), ("all", rule.all)):
        for index, inner in enumerate(rules or ()):
            yield from _rule(recipe, inner, f"{path}.{key}.{index}", depth + 1)


def _patience(recipe: Recipe, plateau: Plateau, path: str) -> Iterator[Conflict]:
    """Enough evaluations fit between `after` and the end of the stage for the plateau to be seen."""
    budget, every = recipe.accelerator.steps, recipe.evaluation.every
    largest = (budget - plateau.after) // every
    if plateau.patience > largest:
        yield Conflict(
            f"{plateau.patience} evaluations, one every {every} steps from step {plateau.after} on, "
            f"never happen within accelerator.steps = {budget}",
            f"give at most {largest}" if largest else f"give an earlier {path}.after, or evaluate more often",
            (f"{path}.patience", f"{path}.after", "evaluation.every", "accelerator.steps", "method"),
        )

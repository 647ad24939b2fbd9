"""The drills that may be played on a practice firm while somebody looks. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PracticeDrill:
    """``breaks``: what is done to the firm; ``shows``: what must come of it."""

    code: str
    title: str
    breaks: str
    shows: str


PRACTICE_DRILLS: dict[str, PracticeDrill] = {
    drill.code: drill
    for drill in (
        PracticeDrill(
            "T01",
            "Lost answer",
            "The exchange takes an order; its answer is cut off.",
            "The order is unknown, keeps its funds, is found by its id, and was sent once.",
        ),
        PracticeDrill(
            "T03",
            "Filled, never answered",
            "The exchange fills an order at once and never answers.",
            "The fill is found; nothing is bought a second time.",
        ),
        PracticeDrill(
            "T04",
            "Lagging book",
            "The answer is lost, and for eight seconds the exchange says that it knows no such order.",
            "The order is not given up, since the lag proves nothing.",
        ),
        PracticeDrill(
            "T05",
            "No answers to questions",
            "Every question about orders fails until new risk is held back, and a few seconds more.",
            "No order ends without proof, new risk is held back, and trading is free again afterwards.",
        ),
        PracticeDrill(
            "T10",
            "Executor killed",
            "Fills come twice and out of order, and the executor is killed among them.",
            "It comes back, reads the fills again, and each is posted once.",
        ),
        PracticeDrill(
            "T11",
            "Late fill",
            "A fill comes before the answer to its order, another after the cancellation.",
            "Both are in the books; the late one is an incident.",
        ),
        PracticeDrill(
            "T13",
            "Cancel times out",
            "A cancellation is never answered and was never done.",
            "The order stays until the exchange proves its end.",
        ),
        PracticeDrill(
            "T43",
            "Id known already",
            "The exchange says that it has an order of this id.",
            "The order is looked up; none is sent anew.",
        ),
    )
}
